import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { capsuleRoutes } from '../../../../src/api/capsules/routes.ts';
import type { Api } from '../../../../src/api/http/route.ts';
import { maximumMinor } from '../../../../src/api/microversion/version.ts';
import { type Role, roles } from '../../../../src/model/principal.ts';
import { type Answer, ask, at, startApi } from '../../../support/api-client.ts';
import { hostFacts, startControl } from '../../../support/control.ts';
import { nearly } from '../../../support/garbage.ts';
import { ModelHost } from '../../../support/model-host.ts';

async function start(t: TestContext) {
	const control = await startControl();
	t.after(() => control.close());
	await control.link.register(hostFacts('host-1'));
	const options = { rateLimit: null, waitLimit: 1 };
	const api = await startApi(control.service, options, [(app, context) => capsuleRoutes(app, context, control.service.capsules)]);
	t.after(() => api.close());
	return { ...control, api, host: new ModelHost(control.link, 'host-1') };
}

/** Where a request that is injected thinks the service is. */
const origin = 'http://localhost:80';

const minimal = { kind: 'capsule', metadata: { name: 'web' }, spec: { containers: [{ image: 'busybox' }] } };

/** The minimal template with other parts. */
function template(spec: object = {}, metadata: object = {}, rest: object = {}) {
	return { ...minimal, ...rest, metadata: { ...minimal.metadata, ...metadata }, spec: { ...minimal.spec, ...spec } };
}

async function create(api: Api, value: unknown, options: { readonly version?: string; readonly token?: string } = {}): Promise<Answer> {
	return await ask(api, 'POST /v1/capsules', { version: '1.40', ...options, body: { template: value } });
}

function code(answer: Answer): unknown {
	return at(answer.body, 'errors', 0, 'code');
}

