/** Two projects on one host with a real Docker Engine: what one made or pulled with a login, the other cannot run. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
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
const secret = 'a-password-of-a-tenant';
const repository = `tenancy-${Math.random().toString(36).slice(2, 10)}`;

describe('images of two projects on one host', { timeout: 240_000 }, () => {
	const owner = testOwner();
	const registry = new Registry(login);
	const projects = new Map<string, string>();
	const tokens = new Map<string, string>();
	let folder: string;
	let service: RunningService;
	let application: string;
	let committed: string;

	before(async () => {
		folder = await mkdtemp(path.join(os.tmpdir(), 'zunbox-tenancy-'));
		await registry.start();
		application = `${registry.address}/private/app:1`;
		await pushImage(await ensureBusybox(), application, login);
		const config = await loadConfig({
			file: '/dev/null',
			flags: {
				...{ dataDirectory: folder, owner, 'listen.port': '0', 'network.enabled': 'false', hostname: 'host-1' },
				// The registry of this test is on this machine.
				'registries.forbidden': '',
			},
		});
		service = await startService(config, { log: pino({ level: 'silent' }) });
		const file = await readFile(path.join(folder, 'credentials', 'openrc'), 'utf8');
		const value = (name: string) => new RegExp(`${name}=['"]?([^'"\\n]+)`).exec(file)?.[1] ?? '';
		await logIn('admin', value('OS_USERNAME'), value('OS_PASSWORD'), value('OS_PROJECT_NAME'));
		for (const name of ['ours', 'theirs']) {
			const project = await ok('admin', 'POST', '/identity/v3/projects', { project: { name } });
			const user = await ok('admin', 'POST', '/identity/v3/users', { user: { name, password: secret } });
			const id = String(at(project, 'project', 'id'));
			await ok('admin', 'PUT', `/identity/v3/projects/${id}/users/${at(user, 'user', 'id')}/roles/member`);
			projects.set(name, id);
			await logIn(name, name, secret, name);
		}
		await eventually('the host is up', async () => at(await ok('admin', 'GET', '/v1/services'), 'services', 0, 'state') === 'up');
		await run('ours', 'source', await ensureBusybox());
		await ok('ours', 'POST', '/v1/containers/source/execute?command=touch%20/ours&run=true');
		committed = String(at(await ok('ours', 'POST', `/v1/containers/source/commit?repository=${repository}&tag=1`), 'uuid'));
	});
	after(async () => {
		await service?.stop();
		await sweepOwner(owner);
		await removeImage(application);
		await removeImage(`zunbox.local/${projects.get('ours')}/${repository}:1`);
		await registry.remove();
		await rm(folder, { recursive: true, force: true });
	});

	async function send(who: string, method: string, url: string, body?: object) {
		const headers = { 'x-auth-token': tokens.get(who) ?? '', 'openstack-api-version': 'container latest' };
		const answer = await fetch(service.url + url, {
			method,
			headers: body === undefined ? headers : { ...headers, 'content-type': 'application/json' },
			...(body === undefined ? {} : { body: JSON.stringify(body) }),
		});
		const text = await answer.text();
		const parsed: unknown = /^[{["]|^null$/.test(text) ? JSON.parse(text) : undefined;
		return { status: answer.status, text, body: parsed, headers: answer.headers };
	}

	async function ok(who: string, method: string, url: string, body?: object): Promise<unknown> {
		const answer = await send(who, method, url, body);
		assert.ok(answer.status < 300, `${method} ${url}: ${answer.status} ${answer.text}`);
		return answer.body;
	}

	async function logIn(as: string, name: string, password: string, project: string): Promise<void> {
		const user = { name, domain: { id: 'default' }, password };
		const scope = { project: { name: project, domain: { id: 'default' } } };
		const auth = { identity: { methods: ['password'], password: { user } }, scope };
		const answer = await send(as, 'POST', '/identity/v3/auth/tokens', { auth });
		assert.equal(answer.status, 201, answer.text);
		tokens.set(as, answer.headers.get('x-subject-token') ?? '');
	}

	/** The container as soon as it runs or cannot be made. */
	async function make(who: string, name: string, image: string, more: object = {}): Promise<unknown> {
		const made = await send(who, 'POST', '/v1/containers?run=true', { name, image, command: ['sleep', '600'], ...more });
		if (made.status !== 202) return made.body;
		return await eventually(`${name} is made or not`, async () => {
			const { body } = await send(who, 'GET', `/v1/containers/${name}?wait=Running&timeout=30`);
			return ['Running', 'Error'].includes(String(at(body, 'status'))) && body;
		});
	}

	async function run(who: string, name: string, image: string, more: object = {}): Promise<void> {
		const container = await make(who, name, image, more);
		assert.equal(at(container, 'status'), 'Running', JSON.stringify(container));
	}

	async function refused(image: string, more: object = {}): Promise<void> {
		const name = `thief-${Math.random().toString(36).slice(2, 10)}`;
		const container = await make('theirs', name, image, more);
		assert.notEqual(at(container, 'status'), 'Running', `theirs runs ${image}`);
		assert.ok(at(container, 'status') === 'Error' || at(container, 'errors', 0) !== undefined, JSON.stringify(container));
		if (at(container, 'status') === 'Error') await ok('theirs', 'DELETE', `/v1/containers/${name}?stop=true`);
	}

	test('a committed image is run by its project, by the name of its commit', async () => {
		await run('ours', 'copy', `${repository}:1`);
		const seen = await ok('ours', 'POST', '/v1/containers/copy/execute?command=ls%20/ours&run=true');
		assert.equal(at(seen, 'exit_code'), 0, JSON.stringify(seen));
		assert.equal(at(await ok('ours', 'GET', '/v1/containers/copy'), 'image'), `${repository}:1`);
		await ok('ours', 'DELETE', '/v1/containers/copy?stop=true');
	});

	test('and by nobody else: not by its name, its name in the engine, its id or the beginning of that', async () => {
		const hex = committed.replace('sha256:', '');
		const named = `zunbox.local/${projects.get('ours')}/${repository}:1`;
		assert.equal((await engine('GET', `/images/${hex.slice(0, 12)}/json`)).status, 200);
		for (const image of [`${repository}:1`, named, hex, hex.slice(0, 12), `sha256:${hex}`, `sha256:${hex.slice(0, 12)}`]) {
			await refused(image, { image_pull_policy: 'never' });
		}
	});

	test('its project alone sees it in its commits', async () => {
		assert.deepEqual(at(await ok('theirs', 'GET', '/v1/commits'), 'commits'), []);
		assert.equal(at(await ok('ours', 'GET', '/v1/commits'), 'commits', 0, 'image'), `docker.io/library/${repository}:1`);
	});

	test('what was pulled with a login is not run without one, also where no container came of the pull', async () => {
		const access = { domain: registry.address, username: login.username, password: login.password };
		await ok('ours', 'POST', '/v1/registries', { registry: { name: 'mine', ...access } });
		const failed = await make('ours', 'broken', application, { registry: 'mine', command: ['/no/such/program'] });
		assert.equal(at(failed, 'status'), 'Error', JSON.stringify(failed));
		const inspected = await engine('GET', `/images/${application}/json`);
		assert.equal(inspected.status, 200, 'the image is there');
		const digest = /@(sha256:[0-9a-f]{64})/.exec(inspected.text)?.[1] ?? '';
		assert.notEqual(digest, '');
		for (const image of [application, application.replace(':1', `@${digest}`)]) {
			for (const policy of ['ifnotpresent', 'never', 'always']) await refused(image, { image_pull_policy: policy });
		}
		await ok('theirs', 'POST', '/v1/registries', { registry: { name: 'wrong', ...access, password: 'guessed' } });
		await refused(application, { registry: 'wrong' });
		await run('ours', 'allowed', application, { registry: 'mine', image_pull_policy: 'ifnotpresent' });
	});

	test('a commit goes with its delete, and by nobody else’s', async () => {
		const id = String(at(await ok('ours', 'GET', '/v1/commits'), 'commits', 0, 'uuid'));
		assert.equal((await send('theirs', 'DELETE', `/v1/commits/${id}`)).status, 404);
		await ok('ours', 'DELETE', `/v1/commits/${id}`);
		assert.equal((await engine('GET', `/images/${committed}/json`)).status, 404);
		for (const name of ['source', 'broken', 'allowed']) await ok('ours', 'DELETE', `/v1/containers/${name}?stop=true`);
		await eventually('nothing is left', async () => (await containersOf(owner)).length === 0);
	});
});
