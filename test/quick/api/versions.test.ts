import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Api } from '../../../src/api/http/route.ts';
import { fieldGates } from '../../../src/api/microversion/gates.ts';
import { maximumMinor, minimumMinor, negotiate } from '../../../src/api/microversion/version.ts';
import { type Answer, ask, at, startApi } from '../../support/api-client.ts';
import { type SampleRequest, sampleRequests } from '../../support/api-requests.ts';
import { MemoryControl } from '../../support/memory-control.ts';

const versions = Array.from({ length: maximumMinor - minimumMinor + 1 }, (_, index) => minimumMinor + index);

describe('microversions', () => {
	let api: Api;
	before(async () => {
		api = await startApi(new MemoryControl());
	});
	after(() => api.close());

	for (const request of sampleRequests) {
		test(`${request.route} at every version`, async () => {
			for (const version of versions) {
				const answer = await send(api, request, version);
				const there = version >= (request.from ?? minimumMinor) && version <= (request.to ?? maximumMinor);
				assert.equal(answer.status, there ? request.status : 406, `at 1.${version}: ${answer.text}`);
				assert.equal(answer.headers['openstack-api-version'], `container 1.${version}`);
				assert.equal(answer.headers['openstack-api-minimum-version'], 'container 1.1');
				assert.equal(answer.headers['openstack-api-maximum-version'], `container 1.${maximumMinor}`);
				assert.equal(answer.headers['vary'], 'OpenStack-API-Version');
			}
		});
	}

	/** For each gated field of a create, a value of it that is right. */
	const createValues: Readonly<Record<string, unknown>> = {
		auto_remove: false,
		runtime: 'runc',
		hostname: 'web',
		mounts: [{ source: 'data', destination: '/data' }],
		privileged: false,
		healthcheck: { cmd: 'true' },
		exposed_ports: { '80/tcp': {} },
		registry: 'mine',
		host: 'host-1',
		entrypoint: ['sh'],
	};

	test('every gated field of a create has a value here', () => {
		assert.deepEqual(Object.keys(createValues).sort(), Object.keys(fieldGates['container:create'] ?? {}).sort());
	});

	for (const [field, value] of Object.entries(createValues)) {
		test(`creating with ${field} at every version`, async () => {
			const gate = fieldGates['container:create']?.[field];
			assert.ok(gate !== undefined);
			for (const version of versions) {
				const answer = await create(api, { [field]: value }, version);
				assert.equal(answer.status, version >= gate.from ? 202 : 400, `at 1.${version}: ${answer.text}`);
				if (answer.status === 400) assert.equal(at(answer.body, 'errors', 0, 'code'), `container.${gate.code}`);
			}
		});
	}

	for (const field of ['runtime', 'hostname', 'registry', 'host', 'entrypoint', 'mounts', 'healthcheck', 'auto_remove']) {
		test(`creating with ${field} of null is as if it were not there`, async () => {
			assert.equal((await create(api, { [field]: null }, 1)).status, 202);
		});
	}

	for (const [name, line, from] of [
		['force', 'DELETE /v1/containers/web?force=True', 7],
		['stop', 'DELETE /v1/containers/web?stop=True', 12],
		['port of network_detach', 'POST /v1/containers/web/network_detach?port=p', 17],
		['name of PATCH', 'PATCH /v1/containers/web?name=other', 14],
	] as const) {
		test(`${name} at every version`, async () => {
			for (const version of versions) {
				const answer = await ask(api, line, { token: 'admin:project-a', version: `1.${version}` });
				const absent = line.includes('network_detach') && version < 6;
				assert.equal(answer.status < 300, version >= from, `at 1.${version}: ${answer.text}`);
				if (version < from) assert.equal(answer.status, absent ? 406 : 400);
			}
		});
	}

	test('force=False and stop=False are taken at every version, since stock clients always send them', async () => {
		assert.equal((await ask(api, 'DELETE /v1/containers/web?force=False&stop=False&all_projects=False', { version: '1.1' })).status, 204);
	});

	for (const version of versions) {
		test(`command is a ${version < 20 ? 'line' : 'list'} at 1.${version}`, async () => {
			assert.equal((await create(api, { command: 'sh -c "true"' }, version)).status, version < 20 ? 202 : 400);
			assert.equal((await create(api, { command: ['sh'] }, version)).status, version < 20 ? 400 : 202);
		});
	}

	test('what Zun does not have is taken at every version', async () => {
		for (const version of versions) assert.equal((await create(api, { sandbox: 'shelf', pids: 10 }, version)).status, 202);
	});

	for (const [header, minor] of [
		[undefined, 1],
		['container 1.1', 1],
		['container 1.41', 41],
		['container latest', 41],
		['container LATEST', 41],
		['container 1.latest', 41],
		['Container 1.7', 7],
		['container 1.42', null],
		['container 1.0', null],
		['container 2.1', null],
		['container 1.01', null],
		['container', null],
		['', null],
		['compute 1.1', null],
		['container 1.1 1.2', null],
		['container one', null],
	] as const) {
		test(`OpenStack-API-Version: ${header}`, () => {
			const result = negotiate(header);
			assert.equal(result.ok ? result.minor : null, minor);
		});
	}

	test('what cannot be served is 406 that says what can', async () => {
		const answer = await ask(api, 'GET /v1/containers', { version: '1.99' });
		assert.equal(answer.status, 406);
		assert.equal(at(answer.body, 'errors', 0, 'title'), 'Requested microversion is unsupported');
		assert.equal(at(answer.body, 'errors', 0, 'min_version'), '1.1');
		assert.equal(at(answer.body, 'errors', 0, 'max_version'), '1.41');
		assert.equal(at(answer.body, 'errors', 0, 'links', 0, 'rel'), 'help');
		assert.equal((await ask(api, 'GET /v1', { token: null, version: '1.99' })).status, 406);
		assert.equal((await ask(api, 'GET /', { token: null, version: '1.99' })).status, 200);
		assert.equal((await ask(api, 'GET /v1/containers', { token: null, version: '1.99' })).status, 401);
	});
});

function send(api: Api, { route, url, body }: SampleRequest, version: number): Promise<Answer> {
	return ask(api, `${route.split(' ')[0]} ${url}`, { version: `1.${version}`, ...(body === undefined ? {} : { body }) });
}

function create(api: Api, fields: object, version: number): Promise<Answer> {
	return ask(api, 'POST /v1/containers', { token: 'admin:project-a', version: `1.${version}`, body: { image: 'nginx', ...fields } });
}