describe('a template', () => {
	const full = {
		capsuleVersion: 'beta',
		kind: 'Capsule',
		metadata: { name: 'capsule-example', labels: { app: 'web', tier: 1 }, annotations: { note: 'mine' } },
		availabilityZone: 'nova',
		spec: {
			restartPolicy: 'OnFailure',
			something: 'that nobody knows',
			initContainers: [{ image: 'busybox', command: ['true'], livenessProbe: {}, resources: { requests: { cpu: 2 } } }],
			containers: [
				{
					name: 'app',
					image: 'ubuntu',
					command: ['/bin/echo'],
					args: ['Hello', 'World'],
					imagePullPolicy: 'ifnotpresent',
					workDir: '/root',
					labels: { app: 'web' },
					stdin: true,
					tty: true,
					ports: [{ name: 'web-port', containerPort: 80, hostPort: 80, protocol: 'TCP' }],
					resources: { requests: { cpu: 0.5, memory: '1024' } },
					env: { ENV1: '/usr/local/bin' },
					volumeMounts: [{ name: 'volume1', mountPath: '/data1/', readOnly: 'True' }],
				},
				{ image: 'centos', args: ['ls'], ports: [{ containerPort: 53, hostPort: 80, protocol: 'UDP' }] },
			],
			volumes: [{ name: 'volume1', cinder: { size: 5, autoRemove: true } }],
		},
	};

	test('with everything in it becomes a capsule', async (t) => {
		const { api, store } = await start(t);
		const answer = await create(api, full);
		assert.equal(answer.status, 202, answer.text);
		const id = at(answer.body, 'uuid');
		assert.equal(answer.headers['location'], `${origin}/v1/capsules/${id}`);
		const body = answer.body;
		for (const [name, value] of Object.entries({
			name: 'capsule-example',
			labels: { app: 'web', tier: '1' },
			annotations: { note: 'mine' },
			restart_policy: { Name: 'on-failure', MaximumRetryCount: '0' },
			cpu: 2,
			memory: '1536',
			status: 'Creating',
			status_reason: null,
			project_id: 'project-a',
			sandbox_id: id,
		})) {
			assert.deepEqual(at(body, name), value, name);
		}
		assert.equal(at(body, 'host'), undefined);
		assert.equal(at(body, 'links', 0, 'href'), `${origin}/v1/capsules/${id}`);
		const app = at(body, 'containers', 0);
		for (const [name, value] of Object.entries({
			name: 'capsule-capsule-example-app',
			image: 'ubuntu',
			command: ['/bin/echo', 'Hello', 'World'],
			workdir: '/root',
			labels: { app: 'web' },
			environment: { ENV1: '/usr/local/bin' },
			interactive: true,
			tty: true,
			cpu: 0.5,
			memory: '1024',
			ports: [80],
			links: undefined,
			host: undefined,
		})) {
			assert.deepEqual(at(app, name), value, name);
		}
		assert.equal(at(app, 'mounts', 0, 'destination'), '/data1');
		assert.equal(at(app, 'mounts', 0, 'read_only'), true);
		assert.deepEqual(at(body, 'containers', 1, 'command'), ['ls']);
		assert.deepEqual(at(body, 'init_containers', 0, 'restart_policy'), { Name: 'on-failure', MaximumRetryCount: '0' });
		const rules = await store.db.selectFrom('security_group_rule').selectAll().where('port_range_min', 'is not', null).execute();
		assert.deepEqual(new Set(rules.map((rule) => `${rule.port_range_min}/${rule.protocol}`)), new Set(['80/tcp', '53/udp']));
		assert.deepEqual(await store.db.selectFrom('published_port').selectAll().execute(), []);
	});

	test('may come as JSON text', async (t) => {
		const { api } = await start(t);
		const answer = await create(api, JSON.stringify(minimal));
		assert.equal(answer.status, 202, answer.text);
		assert.equal(at(answer.body, 'name'), 'web');
		const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
		const nested = `{"kind":"capsule","metadata":{},"spec":{"other":${deep},"containers":[{"image":"busybox"}]}}`;
		const nul = JSON.stringify(template({ containers: [{ image: 'busybox', env: { A: 'x\u0000y' } }] }));
		for (const text of ['', '{', '[]', '"text"', 'null', JSON.stringify({ ...minimal, spec: {} }), nested, nul]) {
			const refused = await create(api, text);
			assert.equal(refused.status, 400, text);
		}
	});

	test('needs neither a name nor labels', async (t) => {
		const { api } = await start(t);
		for (const metadata of [{}, { name: null, labels: null, annotations: null }]) {
			const answer = await create(api, { ...minimal, metadata });
			assert.equal(answer.status, 202, answer.text);
			assert.match(String(at(answer.body, 'name')), /-capsule$/);
		}
	});

	const mounted = { containers: [{ image: 'busybox', volumeMounts: [{ name: 'data', mountPath: '/data' }] }] };
	const wrong: readonly [string, unknown, string][] = [
		['no template', undefined, 'template'],
		['no kind', { ...minimal, kind: undefined }, 'kind'],
		['another kind', { ...minimal, kind: 'Pod' }, 'template.kind'],
		['no spec', { ...minimal, spec: undefined }, 'spec'],
		['no metadata', { ...minimal, metadata: undefined }, 'metadata'],
		['an unknown key', { ...minimal, nets: [] }, 'nets'],
		['a bad name', template({}, { name: '-x' }), 'template.metadata.name'],
		['no containers', template({ containers: [] }), 'template.spec.containers'],
		['containers that are none', template({ containers: 'x' }), 'template.spec.containers'],
		['no image', template({ containers: [{ image: 'busybox' }, {}] }), 'template.spec.containers.1'],
		['an unknown key of a container', template({ containers: [{ image: 'busybox', probe: {} }] }), 'probe'],
		['a command that is no list', template({ containers: [{ image: 'busybox', command: 'ls' }] }), 'template.spec.containers.0.command'],
		['an env that is no text', template({ containers: [{ image: 'busybox', env: { A: 1 } }] }), 'template.spec.containers.0.env.A'],
		[
			'too much cpu',
			template({ containers: [{ image: 'busybox', resources: { requests: { cpu: 100 } } }] }),
			'template.spec.containers[0].resources.requests.cpu',
		],
		[
			'memory in words',
			template({ containers: [{ image: 'busybox', resources: { requests: { memory: '1G' } } }] }),
			'template.spec.containers.0.resources.requests.memory',
		],
		[
			'a port out of range',
			template({ containers: [{ image: 'busybox', ports: [{ containerPort: 70000 }] }] }),
			'template.spec.containers.0.ports.0.containerPort',
		],
		['an init container without an image', template({ initContainers: [{}] }), 'template.spec.initContainers.0'],
		['an unknown policy', template({ restartPolicy: 'Sometimes' }), 'template.spec.restartPolicy'],
		['a mount of no volume', template(mounted), 'template.spec.containers[0].volumeMounts[0].name'],
		['a volume that nobody mounts', template({ volumes: [{ name: 'data', cinder: { size: 1 } }] }), 'template.spec.volumes[0].name'],
		[
			'two volumes of one name',
			template({
				...mounted,
				volumes: [
					{ name: 'data', cinder: { size: 1 } },
					{ name: 'data', cinder: { size: 1 } },
				],
			}),
			'template.spec.volumes[1].name',
		],
		['a volume of nothing', template({ ...mounted, volumes: [{ name: 'data', cinder: {} }] }), 'template.spec.volumes[0].cinder'],
		['a volume of no provider', template({ ...mounted, volumes: [{ name: 'data' }] }), 'template.spec.volumes.0'],
		[
			'a volume with size and id',
			template({ ...mounted, volumes: [{ name: 'data', cinder: { size: 1, volumeID: '1'.repeat(36) } }] }),
			'template.spec.volumes[0].cinder',
		],
		[
			'a mount path with ..',
			template({
				containers: [{ image: 'busybox', volumeMounts: [{ name: 'data', mountPath: '/data/../etc' }] }],
				volumes: [{ name: 'data', cinder: { size: 1 } }],
			}),
			'template.spec.containers[0].volumeMounts[0].mountPath',
		],
		[
			'two mounts in one place',
			template({
				containers: [
					{
						image: 'busybox',
						volumeMounts: [
							{ name: 'data', mountPath: '/data' },
							{ name: 'data', mountPath: '/data/' },
						],
					},
				],
				volumes: [{ name: 'data', cinder: { size: 1 } }],
			}),
			'template.spec.containers[0].volumeMounts[1].mountPath',
		],
	];
	test('that is wrong is refused with the path of what is wrong, and changes nothing', async (t) => {
		const { api, store } = await start(t);
		for (const [what, value, path] of wrong) {
			const answer = await create(api, value);
			assert.equal(answer.status, 400, `${what}: ${answer.text}`);
			assert.ok(String(at(answer.body, 'errors', 0, 'title')).includes(path), `${what}: ${answer.text}`);
		}
		for (const table of ['sandbox', 'capsule', 'container', 'volume', 'operation'] as const) {
			assert.deepEqual(await store.db.selectFrom(table).selectAll().execute(), [], table);
		}
	});

	test('is looked at as its version did', async (t) => {
		const { api } = await start(t);
		const policyOf = async (value: unknown, version: string) => at((await create(api, value, { version })).body, 'restart_policy');
		const both = template({ restartPolicy: 'Never' }, {}, { restartPolicy: 'OnFailure' });
		assert.equal(await policyOf(both, '1.15'), 'on-failure');
		assert.equal(await policyOf(both, '1.16'), 'no');
		assert.deepEqual(await policyOf(both, '1.32'), { Name: 'no', MaximumRetryCount: '0' });
		assert.equal(await policyOf(minimal, '1.1'), 'always');

		const gates: readonly [number, unknown][] = [
			[34, template({ initContainers: [{ image: 'busybox' }] })],
			[37, template({ containers: [{ image: 'busybox', tty: true }] })],
			[37, template({ containers: [{ image: 'busybox', stdin: true }] })],
			[38, template({}, { annotations: { a: 'b' } })],
		];
		for (const [from, value] of gates) {
			assert.equal((await create(api, value, { version: `1.${from}` })).status, 202);
			const early = await create(api, value, { version: `1.${from - 1}` });
			assert.deepEqual([early.status, code(early)], [400, 'container.invalid-param-in-version']);
		}
		const ports = template({ containers: [{ image: 'busybox', ports: [{ containerPort: 80 }] }] });
		assert.deepEqual(at((await create(api, ports, { version: '1.34' })).body, 'containers', 0, 'ports'), []);
		assert.deepEqual(at((await create(api, ports, { version: '1.35' })).body, 'containers', 0, 'ports'), [80]);
		const early = await create(api, template({ initContainers: [] }, { annotations: {} }), { version: '1.1' });
		assert.equal(early.status, 202, early.text);
	});

	test('publishes host ports from 1.42, and chooses networks and groups', async (t) => {
		const { api, store } = await start(t);
		const ports = template({ containers: [{ image: 'busybox', ports: [{ containerPort: 80, hostPort: 18080 }] }] });
		assert.equal((await create(api, ports, { version: '1.41' })).status, 202);
		assert.equal((await create(api, ports, { version: '1.42' })).status, 202);
		const published = await store.db.selectFrom('published_port').select(['host_port', 'sandbox_port', 'protocol']).execute();
		assert.deepEqual(
			published.map((row) => [row.host_port, row.sandbox_port, row.protocol]),
			[[18080, 80, 'tcp']],
		);
		assert.equal((await create(api, template({ nets: [{ network: 'default' }], securityGroups: ['default'] }))).status, 202);
		const unknown = await create(api, template({ nets: [{ network: 'nowhere' }] }));
		assert.deepEqual([unknown.status, code(unknown)], [404, 'container.network-not-found']);
	});
});

