/** `/v1/volumes` and `/v1/sandboxes/{id}/volumes` over the real control. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { policy } from '../../../src/api/policy.ts';
import { volumeRoutes } from '../../../src/api/volumes/routes.ts';
import { VolumeControl } from '../../../src/control/volume-control.ts';
import { type Role, roles } from '../../../src/model/principal.ts';
import { ask, at, startApi } from '../../support/api-client.ts';
import { hostFacts, startControl } from '../../support/control.ts';
import { ModelHost } from '../../support/model-host.ts';

async function prepare(t: TestContext, options: { readonly maxLimit?: number } = {}) {
	const control = await startControl();
	await control.link.register(hostFacts('h1'));
	const api = await startApi(control.service, {}, [(app) => volumeRoutes(app, { volumes: new VolumeControl(control.deps), options })]);
	t.after(async () => {
		await api.close();
		await control.close();
	});
	const host = new ModelHost(control.link, 'h1');
	/** The answer's body; fails unless the status is as expected. */
	const expect = async (status: number, line: string, body?: unknown, token = 'member:project-a') => {
		const answer = await ask(api, line, { version: 'latest', token, ...(body === undefined ? {} : { body }) });
		assert.equal(answer.status, status, `${line}: ${answer.text}`);
		return answer.body;
	};
	return { api, host, expect };
}

const detail = (body: unknown) => String(at(body, 'errors', 0, 'detail'));

test('a volume is made, shown, listed and deleted', async (t) => {
	const { api, expect } = await prepare(t);
	const created = await ask(api, 'POST /v1/volumes', { body: { name: 'data', size: '5' } });
	assert.equal(created.status, 201, created.text);
	const id = String(at(created.body, 'uuid'));
	assert.match(created.headers['location'] ?? '', new RegExp(`/v1/volumes/${id}$`));
	const shown = await expect(200, 'GET /v1/volumes/data');
	assert.deepEqual(shown, created.body);
	const { links, created_at: createdAt, updated_at: updatedAt, ...rest } = Object.fromEntries(Object.entries(shown ?? {}));
	assert.ok(Array.isArray(links));
	for (const time of [createdAt, updatedAt]) assert.ok(!Number.isNaN(Date.parse(String(time))));
	assert.deepEqual(rest, {
		uuid: id,
		name: 'data',
		project_id: 'project-a',
		user_id: 'user-a',
		size: 5,
		provider: 'local',
		status: 'available',
		status_reason: null,
		auto_remove: false,
		sandbox_id: null,
		read_only: null,
	});
	assert.equal(at(await expect(200, `GET /v1/volumes/${id}`, undefined, 'admin:project-b'), 'host'), null, 'administrators see the host');
	await expect(201, 'POST /v1/volumes', { size: 1 });
	assert.equal(at(await expect(200, 'GET /v1/volumes'), 'volumes', 'length'), 2);
	assert.equal(at(await expect(200, 'GET /v1/volumes?name=data'), 'volumes', 0, 'uuid'), id);
	assert.equal(at(await expect(200, 'GET /v1/volumes', undefined, 'admin:project-b'), 'volumes', 'length'), 0);
	assert.equal(at(await expect(200, 'GET /v1/volumes?all_projects=true', undefined, 'admin:project-b'), 'volumes', 'length'), 2);
	await expect(403, 'GET /v1/volumes?all_projects=true');
	await expect(204, 'DELETE /v1/volumes/data');
	assert.match(detail(await expect(404, 'GET /v1/volumes/data')), /could not be found/);
});

test('what is wrong is said', async (t) => {
	const { expect } = await prepare(t);
	for (const body of [{}, { size: 0 }, { size: 'big' }, { size: 1, colour: 'red' }, { size: 1, name: '' }, { size: 1.5 }]) {
		await expect(400, 'POST /v1/volumes', body);
	}
	assert.match(detail(await expect(400, 'POST /v1/volumes', { size: 1025 })), /from 1 to 1024/);
	await expect(400, 'GET /v1/volumes?colour=red');
	await expect(400, 'GET /v1/volumes?marker=no-such');
	await expect(404, 'DELETE /v1/volumes/no-such');
	await expect(404, 'POST /v1/sandboxes/no-such/volumes', { volume: 'data' });
});

test('pages', async (t) => {
	const { expect } = await prepare(t, { maxLimit: 3 });
	for (let n = 0; n < 7; n += 1) await expect(201, 'POST /v1/volumes', { name: `v-${n}`, size: 1 });
	const names = new Set<unknown>();
	let url: string | null = '/v1/volumes?limit=2';
	let pages = 0;
	while (url !== null) {
		const body: unknown = await expect(200, `GET ${url}`);
		const volumes = at(body, 'volumes');
		assert.ok(Array.isArray(volumes) && volumes.length <= 2);
		for (const volume of volumes) names.add(at(volume, 'name'));
		const next: unknown = at(body, 'next');
		url = typeof next === 'string' ? `${new URL(next).pathname}${new URL(next).search}` : null;
		pages += 1;
	}
	assert.deepEqual([names.size, pages], [7, 4]);
	assert.equal(at(await expect(200, 'GET /v1/volumes'), 'volumes', 'length'), 3);
});

