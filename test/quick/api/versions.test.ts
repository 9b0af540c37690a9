import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Api } from '../../../src/api/http/route.ts';
import { fieldGates } from '../../../src/api/microversion/gates.ts';
import { maximumMinor, minimumMinor, negotiate } from '../../../src/api/microversion/version.ts';
import { tarEntry, writeTar } from '../../../src/drivers/tar.ts';
import { type Answer, ask, at, startApi } from '../../support/api-client.ts';
import { MemoryControl } from '../../support/memory-control.ts';

const versions = Array.from({ length: maximumMinor - minimumMinor + 1 }, (_, index) => minimumMinor + index);

/** What versions change beside the routes that they have: those are in version-gate.test.ts. */
describe('microversions', () => {
	let api: Api;
	const control = new MemoryControl();
	before(async () => {
		api = await startApi(control);
	});
	after(() => api.close());

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

	test('the networks of a container are a row an address before 1.18, and a row a port from there', async () => {
		for (let version = 13; version <= maximumMinor; version += 1) {
			const { body } = await ask(api, 'GET /v1/containers/web/network_list', { version: `1.${version}` });
			const rows = version < 18 ? ['ip_address', 'net_id', 'port_id', 'subnet_id', 'version'] : ['fixed_ips', 'net_id', 'port_id'];
			assert.deepEqual(Object.keys(at(body, 'networks', 0) ?? {}).sort(), rows, `at 1.${version}`);
			assert.equal(at(body, 'networks', 'length'), version < 18 ? 2 : 1, `at 1.${version}`);
		}
	});

	test('archives are base64 from 1.25 and plain before, both ways', async () => {
		const tar = writeTar([tarEntry('note', { bytes: Buffer.from('caf\u00e9', 'latin1') })]).toString('latin1');
		control.output = 'plain text';
		for (const version of versions) {
			const form = version < 25 ? 'latin1' : 'base64';
			const got = await ask(api, 'GET /v1/containers/web/get_archive?path=/etc', { version: `1.${version}` });
			assert.equal(Buffer.from(String(at(got.body, 'data')), form).toString(), 'plain text', `at 1.${version}`);
			const data = Buffer.from(tar, 'latin1').toString(form);
			const put = await ask(api, 'POST /v1/containers/web/put_archive?path=/etc', { version: `1.${version}`, body: { data } });
			assert.equal(put.status, 200, `at 1.${version}: ${put.text}`);
			assert.equal(control.last('containers.putArchive').args[2], tar, `at 1.${version}`);
		}
	});

	test('tty is as sent before 1.20 and from 1.36, and that of interactive between', async () => {
		for (const version of versions) {
			for (const [interactive, tty] of [
				[true, false],
				[false, true],
				[true, true],
			]) {
				assert.equal((await create(api, { interactive, tty }, version)).status, 202);
				const made = at(control.last('containers.create').args, 0);
				const meant = version >= 20 && version < 36 ? interactive : tty;
				assert.deepEqual([at(made, 'interactive') ?? false, at(made, 'tty') ?? false], [interactive, meant], `at 1.${version}`);
			}
		}
	});

	test('what Zun does not have is taken at every version', async () => {
		for (const version of versions) assert.equal((await create(api, { sandbox: 'shelf', pids: 10 }, version)).status, 202);
	});

	for (const [header, minor] of [
		[undefined, 1],
		['container 1.1', 1],
		['container 1.41', 41],
		['container 1.42', 42],
		['container latest', 42],
		['container LATEST', 42],
		['container 1.latest', 42],
		['Container 1.7', 7],
		['container 1.43', null],
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
		assert.equal(at(answer.body, 'errors', 0, 'max_version'), '1.42');
		assert.equal(at(answer.body, 'errors', 0, 'links', 0, 'rel'), 'help');
		assert.equal((await ask(api, 'GET /v1', { token: null, version: '1.99' })).status, 406);
		assert.equal((await ask(api, 'GET /', { token: null, version: '1.99' })).status, 200);
		assert.equal((await ask(api, 'GET /v1/containers', { token: null, version: '1.99' })).status, 401);
	});
});

function create(api: Api, fields: object, version: number): Promise<Answer> {
	return ask(api, 'POST /v1/containers', { token: 'admin:project-a', version: `1.${version}`, body: { image: 'nginx', ...fields } });
}
