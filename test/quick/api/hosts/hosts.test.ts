import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type AdminApi, startAdminApi } from '../../../support/admin-api.ts';
import { ask, at } from '../../../support/api-client.ts';
import { hostFacts } from '../../../support/control.ts';

const admin = { token: 'admin:project-z', version: 'latest' };

describe('hosts, services and zones', () => {
	let world: AdminApi;
	before(async () => {
		world = await startAdminApi();
		const { link, service } = world.control;
		for (const [name, cpus] of [
			['h2', 4],
			['h1', 8],
			['h3', 4],
		] as const) {
			await link.register(hostFacts(name, { cpus, labels: { rack: name } }));
		}
		await service.hostLink({ availabilityZone: 'attic' }).register(hostFacts('h4', { cpus: 2 }));
	});
	after(() => world?.close());

	const names = (body: unknown) => {
		const hosts = at(body, 'hosts');
		assert.ok(Array.isArray(hosts));
		return hosts.map((host) => at(host, 'hostname'));
	};

	test('a host is shown in Zun’s form', async () => {
		const created = await ask(world.api, 'POST /v1/containers', {
			...admin,
			body: { image: 'busybox', cpu: 0.3, memory: '128', host: 'h3' },
		});
		assert.equal(created.status, 202, created.text);
		const { status, body } = await ask(world.api, 'GET /v1/hosts/h3', admin);
		assert.equal(status, 200);
		const uuid = String(at(body, 'uuid'));
		assert.deepEqual(body, {
			uuid,
			links: [
				{ rel: 'self', href: `http://localhost:80/v1/hosts/${uuid}` },
				{ rel: 'bookmark', href: `http://localhost:80/hosts/${uuid}` },
			],
			hostname: 'h3',
			mem_total: 16384,
			mem_used: 128,
			cpus: 4,
			cpu_used: 0.3,
			disk_total: 100,
			disk_used: 0,
			disk_quota_supported: false,
			total_containers: 1,
			architecture: 'x86_64',
			os_type: 'linux',
			os: 'Debian',
			kernel_version: '6.1',
			labels: { rack: 'h3' },
			runtimes: ['runc'],
			enable_cpu_pinning: false,
			availability_zone: 'nova',
			driver: 'fake',
			driver_version: '1',
		});
		assert.deepEqual((await ask(world.api, `GET /v1/hosts/${uuid}`, admin)).body, body);
		const missing = await ask(world.api, 'GET /v1/hosts/h9', admin);
		assert.deepEqual([missing.status, at(missing.body, 'errors', 0, 'code')], [404, 'container.compute-node-not-found']);
	});

	test('hosts came with version 1.4', async () => {
		assert.equal((await ask(world.api, 'GET /v1/hosts', { ...admin, version: '1.3' })).status, 406);
		assert.equal((await ask(world.api, 'GET /v1/hosts/h1', { ...admin, version: '1.3' })).status, 406);
		assert.equal((await ask(world.api, 'GET /v1/hosts', { ...admin, version: '1.4' })).status, 200);
	});

	test('a list is by name, and goes on from page to page', async () => {
		const all = await ask(world.api, 'GET /v1/hosts/', admin);
		assert.deepEqual([names(all.body), at(all.body, 'next')], [['h1', 'h2', 'h3', 'h4'], null]);
		const sorted = await ask(world.api, 'GET /v1/hosts?sort_key=cpus&sort_dir=desc', admin);
		assert.deepEqual(names(sorted.body)[0], 'h1');
		assert.deepEqual(names(sorted.body).at(-1), 'h4');
		const seen: unknown[] = [];
		let next: unknown = '/v1/hosts?limit=2&sort_key=cpus';
		for (let page = 0; typeof next === 'string' && page < 5; page += 1) {
			const answer: Awaited<ReturnType<typeof ask>> = await ask(world.api, `GET ${next.replace('http://localhost:80', '')}`, admin);
			seen.push(...names(answer.body));
			next = at(answer.body, 'next');
			if (page === 0) assert.match(String(next), /^http:\/\/localhost:80\/v1\/hosts\?sort_key=cpus&limit=2&marker=/);
		}
		assert.deepEqual([seen.length, new Set(seen).size, seen[0], seen.at(-1)], [4, 4, 'h4', 'h1']);
		for (const query of ['marker=none', 'sort_key=colour', 'limit=0', 'sort_dir=up', 'name=h1']) {
			assert.equal((await ask(world.api, `GET /v1/hosts?${query}`, admin)).status, 400, query);
		}
	});

	test('zones are each named once, for everybody', async () => {
		const { status, body } = await ask(world.api, 'GET /v1/availability_zones', { token: 'reader:project-a' });
		assert.equal(status, 200);
		assert.deepEqual(body, { availability_zones: [{ availability_zone: 'attic' }, { availability_zone: 'nova' }], next: null });
		const first = await ask(world.api, 'GET /v1/availability_zones?limit=1&sort_dir=desc');
		assert.deepEqual(at(first.body, 'availability_zones'), [{ availability_zone: 'nova' }]);
		assert.match(String(at(first.body, 'next')), /sort_dir=desc&limit=1&marker=nova$/);
	});

	test('services are the agents of the hosts', async () => {
		const { status, body } = await ask(world.api, 'GET /v1/services', admin);
		assert.equal(status, 200);
		assert.deepEqual(Object.keys(body ?? {}), ['services']);
		const services = at(body, 'services');
		assert.ok(Array.isArray(services));
		assert.equal(services.length, 4);
		const service = services[0];
		const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$/;
		for (const name of ['last_seen_up', 'created_at', 'updated_at']) assert.match(String(at(service, name)), time);
		assert.ok(services.every((one) => Number.isSafeInteger(at(one, 'id'))));
		const rest = ['host', 'binary', 'state', 'disabled', 'disabled_reason', 'forced_down', 'report_count', 'availability_zone'];
		assert.deepEqual(
			rest.map((name) => at(service, name)),
			['h1', 'zun-compute', 'up', false, null, false, 1, 'nova'],
		);
	});

	const serviceOf = async (host: string) => {
		const services = at((await ask(world.api, 'GET /v1/services', admin)).body, 'services');
		assert.ok(Array.isArray(services));
		return services.find((service) => at(service, 'host') === host);
	};

	test('a service is disabled with a reason, and enabled again', async () => {
		const off = await ask(world.api, 'PUT /v1/services/disable?host=h2&binary=zun-compute&disabled_reason=new%20disk', admin);
		assert.equal(off.status, 200, off.text);
		assert.deepEqual(off.body, { service: { host: 'h2', binary: 'zun-compute', disabled: true, disabled_reason: 'new disk' } });
		assert.deepEqual([at(await serviceOf('h2'), 'disabled'), at(await serviceOf('h2'), 'disabled_reason')], [true, 'new disk']);
		const body = { host: 'h2', binary: 'zun-compute' };
		const on = await ask(world.api, 'PUT /v1/services/enable', { ...admin, body });
		assert.deepEqual(on.body, { service: { ...body, disabled: false, disabled_reason: null } });
		assert.equal(at(await serviceOf('h2'), 'disabled'), false);
		const silent = await ask(world.api, 'PUT /v1/services/disable?host=h2&binary=zun-compute&disabled_reason=None', admin);
		assert.equal(at(silent.body, 'service', 'disabled_reason'), null);
		await ask(world.api, 'PUT /v1/services/enable', { ...admin, body });
	});

	test('a service is forced down, and up again', async () => {
		const query = 'host=h2&binary=zun-compute';
		const down = await ask(world.api, `PUT /v1/services/force_down?${query}&forced_down=True`, admin);
		assert.deepEqual([down.status, down.body], [200, { service: { host: 'h2', binary: 'zun-compute', forced_down: true } }]);
		assert.deepEqual([at(await serviceOf('h2'), 'state'), at(await serviceOf('h2'), 'forced_down')], ['down', true]);
		const up = await ask(world.api, `PUT /v1/services/force_down?${query}&forced_down=False`, admin);
		assert.equal(at(up.body, 'service', 'forced_down'), false);
		assert.equal(at(await serviceOf('h2'), 'state'), 'up');
	});

	test('a service that is not there is not found; what is missing or odd is refused', async () => {
		for (const [line, status] of [
			['PUT /v1/services/enable?host=h9&binary=zun-compute', 404],
			['PUT /v1/services/enable?host=h1&binary=nova-compute', 404],
			['DELETE /v1/services?host=h9&binary=zun-compute', 404],
			['DELETE /v1/services?host=h3&binary=zun-compute', 409],
			['DELETE /v1/services?host=h1', 400],
			['PUT /v1/services/disable?binary=zun-compute', 400],
			['PUT /v1/services/disable?host=a/b&binary=zun-compute', 400],
			['PUT /v1/services/force_down?host=h1&binary=zun-compute&forced_down=perhaps', 400],
		] as const) {
			const answer = await ask(world.api, line, admin);
			assert.equal(answer.status, status, `${line}: ${answer.text}`);
		}
	});

	test('a service is forgotten', async () => {
		const gone = await ask(world.api, 'DELETE /v1/services?host=h4&binary=zun-compute', admin);
		assert.deepEqual([gone.status, gone.text], [200, 'null']);
		assert.equal((await ask(world.api, 'GET /v1/hosts/h4', admin)).status, 404);
	});
});