test('volumes of a sandbox', async (t) => {
	const { host, expect } = await prepare(t);
	await expect(201, 'POST /v1/volumes', { name: 'data', size: 1 });
	await expect(202, 'POST /v1/sandboxes', { name: 'box' });
	await expect(202, 'POST /v1/sandboxes', { name: 'other' });
	await host.settle();
	const box = at(await expect(200, 'GET /v1/sandboxes/box'), 'uuid');
	const attached = await expect(202, 'POST /v1/sandboxes/box/volumes', { volume: 'data', read_only: 'true' });
	assert.deepEqual([at(attached, 'status'), at(attached, 'sandbox_id'), at(attached, 'read_only')], ['in-use', box, true]);
	assert.equal(at(await expect(200, 'GET /v1/sandboxes/box/volumes'), 'volumes', 0, 'name'), 'data');
	assert.deepEqual(at(await expect(200, 'GET /v1/sandboxes/box'), 'volumes', 0, 'read_only'), true);
	assert.match(detail(await expect(400, 'POST /v1/sandboxes/other/volumes', { volume: 'data' })), /attached to sandbox/);
	assert.match(detail(await expect(409, 'DELETE /v1/volumes/data')), /in use by sandbox/);
	await expect(202, 'POST /v1/containers?run=true', {
		image: 'busybox',
		name: 'web',
		sandbox: 'box',
		mounts: [{ source: 'data', destination: '/d' }],
	});
	await host.settle();
	assert.match(detail(await expect(409, 'DELETE /v1/sandboxes/box/volumes/data')), /mounted by container web/);
	await expect(204, 'DELETE /v1/containers/web?force=true', undefined, 'admin:project-a');
	await host.settle();
	await expect(400, 'DELETE /v1/sandboxes/other/volumes/data');
	await expect(202, 'DELETE /v1/sandboxes/box/volumes/data');
	assert.equal(at(await expect(200, 'GET /v1/volumes/data'), 'status'), 'detaching');
	await host.settle();
	assert.equal(at(await expect(200, 'GET /v1/volumes/data'), 'status'), 'available');
	assert.deepEqual(at(await expect(200, 'GET /v1/sandboxes/box/volumes'), 'volumes'), []);
});

const routes = [
	{ line: 'POST /v1/volumes', rule: 'volume:create', body: { size: 1 }, foreign: 201 },
	{ line: 'GET /v1/volumes', rule: 'volume:get_all', foreign: 200 },
	{ line: 'GET /v1/volumes/:volume', rule: 'volume:get_one', foreign: 404 },
	{ line: 'GET /v1/sandboxes/:box/volumes', rule: 'sandbox:volumes', foreign: 404 },
	{ line: 'POST /v1/sandboxes/:box/volumes', rule: 'sandbox:attach_volume', body: { volume: ':volume' }, foreign: 404 },
	{ line: 'DELETE /v1/sandboxes/:box/volumes/:volume', rule: 'sandbox:detach_volume', foreign: 404 },
	{ line: 'DELETE /v1/volumes/:volume', rule: 'volume:delete', foreign: 404 },
] as const;

for (const { line, rule, foreign, ...more } of routes) {
	test(`${line} is for ${policy[rule].least}s of the project`, async (t) => {
		for (const role of roles) {
			for (const project of ['project-a', 'project-b']) {
				const { api, host, expect } = await prepare(t);
				const volume = String(at(await expect(201, 'POST /v1/volumes', { size: 1 }), 'uuid'));
				const box = String(at(await expect(202, 'POST /v1/sandboxes', {}), 'uuid'));
				await host.settle();
				if (rule === 'sandbox:detach_volume') await expect(202, `POST /v1/sandboxes/${box}/volumes`, { volume });
				const fill = (text: string) => text.replace(':volume', volume).replace(':box', box);
				const body = 'body' in more ? JSON.parse(fill(JSON.stringify(more.body))) : undefined;
				const { status, text } = await ask(api, fill(line), { token: `${role}:${project}`, ...(body === undefined ? {} : { body }) });
				if (!isEnough(role, policy[rule].least)) assert.equal(status, 403, text);
				else if (project === 'project-a' || role === 'admin') assert.ok(status < 300, text);
				else assert.equal(status, foreign, text);
				assert.equal((await ask(api, fill(line), { token: null, ...(body === undefined ? {} : { body }) })).status, 401);
			}
		}
	});
}

function isEnough(role: Role, least: Role | null): boolean {
	return least !== null && roles.indexOf(role) >= roles.indexOf(least);
}