test('a capsule has the form of its version', async (t) => {
	const { api } = await start(t);
	const { body } = await create(api, template({}, { labels: { a: 'b' } }));
	const url = `/v1/capsules/${at(body, 'uuid')}`;
	const modern = await ask(api, `GET ${url}`, { version: '1.32' });
	const legacy = await ask(api, `GET ${url}`, { version: '1.31' });
	assert.deepEqual([at(modern.body, 'name'), at(modern.body, 'labels')], ['web', { a: 'b' }]);
	assert.deepEqual([at(legacy.body, 'meta_name'), at(legacy.body, 'meta_labels')], ['web', { a: 'b' }]);
	assert.equal(at(legacy.body, 'restart_policy'), 'always');
	const only = (one: unknown, other: unknown) => Object.keys(Object(one)).filter((key) => !Object.keys(Object(other)).includes(key));
	assert.deepEqual(only(modern.body, legacy.body), ['name', 'labels']);
	assert.deepEqual(only(legacy.body, modern.body).sort(), [
		'capsule_version',
		'containers_uuids',
		'init_containers_uuids',
		'meta_labels',
		'meta_name',
		'volumes_info',
	]);
	for (const version of ['1.1', '1.31', '1.32', '1.40', 'latest']) {
		const list = await ask(api, 'GET /v1/capsules/?whatever=1', { version });
		assert.equal(list.status, 200, list.text);
		assert.equal(at(list.body, 'capsules', 0, version === '1.1' || version === '1.31' ? 'meta_name' : 'name'), 'web');
	}
	const admin = await ask(api, `GET ${url}`, { version: '1.40', token: 'admin:project-a' });
	assert.deepEqual([at(admin.body, 'host'), at(admin.body, 'containers', 0, 'host')], ['host-1', 'host-1']);
});

