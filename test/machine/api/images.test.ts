/** Images and private registries through the whole service: a real Docker Engine, and a real registry that asks for a login. */
import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { pino } from 'pino';
import { loadConfig } from '../../../src/config/load.ts';
import { type RunningService, startService } from '../../../src/start-service.ts';
import { at } from '../../support/api-client.ts';
import { containersOf, engine, ensureBusybox, pushImage, removeImage, sweepOwner, testOwner } from '../../support/docker.ts';
import { eventually } from '../../support/eventually.ts';
import { Registry } from '../../support/registry.ts';

const login = { username: 'somebody', password: 'a-very-long-secret-of-the-registry' };

describe('images through the service on Docker', { timeout: 240_000 }, () => {
	const owner = testOwner();
	const registry = new Registry(login);
	const logged: string[] = [];
	let folder: string;
	let service: RunningService;
	let token: string;
	let application: string;

	const begin = async () => {
		const config = await loadConfig({
			file: '/dev/null',
			flags: { dataDirectory: folder, owner, 'listen.port': '0', 'network.enabled': 'false', hostname: 'host-1' },
		});
		service = await startService(config, { log: pino({ level: 'debug' }, { write: (line: string) => logged.push(line) }) });
	};

	before(async () => {
		folder = await mkdtemp(path.join(os.tmpdir(), 'zunbox-images-'));
		await registry.start();
		application = `${registry.address}/private/app:1`;
		const busybox = await ensureBusybox();
		for (const name of [application, `${registry.address}/private/tool:1`]) await pushImage(busybox, name, login);
		await begin();
		token = await tokenOf(service, folder);
		await eventually('the host is up', async () => at((await send('GET', '/v1/services')).body, 'services', 0, 'state') === 'up');
	});
	after(async () => {
		await service?.stop();
		await sweepOwner(owner);
		for (const name of [application, `${registry.address}/private/tool:1`]) await removeImage(name);
		await registry.remove();
		await rm(folder, { recursive: true, force: true });
	});

	async function send(method: string, url: string, body?: object) {
		const headers = { 'x-auth-token': token, 'openstack-api-version': 'container latest' };
		const answer = await fetch(service.url + url, {
			method,
			headers: body === undefined ? headers : { ...headers, 'content-type': 'application/json' },
			...(body === undefined ? {} : { body: JSON.stringify(body) }),
		});
		const text = await answer.text();
		const parsed: unknown = /^[{["]|^null$/.test(text) ? JSON.parse(text) : undefined;
		return { status: answer.status, text, body: parsed };
	}

	const newRegistry = async (name: string, password: string) => {
		const answer = await send('POST', '/v1/registries', {
			registry: { name, domain: registry.address, username: login.username, password },
		});
		assert.equal(answer.status, 201, answer.text);
	};
	const run = async (name: string, registryName: string | undefined) => {
		const body = { name, image: application, image_pull_policy: 'always', command: ['sleep', '600'], registry: registryName };
		const answer = await send('POST', '/v1/containers?run=true', body);
		assert.equal(answer.status, 202, answer.text);
		return (await send('GET', `/v1/containers/${name}?wait=Running&timeout=60`)).body;
	};

	test('a container is pulled with the login of its registry', async () => {
		await newRegistry('right', login.password);
		const container = await run('allowed', 'right');
		assert.deepEqual([at(container, 'status'), at(container, 'image')], ['Running', application], JSON.stringify(container));
		assert.equal((await send('DELETE', '/v1/registries/right')).status, 409);
	});

	test('a wrong login, or none, is told in the reason', async () => {
		await newRegistry('wrong', 'not-the-password');
		for (const [name, registryName] of [
			['mistaken', 'wrong'],
			['anonymous', undefined],
		] as const) {
			const container = await run(name, registryName);
			assert.equal(at(container, 'status'), 'Error');
			assert.match(String(at(container, 'status_reason')), /unauthorized|no basic auth|authentication|login/i);
			assert.ok(!JSON.stringify(container).includes('not-the-password'));
		}
	});

	test('an image is pulled to the host, told in events, and removed from it', async () => {
		const repo = `${registry.address}/private/tool`;
		const refused = await send('POST', '/v1/images', { repo: `${repo}:1`, host: 'host-1', registry: 'wrong' });
		assert.equal(refused.status, 202, refused.text);
		const failed = await settled(String(at(refused.body, 'uuid')));
		assert.equal(at(failed, 'status'), 'Error');
		assert.match(String(at(failed, 'status_reason')), /unauthorized|authentication|login/i);
		assert.equal((await send('DELETE', `/v1/images/${at(failed, 'uuid')}`)).status, 200);
		await eventually('it is gone', async () => (await send('GET', `/v1/images/${at(failed, 'uuid')}`)).status === 400);

		const made = await send('POST', '/v1/images', { repo: `${repo}:1`, host: 'host-1', registry: 'right' });
		const image = await settled(String(at(made.body, 'uuid')));
		assert.equal(at(image, 'status'), 'Active', JSON.stringify(image));
		assert.match(String(at(image, 'image_id')), /^sha256:/);
		assert.ok(Number(at(image, 'progress', 'layers_total')) > 0);
		assert.equal((await engine('GET', `/images/${repo}:1/json`)).status, 200);
		const found = await send('GET', `/v1/images/${repo}/search?exact_match=true`);
		assert.ok(Array.isArray(found.body));
		const onHost = found.body.find((one) => at(one, 'host') === 'host-1');
		const inRegistry = found.body.find((one) => at(one, 'registry') === registry.address);
		assert.deepEqual([at(onHost, 'name'), at(onHost, 'id'), at(inRegistry, 'name')], [repo, at(image, 'image_id'), repo]);
		assert.equal((await send('DELETE', `/v1/images/${at(image, 'uuid')}`)).status, 200);
		await eventually('it is gone', async () => (await send('GET', `/v1/images/${at(image, 'uuid')}`)).status === 400);
		assert.equal((await engine('GET', `/images/${repo}:1/json`)).status, 404);
	});

	test('a pull that waits for its registry goes on in the next run of the service', async () => {
		const repo = `${registry.address}/private/tool`;
		await registry.stop();
		const made = await send('POST', '/v1/images', { repo: `${repo}:1`, host: 'host-1', registry: 'right' });
		const url = `/v1/images/${at(made.body, 'uuid')}`;
		await eventually('it is tried again', async () => /tried again/.test(String(at((await send('GET', url)).body, 'status_reason'))));
		await service.stop();
		await registry.start();
		await begin();
		const image = await settled(String(at(made.body, 'uuid')));
		assert.equal(at(image, 'status'), 'Active', JSON.stringify(image));
		await send('DELETE', url);
		await eventually('it is gone', async () => (await send('GET', url)).status === 400);
	});

	test('the password is nowhere on the disk or in the log in clear', async () => {
		const names = await readdir(folder, { recursive: true, withFileTypes: true });
		const files = names.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
		assert.ok(files.some((file) => file.endsWith('zunbox.db')));
		for (const file of files) assert.ok(!(await readFile(file)).includes(login.password), file);
		assert.ok(logged.length > 0);
		assert.ok(!logged.join('').includes(login.password));
	});

	test('deleting the containers leaves nothing in the engine', async () => {
		for (const name of ['allowed', 'mistaken', 'anonymous']) {
			assert.equal((await send('DELETE', `/v1/containers/${name}?stop=true`)).status, 204);
		}
		await eventually('all is gone', async () => (await containersOf(owner)).length === 0);
		await eventually('the registry is free', async () => (await send('DELETE', '/v1/registries/right')).status === 204);
	});

	async function settled(id: string): Promise<unknown> {
		return await eventually('the image is settled', async () => {
			const { body } = await send('GET', `/v1/images/${id}`);
			return at(body, 'status') !== 'Pulling' && body;
		});
	}
});

async function tokenOf(service: RunningService, folder: string): Promise<string> {
	const file = await readFile(path.join(folder, 'credentials', 'openrc'), 'utf8');
	const value = (name: string) => new RegExp(`${name}=['"]?([^'"\\n]+)`).exec(file)?.[1] ?? '';
	const user = { name: value('OS_USERNAME'), domain: { id: 'default' }, password: value('OS_PASSWORD') };
	const scope = { project: { name: value('OS_PROJECT_NAME'), domain: { id: 'default' } } };
	const answer = await fetch(`${service.url}/identity/v3/auth/tokens`, {
		method: 'POST',
		headers: { 'content-type': 'application/json' },
		body: JSON.stringify({ auth: { identity: { methods: ['password'], password: { user } }, scope } }),
	});
	assert.equal(answer.status, 201, await answer.text());
	return answer.headers.get('x-subject-token') ?? '';
}
