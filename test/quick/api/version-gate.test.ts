/** Every route of /v1 at every microversion: a combination that no request here was sent for fails the last test. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { pino } from 'pino';
import { capsuleRoutes } from '../../../src/api/capsules/routes.ts';
import type { Api } from '../../../src/api/http/route.ts';
import { fieldGates } from '../../../src/api/microversion/gates.ts';
import { maximumMinor, minimumMinor } from '../../../src/api/microversion/version.ts';
import { volumeRoutes } from '../../../src/api/volumes/routes.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { VolumeControl } from '../../../src/control/volume-control.ts';
import { startService } from '../../../src/start-service.ts';
import { type AdminApi, startAdminApi } from '../../support/admin-api.ts';
import { adminRequests } from '../../support/admin-requests.ts';
import { ask, at, startApi } from '../../support/api-client.ts';
import { sampleRequests } from '../../support/api-requests.ts';
import { hostFacts, startControl, type TestControl } from '../../support/control.ts';
import { MemoryControl } from '../../support/memory-control.ts';
import { ModelHost } from '../../support/model-host.ts';
import { VersionLedger } from '../../support/version-ledger.ts';

const minors = Array.from({ length: maximumMinor - minimumMinor + 1 }, (_, index) => minimumMinor + index);

/** Routes that the contract has only at some versions: the first and the last. Every other is there at each of them. */
const introduced: Readonly<Record<string, readonly [from: number, to: number]>> = {
	'GET /v1/hosts': [4, maximumMinor],
	'GET /v1/hosts/:id': [4, maximumMinor],
	'POST /v1/containers/:id/network_detach': [6, maximumMinor],
	'POST /v1/containers/:id/network_attach': [8, maximumMinor],
	'GET /v1/containers/:id/network_list': [13, maximumMinor],
	'POST /v1/containers/:id/rename': [1, 13],
	'POST /v1/containers/:id/add_security_group': [1, 14],
	'POST /v1/containers/:id/remove_security_group': [1, 14],
	'POST /v1/containers/:id/resize_container': [19, maximumMinor],
	'DELETE /v1/networks/:id': [27, maximumMinor],
};

const template = { kind: 'capsule', metadata: { name: 'web' }, spec: { containers: [{ image: 'busybox' }] } };

