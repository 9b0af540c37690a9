import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Api } from '../../../src/api/http/route.ts';
import { type Ask, ask, at, startApi } from '../../support/api-client.ts';
import { sampleIds, sampleSandbox, sampleTime } from '../../support/api-samples.ts';
import { eventually } from '../../support/eventually.ts';
import { MemoryControl } from '../../support/memory-control.ts';

describe('sandboxes', () => {
	const control = new MemoryControl();
	let api: Api;
	before(async () => {
		api = await startApi(control);
	});
	after(() => api.close());

	const create = async (body: object, options: Ask = {}) => {
		const answer = await ask(api, 'POST /v1/sandboxes', { body, ...options });
		assert.equal(answer.status, 202, answer.text);
		return control.last('sandboxes.create').args[0];
	};

	test('an empty request makes one', async () => {
		assert.deepEqual(await create({}), {});
	});

	test('every field is read', async () => {
		const input = await create(
			{
				name: 'shelf',
				labels: { a: 1 },
				hostname: 'shelf',
				cpu: 20,
				memory: '65536',
				disk: 5,
				namespaces: { pid: false },
				expires_in: 60,
				volumes: [{ source: 'data' }, { size: '2', read_only: true }],
				published_ports: [
					{ host_port: 8080, sandbox_port: 80 },
					{ protocol: 'udp', host_ip: '127.0.0.1', host_port: 53, sandbox_port: 53 },
				],
				nets: [{ network: 'n' }],
				security_groups: ['g'],
				host: 'host-1',
				availability_zone: 'nova',
				hints: { different_host: ['x'] },
				runtime: 'runc',
			},
			{ token: 'admin:project-a' },
		);
		assert.deepEqual(input, {
			name: 'shelf',
			labels: { a: '1' },
			hostname: 'shelf',
			cpu: 20,
			memory: 65_536,
			disk: 5,
			namespaces: { ipc: true, pid: false },
			expiresIn: 60,
			volumes: [{ source: 'data' }, { size: 2, readOnly: true }],
			publish: [
				{ protocol: 'tcp', hostIp: '0.0.0.0', hostPort: 8080, sandboxPort: 80 },
				{ protocol: 'udp', hostIp: '127.0.0.1', hostPort: 53, sandboxPort: 53 },
			],
			nets: [{ network: 'n' }],
			securityGroups: ['g'],
			host: 'host-1',
			availabilityZone: 'nova',
			hints: { different_host: ['x'] },
			runtime: 'runc',
		});
	});

	for (const [why, body] of [
		['an unknown field', { colour: 1 }],
		['no time at all', { expires_in: 0 }],
		['a volume of both kinds', { volumes: [{ source: 'a', size: 1 }] }],
		['a port out of range', { published_ports: [{ host_port: 0, sandbox_port: 80 }] }],
		['a network namespace of its own for each container', { namespaces: { net: false } }],
	] as const) {
		test(`${why} is 400`, async () => assert.equal((await ask(api, 'POST /v1/sandboxes', { body })).status, 400));
	}

	test('is shown with all that is its own; host and driver to administrators', async (t) => {
		t.after(() => control.sandboxRows.set(sampleIds.sandbox, sampleSandbox()));
		control.sandboxRows.set(
			sampleIds.sandbox,
			sampleSandbox({
				expiresAt: sampleTime + 60_000,
				volumes: [{ volumeId: 'v', readOnly: true }],
				publishedPorts: [
					{ id: 'x', sandboxId: sampleIds.sandbox, host: 'host-1', protocol: 'tcp', hostIp: '0.0.0.0', hostPort: 8080, sandboxPort: 80 },
				],
			}),
		);
		const { body } = await ask(api, 'GET /v1/sandboxes/shelf', { token: 'admin:project-a' });
		assert.deepEqual(body, {
			links: [
				{ rel: 'self', href: `http://localhost:80/v1/sandboxes/${sampleIds.sandbox}` },
				{ rel: 'bookmark', href: `http://localhost:80/sandboxes/${sampleIds.sandbox}` },
			],
			uuid: sampleIds.sandbox,
			name: 'shelf',
			project_id: 'project-a',
			user_id: 'user-a',
			status: 'Running',
			status_reason: null,
			task_state: null,
			labels: { tier: 'web' },
			hostname: 'shelf',
			cpu: 2,
			memory: '1024',
			disk: null,
			availability_zone: 'nova',
			runtime: null,
			namespaces: { net: true, ipc: true, pid: true },
			addresses: sampleSandbox().addresses,
			security_groups: [sampleIds.group],
			ports: [sampleIds.port],
			published_ports: [{ protocol: 'tcp', host_ip: '0.0.0.0', host_port: 8080, sandbox_port: 80 }],
			containers: [sampleIds.container],
			volumes: [{ volume_id: 'v', read_only: true }],
			created_by: 'user',
			expires_at: '2026-01-02T03:05:05.678Z',
			expires_remaining: null,
			created_at: '2026-01-02T03:04:05.678Z',
			updated_at: '2026-01-02T03:04:05.678Z',
			host: 'host-1',
			driver: 'fake',
			provider_ids: {},
		});
		const seen = await ask(api, 'GET /v1/sandboxes/shelf');
		assert.deepEqual([at(seen.body, 'host'), at(seen.body, 'driver')], [undefined, undefined]);
		control.sandboxRows.set(sampleIds.sandbox, sampleSandbox({ expiresAt: sampleTime, expiresRemaining: 1500, status: 'Paused' }));
		const paused = await ask(api, 'GET /v1/sandboxes/shelf');
		assert.deepEqual([at(paused.body, 'expires_at'), at(paused.body, 'expires_remaining')], [null, 1.5]);
	});

	test('a wait takes a place among the streams of its project, and gives it back', async (t) => {
		const busy = new MemoryControl();
		const { promise, resolve } = Promise.withResolvers<void>();
		busy.beforeWait = () => promise;
		const small = await startApi(busy, { maxStreams: 1 });
		t.after(() => small.close());
		const first = ask(small, 'GET /v1/sandboxes/shelf?wait=Running');
		await eventually('it waits', () => busy.waits > 0);
		assert.equal((await ask(small, 'GET /v1/sandboxes/shelf?wait=Running')).status, 429);
		assert.equal((await ask(small, 'GET /v1/sandboxes/shelf')).status, 200);
		resolve();
		assert.equal((await first).status, 200);
		assert.equal((await ask(small, 'GET /v1/sandboxes/shelf?wait=Running')).status, 200);
	});

	test('wait, list, update, delete and actions pass on what is asked', async () => {
		await ask(api, 'GET /v1/sandboxes/shelf?wait=Stopped&timeout=0');
		assert.deepEqual(control.last('sandboxes.wait').args, ['shelf', 'Stopped', 0]);
		const list = await ask(api, 'GET /v1/sandboxes?limit=1&status=Running&label=tier=web&created_by=user');
		assert.deepEqual(at(control.last('sandboxes.list').args[0], 'filters'), { status: 'Running', created_by: 'user', 'label:tier': 'web' });
		assert.match(String(at(list.body, 'next')), /\/v1\/sandboxes\?.*created_by=user.*marker=/);
		await ask(api, 'PATCH /v1/sandboxes/shelf', {
			body: { name: 'shelf2', cpu: null, memory: '2048', expires_in: null, published_ports: [] },
		});
		assert.deepEqual(control.last('sandboxes.update').args, [
			'shelf',
			{ name: 'shelf2', cpu: null, memory: 2048, expiresIn: null, publish: [] },
		]);
		await ask(api, 'DELETE /v1/sandboxes/shelf?force=true');
		assert.deepEqual(control.last('sandboxes.delete').args, ['shelf', { force: true }]);
		await ask(api, 'POST /v1/sandboxes/shelf/stop', { body: { timeout: 4 } });
		assert.deepEqual(control.last('sandboxes.stop').args, ['shelf', { timeout: 4 }]);
		const inside = await ask(api, 'GET /v1/sandboxes/shelf/containers');
		assert.equal(at(inside.body, 'containers', 0, 'uuid'), sampleIds.container);
		const actions = await ask(api, 'GET /v1/sandboxes/shelf/actions');
		assert.equal(at(actions.body, 'actions', 0, 'action'), 'start');
	});

	test('it is attached and detached as through a container, at every version', async () => {
		for (const version of ['1.1', '1.16', 'latest']) {
			const options = { version };
			const attached = await ask(api, 'POST /v1/sandboxes/shelf/network_attach?network=n&fixed_ip=10.0.0.7', options);
			assert.deepEqual([attached.status, attached.body], [200, null]);
			assert.deepEqual(control.last('sandboxes.networkAttach').args, ['shelf', { network: 'n', v4FixedIp: '10.0.0.7' }]);
			await ask(api, 'POST /v1/sandboxes/shelf/network_attach', { ...options, body: { port: 'p', fixed_ip: 'fd00::7' } });
			assert.deepEqual(control.last('sandboxes.networkAttach').args, ['shelf', { port: 'p', v6FixedIp: 'fd00::7' }]);
			await ask(api, 'POST /v1/sandboxes/shelf/network_attach', options);
			assert.deepEqual(control.last('sandboxes.networkAttach').args, ['shelf', {}]);
			assert.equal((await ask(api, 'POST /v1/sandboxes/shelf/network_detach?port=p', options)).status, 202);
			assert.deepEqual(control.last('sandboxes.networkDetach').args, ['shelf', { port: 'p' }]);
			const { body } = await ask(api, 'GET /v1/sandboxes/shelf/network_list', options);
			const fixed = [
				{ ip_address: '10.88.0.5', version: 4, subnet_id: sampleIds.subnet },
				{ ip_address: 'fd00::5', version: 6, subnet_id: sampleIds.subnet },
			];
			assert.deepEqual(body, { networks: [{ net_id: sampleIds.network, port_id: sampleIds.port, fixed_ips: fixed }] });
		}
	});

	for (const [line, body] of [
		['network_attach', { network: 'n', port: 'p' }],
		['network_attach', { network: 'x'.repeat(256) }],
		['network_attach', { network: ['n'] }],
		['network_attach', { networks: 'n' }],
		['network_detach', {}],
		['network_detach', { network: '', port: null }],
		['network_detach', { network: 'n', port: 'p' }],
		['network_detach', { network: 'n', fixed_ip: '10.0.0.7' }],
	] as const) {
		test(`${line} with ${JSON.stringify(body).slice(0, 40)} is 400`, async () => {
			const before = control.calls.length;
			assert.equal((await ask(api, `POST /v1/sandboxes/shelf/${line}`, { body })).status, 400);
			assert.equal(control.calls.length, before);
		});
	}

	test('a key makes repeated creates known', async () => {
		await ask(api, 'POST /v1/sandboxes', { body: { name: 'shelf' }, headers: { 'idempotency-key': 'k' } });
		assert.equal(at(control.last('sandboxes.create').args[1], 'key'), 'k');
	});
});