test('lists are in pages, and links keep what was asked', async (t) => {
	const { api } = await start(t);
	for (const name of ['c1', 'c2', 'c3']) await create(api, template({}, { name }));
	const names: unknown[] = [];
	let url: string | null = '/v1/capsules?limit=2&sort_key=name&sort_dir=desc';
	while (url !== null) {
		const page: Answer = await ask(api, `GET ${url}`, { version: '1.40' });
		assert.equal(page.status, 200, page.text);
		const capsules = at(page.body, 'capsules');
		assert.ok(Array.isArray(capsules));
		names.push(...capsules.map((capsule) => at(capsule, 'name')));
		const next = at(page.body, 'next');
		url = typeof next === 'string' ? next.replace(origin, '') : null;
	}
	assert.deepEqual(names, ['c3', 'c2', 'c1']);
	const answer = await ask(api, 'GET /v1/capsules?limit=0');
	assert.equal(answer.status, 400);
	assert.equal(code(await ask(api, 'GET /v1/capsules?sort_key=nonsense')), 'container.invalid-parameter-value');
});

test('members are reached under /containers, which does not list them', async (t) => {
	const { api, host } = await start(t);
	const { body } = await create(api, minimal);
	const [id, member] = [at(body, 'uuid'), at(body, 'containers', 0, 'uuid')];
	await host.settle();
	const names = async (query: string) => {
		const containers = at((await ask(api, `GET /v1/containers${query}`, { version: '1.40' })).body, 'containers');
		assert.ok(Array.isArray(containers));
		return containers.map((container) => at(container, 'uuid'));
	};
	assert.deepEqual(await names(''), []);
	for (const query of [`?capsule=${id}`, '?capsule=web', `?sandbox=${id}`]) assert.deepEqual(await names(query), [member]);
	const shown = await ask(api, `GET /v1/containers/${member}`, { version: '1.40' });
	assert.equal(at(shown.body, 'status'), 'Running');
	const refused = await ask(api, `DELETE /v1/containers/${member}?stop=True`, { version: '1.40' });
	assert.deepEqual([refused.status, code(refused)], [409, 'container.conflict']);
	assert.ok(refused.text.includes(String(id)));
});