describe('every route at every version', () => {
	const ledger = new VersionLedger();
	let core: Api;
	let admin: AdminApi;
	let rest: Api;
	let restControl: TestControl;
	let network = '';
	before(async () => {
		core = await startApi(new MemoryControl());
		admin = await startAdminApi();
		await admin.control.link.register(hostFacts('h1'));
		network = (await admin.control.store.db.selectFrom('network').select('id').executeTakeFirstOrThrow()).id;
		restControl = await startControl();
		await restControl.link.register(hostFacts('h1'));
		const { service, deps } = restControl;
		rest = await startApi(service, {}, [
			(app, context) => capsuleRoutes(app, context, service.capsules),
			(app) => volumeRoutes(app, { volumes: new VolumeControl(deps) }),
		]);
	});
	after(async () => {
		await core?.close();
		await admin?.close();
		await rest?.close();
		await restControl?.close();
	});

	/** Status at a version: that of success where the contract has the route, 406 where it has not. */
	const expected = (route: string, minor: number, status: number): number => {
		const [from, to] = introduced[route] ?? [minimumMinor, maximumMinor];
		return minor >= from && minor <= to ? status : 406;
	};

	for (const { route, url, body, status } of sampleRequests) {
		test(route, async () => {
			const line = `${route.split(' ')[0]} ${url}`;
			for (const minor of minors) await ledger.ask(core, line, minor, expected(route, minor, status), body === undefined ? {} : { body });
		});
	}

	for (const sample of adminRequests(
		() => admin,
		() => network,
	)) {
		test(sample.route, async () => {
			const token = 'admin:project-a';
			const options = sample.body === undefined ? { token } : { token, body: sample.body };
			// A host that was silent for a minute is down.
			await admin.control.link.register(hostFacts('h1'));
			// A project may have so many of them; each version makes one.
			await admin.control.store.db.deleteFrom('registry').execute();
			for (const minor of minors) {
				if (sample.route === 'POST /v1/images') await admin.control.store.db.deleteFrom('image').execute();
				const line = `${sample.route.split(' ')[0]} ${await sample.url()}`;
				await ledger.ask(admin.api, line, minor, expected(sample.route, minor, sample.status), options);
			}
		});
	}

	const made = async (line: string, body: object, ...place: readonly string[]): Promise<string> => {
		const answer = await ask(rest, line, { version: 'latest', body });
		assert.ok(answer.status < 300, `${line}: ${answer.text}`);
		return String(at(answer.body, ...place));
	};
	const newCapsule = () => made('POST /v1/capsules', { template }, 'uuid');
	const newVolume = () => made('POST /v1/volumes', { size: 1 }, 'uuid');
	const newSandbox = () => made('POST /v1/sandboxes', {}, 'uuid');
	const attached = async (sandbox: string) => made(`POST /v1/sandboxes/${sandbox}/volumes`, { volume: await newVolume() }, 'uuid');
	test('POST /v1/capsules/:id/stop and start', async () => {
		const host = new ModelHost(restControl.link, 'h1');
		const id = await newCapsule();
		await host.settle();
		for (const minor of minors) {
			for (const action of ['stop', 'start']) {
				await ledger.ask(rest, `POST /v1/capsules/${id}/${action}`, minor, 202);
				await host.settle();
			}
		}
	});

	for (const [route, line, status, body] of [
		['POST /v1/capsules', async () => '/v1/capsules', 202, { template }],
		['GET /v1/capsules', async () => '/v1/capsules', 200],
		['GET /v1/capsules/:id', async () => `/v1/capsules/${await newCapsule()}`, 200],
		['PATCH /v1/capsules/:id', async () => `/v1/capsules/${await newCapsule()}`, 200, { labels: { a: 'b' } }],
		['DELETE /v1/capsules/:id', async () => `/v1/capsules/${await newCapsule()}`, 204],
		['POST /v1/volumes', async () => '/v1/volumes', 201, { size: 1 }],
		['GET /v1/volumes', async () => '/v1/volumes', 200],
		['GET /v1/volumes/:id', async () => `/v1/volumes/${await newVolume()}`, 200],
		['DELETE /v1/volumes/:id', async () => `/v1/volumes/${await newVolume()}`, 204],
		['GET /v1/sandboxes/:id/volumes', async () => `/v1/sandboxes/${await newSandbox()}/volumes`, 200],
		['POST /v1/sandboxes/:id/volumes', async () => `/v1/sandboxes/${await newSandbox()}/volumes`, 202, newVolume],
		[
			'DELETE /v1/sandboxes/:id/volumes/:volume',
			async () => {
				const sandbox = await newSandbox();
				return `/v1/sandboxes/${sandbox}/volumes/${await attached(sandbox)}`;
			},
			202,
		],
	] as const) {
		test(route, async () => {
			await restControl.link.register(hostFacts('h1'));
			for (const minor of minors) {
				const sent = typeof body === 'function' ? { volume: await body() } : body;
				const options = sent === undefined ? {} : { body: sent };
				await ledger.ask(rest, `${route.split(' ')[0]} ${await line()}`, minor, expected(route, minor, status), options);
			}
		});
	}

	for (const method of ['GET', 'HEAD']) {
		test(`${method} /v1`, async () => {
			for (const minor of minors) await ledger.ask(core, `${method} /v1`, minor, 200, { token: null });
		});
	}

	test('GET /v1/events', async () => {
		// Its answer does not end: what it begins with is enough.
		const url = await core.listen({ host: '127.0.0.1', port: 0 });
		for (const minor of minors) {
			const gone = new AbortController();
			const headers = { 'x-auth-token': 'member:project-a', 'openstack-api-version': `container 1.${minor}` };
			const answer = await fetch(`${url}/v1/events`, { headers, signal: gone.signal });
			assert.equal(answer.status, 200);
			assert.equal(answer.headers.get('openstack-api-version'), `container 1.${minor}`);
			ledger.note(core, 'GET /v1/events', minor);
			gone.abort();
		}
	});

	test('versions that nobody has are 406 at every route, with those that are', async () => {
		const requests = sampleRequests.map(({ route, url, body }) => ({
			line: `${route.split(' ')[0]} ${url}`,
			...(body === undefined ? {} : { body }),
		}));
		for (const { line, ...options } of requests) {
			for (const version of ['1.0', `1.${maximumMinor + 1}`, '2.1', 'x']) {
				const answer = await ask(core, line, { ...options, version });
				assert.equal(answer.status, 406, `${line} at ${version}`);
				assert.equal(at(answer.body, 'errors', 0, 'max_version'), `1.${maximumMinor}`);
			}
		}
	});

	describe('the gate', () => {
		let routes: readonly string[];
		before(async () => {
			routes = await servedRoutes();
		});

		test('every route that the service has was asked at every version', () => {
			assert.ok(routes.length > 80, `${routes.length} routes`);
			assert.deepEqual(ledger.missing(routes, minors), []);
		});

		test('a route or a version that nobody asked for fails it', () => {
			assert.deepEqual(ledger.missing(['GET /v1/new'], [1, 2]), ['GET /v1/new at 1.1, 1.2']);
			assert.deepEqual(ledger.missing(['GET /v1/containers'], [...minors, maximumMinor + 1]), [
				`GET /v1/containers at 1.${maximumMinor + 1}`,
			]);
		});

		test('every route of the table is there, and what the routes say of their versions is what the contract says', () => {
			for (const route of Object.keys(introduced)) assert.ok(routes.includes(route), route);
			for (const api of [core, admin.api, rest]) {
				for (const { method, url, config } of api.routes) {
					if (!url.startsWith('/v1')) continue;
					const [from, to] = introduced[`${method} ${url}`] ?? [minimumMinor, maximumMinor];
					const { from: said = minimumMinor, to: saidTo = maximumMinor } = config.versions ?? {};
					assert.deepEqual([said, saidTo], [from, to], `${method} ${url}`);
				}
			}
		});

		test('no field has a version that no test asks about', () => {
			// Each of these has a test in versions.test.ts that asks at every version.
			assert.deepEqual(Object.keys(fieldGates).sort(), [
				'container:create',
				'container:delete',
				'container:network_detach',
				'container:update',
			]);
			assert.deepEqual(Object.keys(fieldGates['container:delete'] ?? {}), ['force', 'stop']);
			assert.deepEqual(Object.keys(fieldGates['container:network_detach'] ?? {}), ['port']);
			assert.deepEqual(Object.keys(fieldGates['container:update'] ?? {}), ['name']);
		});
	});
});

/** The routes of /v1 that the service itself says it has. */
async function servedRoutes(): Promise<readonly string[]> {
	const folder = await mkdtemp(path.join(os.tmpdir(), 'zunbox-routes-'));
	const flags = { dataDirectory: folder, owner: 'test-routes', 'driver.name': 'fake', 'network.enabled': 'false', 'listen.port': '0' };
	const service = await startService(await loadConfig({ file: '/dev/null', flags }), { log: pino({ level: 'silent' }) });
	try {
		const document: unknown = await (await fetch(`${service.url}/openapi.json`)).json();
		return Object.entries(at(document, 'paths') ?? {}).flatMap(([route, methods]) =>
			route.startsWith('/v1')
				? Object.keys(methods).map((method) => `${method.toUpperCase()} ${route.replaceAll(/\{(\w+)\}/g, ':$1')}`)
				: [],
		);
	} finally {
		await service.stop();
		await rm(folder, { recursive: true, force: true });
	}
}
