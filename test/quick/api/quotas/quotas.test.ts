import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type AdminApi, startAdminApi } from '../../../support/admin-api.ts';
import { ask, at } from '../../../support/api-client.ts';
import { hostFacts } from '../../../support/control.ts';

const admin = 'admin:project-z';

describe('/v1/quotas', () => {
	let world: AdminApi;
	before(async () => {
		world = await startAdminApi({ quotas: { containers: 40, memory: 51_200, cpu: 20, disk: 100 } });
		await world.control.link.register(hostFacts('h1'));
	});
	after(() => world?.close());

	test('shows Zun’s four first, and beside them what sandboxes have', async () => {
		const { status, body } = await ask(world.api, 'GET /v1/quotas/project-a');
		assert.equal(status, 200);
		assert.deepEqual(Object.entries(body ?? {}), [
			['containers', 40],
			['memory', 51_200],
			['cpu', 20],
			['disk', 100],
			['sandboxes', -1],
			['ports', -1],
			['networks', -1],
			['volumes', -1],
			['volume_gigabytes', -1],
		]);
		assert.deepEqual((await ask(world.api, 'GET /v1/quotas/project-a/defaults')).body, body);
	});

	test('shows what is in use when asked for usages', async () => {
		const created = await ask(world.api, 'POST /v1/containers', {
			version: 'latest',
			token: 'member:project-u',
			body: { image: 'busybox', cpu: 0.1, memory: '128' },
		});
		assert.equal(created.status, 202, created.text);
		for (let more = 0; more < 2; more += 1) {
			await ask(world.api, 'POST /v1/containers', { version: 'latest', token: 'member:project-u', body: { image: 'busybox', cpu: 0.1 } });
		}
		const { body } = await ask(world.api, 'GET /v1/quotas/project-u?usages=True', { token: 'reader:project-u' });
		assert.deepEqual(at(body, 'containers'), { limit: 40, in_use: 3 });
		assert.deepEqual(at(body, 'cpu'), { limit: 20, in_use: 0.3 });
		assert.deepEqual(at(body, 'memory'), { limit: 51_200, in_use: 128 + 512 + 512 });
		assert.deepEqual(at(body, 'sandboxes'), { limit: -1, in_use: 3 });
		assert.equal(at((await ask(world.api, 'GET /v1/quotas/project-u?usages=', { token: admin })).body, 'containers'), 40);
	});

	test('takes numbers and text from -1 on, and holds them', async () => {
		const changed = await ask(world.api, 'PUT /v1/quotas/project-a', {
			token: admin,
			body: { containers: 1, memory: '2048', cpu: '-1', disk: null, sandboxes: 5 },
		});
		assert.equal(changed.status, 200, changed.text);
		const limits = ['containers', 'memory', 'cpu', 'disk', 'sandboxes'].map((name) => at(changed.body, name));
		assert.deepEqual(limits, [1, 2048, -1, 100, 5]);
		assert.deepEqual((await ask(world.api, 'GET /v1/quotas/project-a')).body, changed.body);
		const create = () => ask(world.api, 'POST /v1/containers', { version: 'latest', body: { image: 'busybox' } });
		assert.equal((await create()).status, 202);
		const refused = await create();
		assert.equal(refused.status, 403);
		assert.equal(at(refused.body, 'errors', 0, 'code'), 'container.over-quota');

		const reset = await ask(world.api, 'DELETE /v1/quotas/project-a', { token: admin });
		assert.deepEqual([reset.status, reset.text], [200, 'null']);
		assert.equal(at((await ask(world.api, 'GET /v1/quotas/project-a')).body, 'containers'), 40);
		assert.equal((await create()).status, 202);
	});

	for (const body of [
		{ containers: -2 },
		{ containers: '-2' },
		{ cpu: 1.5 },
		{ cpu: 'many' },
		{ routers: 1 },
		{ cpu: [] },
		{ memory: true },
	]) {
		test(`refuses ${JSON.stringify(body)}`, async () => {
			const before = await ask(world.api, 'GET /v1/quotas/project-b', { token: admin });
			const { status, text } = await ask(world.api, 'PUT /v1/quotas/project-b', { token: admin, body });
			assert.equal(status, 400, text);
			assert.match(text, /schema-validation-error/);
			assert.deepEqual((await ask(world.api, 'GET /v1/quotas/project-b', { token: admin })).body, before.body);
		});
	}

	test('is nobody else’s to see', async () => {
		for (const path of ['/v1/quotas/project-a', '/v1/quotas/project-a?usages=1', '/v1/quotas/project-a/defaults']) {
			assert.equal((await ask(world.api, `GET ${path}`, { token: 'member:project-b' })).status, 404, path);
			assert.equal((await ask(world.api, `GET ${path}`, { token: admin })).status, 200, path);
		}
	});

	test('the class default feeds every project that has no limits of its own', async () => {
		const own = await ask(world.api, 'PUT /v1/quotas/project-c', { token: admin, body: { disk: 7 } });
		assert.equal(own.status, 200);
		const changed = await ask(world.api, 'PUT /v1/quota_classes/default', { token: admin, body: { containers: 9, disk: '8' } });
		assert.deepEqual([changed.status, at(changed.body, 'containers'), at(changed.body, 'disk')], [200, 9, 8]);
		assert.deepEqual((await ask(world.api, 'GET /v1/quota_classes/default', { token: admin })).body, changed.body);
		const seen = (await ask(world.api, 'GET /v1/quotas/project-c', { token: 'reader:project-c' })).body;
		assert.deepEqual([at(seen, 'containers'), at(seen, 'disk')], [9, 7]);
		const defaults = (await ask(world.api, 'GET /v1/quotas/project-c/defaults', { token: 'reader:project-c' })).body;
		assert.deepEqual([at(defaults, 'containers'), at(defaults, 'disk')], [9, 8]);
		const other = await ask(world.api, 'PUT /v1/quota_classes/gold', { token: admin, body: { containers: 99 } });
		assert.equal(at(other.body, 'containers'), 99);
		assert.equal(at((await ask(world.api, 'GET /v1/quotas/project-d', { token: admin })).body, 'containers'), 9);
	});
});