test('a capsule is stopped, started, changed, waited for and deleted', async (t) => {
	const { api, host } = await start(t);
	await create(api, minimal);
	await host.settle();
	const status = async (query = '') => at((await ask(api, `GET /v1/capsules/web${query}`)).body, 'status');
	assert.equal(await status('?wait=Running&timeout=1'), 'Running');
	assert.equal((await ask(api, 'POST /v1/capsules/web/start')).status, 409);
	assert.equal((await ask(api, 'POST /v1/capsules/web/stop?timeout=3')).status, 202);
	await host.settle();
	assert.equal(await status(), 'Stopped');
	assert.equal((await ask(api, 'POST /v1/capsules/web/start')).status, 202);
	await host.settle();
	assert.equal(await status(), 'Running');
	const changed = await ask(api, 'PATCH /v1/capsules/web', { version: '1.40', body: { labels: { a: true }, annotations: { b: 2 } } });
	assert.deepEqual([changed.status, at(changed.body, 'labels'), at(changed.body, 'annotations')], [200, { a: 'True' }, { b: '2' }]);
	const removed = await ask(api, 'DELETE /v1/capsules/web', { headers: { 'content-type': 'application/octet-stream' } });
	assert.deepEqual([removed.status, removed.text], [204, '']);
	assert.equal(await status(), 'Deleting');
	await host.settle();
	const gone = await ask(api, 'GET /v1/capsules/web');
	assert.deepEqual([gone.status, code(gone)], [404, 'container.capsule-not-found']);
});

test('a repeated create with its key answers with the first capsule', async (t) => {
	const { api } = await start(t);
	const again = () => ask(api, 'POST /v1/capsules', { version: '1.40', body: { template: minimal }, headers: { 'idempotency-key': 'k1' } });
	assert.equal(at((await again()).body, 'uuid'), at((await again()).body, 'uuid'));
	const media = await ask(api, 'POST /v1/capsules', {
		text: JSON.stringify({ template: minimal }),
		headers: { 'content-type': 'text/plain' },
	});
	assert.equal(media.status, 415);
});

/** Least role and status of each call of a member of the project. */
const calls: readonly [line: string, least: Role, status: number, body?: object][] = [
	['POST /v1/capsules', 'member', 202, { template: minimal }],
	['GET /v1/capsules', 'reader', 200],
	['GET /v1/capsules/:id', 'reader', 200],
	['PATCH /v1/capsules/:id', 'member', 200, { labels: {} }],
	['POST /v1/capsules/:id/stop', 'member', 202, {}],
	['POST /v1/capsules/:id/start', 'member', 409, {}],
	['DELETE /v1/capsules/:id', 'member', 204],
	['GET /v1/capsules?all_projects=True', 'admin', 200],
	['GET /v1/capsules/:id?all_projects=True', 'admin', 200],
	['DELETE /v1/capsules/:id?all_projects=True', 'admin', 204],
];

test('each role may do what the policy says, in its own project', async (t) => {
	const { api, host } = await start(t);
	const routes = api.routes.filter(({ url }) => url.startsWith('/v1/capsules')).map(({ method, url }) => `${method} ${url}`);
	assert.deepEqual(new Set(calls.map(([line]) => line.split('?')[0])), new Set(routes));
	const fresh = async () => {
		const { body: made } = await create(api, minimal);
		await host.settle();
		return String(at(made, 'uuid'));
	};
	let id = await fresh();
	for (const [line, least, status, body] of calls) {
		const sent = body === undefined ? {} : { body };
		for (const role of roles) {
			for (const project of ['project-a', 'project-b']) {
				const answer = await ask(api, line.replace(':id', id), { version: '1.40', token: `${role}:${project}`, ...sent });
				const allowed = roles.indexOf(role) >= roles.indexOf(least);
				const foreign = line.includes(':id') && project === 'project-b' && role !== 'admin';
				assert.equal(answer.status, !allowed ? 403 : foreign ? 404 : status, `${line} as ${role} of ${project}: ${answer.text}`);
				if (answer.status < 300 && (line.startsWith('DELETE') || line.endsWith('stop'))) id = await fresh();
			}
		}
		assert.equal((await ask(api, line.replace(':id', id), { token: null, ...sent })).status, 401);
	}
});

test('every call is served at every version', async (t) => {
	const { api, host } = await start(t);
	for (let minor = 1; minor <= maximumMinor; minor += 1) {
		const version = `1.${minor}`;
		const name = `at-${minor}`;
		const made = await create(api, template({}, { name }), { version });
		assert.equal(made.status, 202, made.text);
		assert.equal(made.headers['openstack-api-version'], `container ${version}`);
		const key = minor >= 32 ? 'name' : 'meta_name';
		const url = `/v1/capsules/${at(made.body, 'uuid')}`;
		const renamed = await ask(api, `PATCH ${url}`, { version, body: { name: `${name}-x` } });
		const answers = [at(made.body, key), at(renamed.body, key), at((await ask(api, `GET ${url}`, { version })).body, key)];
		assert.deepEqual(answers, [name, `${name}-x`, `${name}-x`]);
		assert.equal(at((await ask(api, 'GET /v1/capsules', { version })).body, 'capsules', 0, key), `${name}-x`);
		// Nothing of it has been made yet.
		for (const action of ['start', 'stop']) assert.equal((await ask(api, `POST ${url}/${action}`, { version })).status, 409);
		assert.equal((await ask(api, `DELETE ${url}`, { version })).status, 204);
		await host.settle();
	}
});

test('no input makes the service fail, and none that is refused leaves anything', async (t) => {
	const { api, store } = await start(t);
	await create(api, minimal);
	const count = async () => (await store.db.selectFrom('operation').select('id').execute()).length;
	for (const { method, url, schema } of api.routes.filter((route) => route.url.startsWith('/v1/capsules'))) {
		const request = fc.record({
			body: nearly(schema.body ?? {}),
			query: nearly(schema.querystring ?? {}),
			version: fc.constantFrom('1.1', '1.33', '1.40', 'latest'),
			id: fc.constantFrom('web', 'nothing', '%00', '%F0%9F%92%A3'),
		});
		await fc.assert(
			fc.asyncProperty(request, async ({ body, query, version, id }) => {
				const before = await count();
				const parameters = Object.entries(Object(query)).map(([name, value]) => [name.toWellFormed(), asText(value).toWellFormed()]);
				const line = `${method} ${url.replace(':id', id)}?${new URLSearchParams(Object.fromEntries(parameters))}`;
				const answer = await ask(api, line, { version, text: JSON.stringify(body) ?? '', headers: { 'content-type': 'application/json' } });
				assert.ok(answer.status < 500, answer.text);
				if (answer.status >= 400) assert.equal(await count(), before);
			}),
			{ numRuns: method === 'POST' && url === '/v1/capsules' ? 500 : 50 },
		);
	}
});

/** A generated value as a query carries it: an object made by the generator may have no primitive value of its own. */
function asText(value: unknown): string {
	return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}
