import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type AdminApi, startAdminApi } from '../../../support/admin-api.ts';
import { ask, at } from '../../../support/api-client.ts';
import { hostFacts } from '../../../support/control.ts';

const login = { username: 'somebody', password: 'a-secret' };

describe('/v1/registries', () => {
	let world: AdminApi;
	before(async () => {
		world = await startAdminApi();
		await world.control.link.register(hostFacts('h1'));
	});
	after(() => world?.close());

	const create = (registry: unknown, token = 'member:project-a') => ask(world.api, 'POST /v1/registries', { token, body: { registry } });
	const listed = (body: unknown): unknown[] => {
		const registries = at(body, 'registries');
		assert.ok(Array.isArray(registries));
		return registries.map((registry) => at(registry, 'name'));
	};

	test('a registry is made, shown, changed and deleted, and never shows its password', async () => {
		const made = await create({ name: 'mine', domain: 'r.example:5000', ...login });
		assert.equal(made.status, 201, made.text);
		const uuid = String(at(made.body, 'registry', 'uuid'));
		assert.equal(made.headers['location'], `http://localhost:80/v1/registries/${uuid}`);
		const { created_at, updated_at, ...rest } = Object(at(made.body, 'registry'));
		assert.deepEqual(rest, {
			uuid,
			links: [
				{ rel: 'self', href: `http://localhost:80/v1/registries/${uuid}` },
				{ rel: 'bookmark', href: `http://localhost:80/registries/${uuid}` },
			],
			name: 'mine',
			domain: 'r.example:5000',
			username: 'somebody',
			password: '***',
			project_id: 'project-a',
			user_id: 'user-a',
		});
		assert.match(created_at, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/);
		for (const ref of [uuid, 'mine']) {
			assert.deepEqual((await ask(world.api, `GET /v1/registries/${ref}`, { token: 'reader:project-a' })).body, made.body);
		}
		const changed = await ask(world.api, 'PATCH /v1/registries/mine', { body: { registry: { name: 'ours', password: 'other-secret' } } });
		assert.deepEqual([changed.status, at(changed.body, 'registry', 'name')], [200, 'ours']);
		const list = await ask(world.api, 'GET /v1/registries');
		for (const { text } of [made, changed, list]) assert.ok(!/a-secret|other-secret/.test(text), text);
		const gone = await ask(world.api, `DELETE /v1/registries/${uuid}`);
		assert.deepEqual([gone.status, gone.text], [204, '']);
		const missing = await ask(world.api, `GET /v1/registries/${uuid}`);
		assert.deepEqual([missing.status, at(missing.body, 'errors', 0, 'code')], [404, 'container.registry-not-found']);
	});

	test('name and login may be left out, as stock clients do', async () => {
		const made = await create({ domain: 'open.example', name: null });
		assert.equal(made.status, 201, made.text);
		assert.deepEqual([at(made.body, 'registry', 'name'), at(made.body, 'registry', 'username')], [null, null]);
		await ask(world.api, `DELETE /v1/registries/${at(made.body, 'registry', 'uuid')}`);
	});

	for (const registry of [
		{},
		{ domain: '' },
		{ domain: 'r.example', name: 'x' },
		{ domain: 'r.example', name: '-x' },
		{ domain: 'r.example', username: '' },
		{ domain: 'r.example', password: '' },
		{ domain: 'r.example', token: 'x' },
		null,
	]) {
		test(`${JSON.stringify(registry)} is refused`, async () => {
			const { status, text } = await create(registry);
			assert.equal(status, 400, text);
		});
	}

	test('a body without its wrapper, or of another type, is refused', async () => {
		assert.equal((await ask(world.api, 'POST /v1/registries', { body: { domain: 'r.example', ...login } })).status, 400);
		const text = { headers: { 'content-type': 'text/plain' }, text: '{"registry":{"domain":"r.example"}}' };
		assert.equal((await ask(world.api, 'POST /v1/registries', text)).status, 415);
	});

	test('a list has filters, pages whose links keep them, and other projects for administrators only', async () => {
		const token = 'member:project-l';
		for (const [name, domain] of [
			['one', 'a.example'],
			['two', 'b.example'],
			['three', 'a.example'],
			['four', 'a.example'],
		] as const) {
			assert.equal((await create({ name, domain, ...login }, token)).status, 201);
			// Rows of one millisecond have no order of their making.
			world.control.advance(1);
		}
		await create({ name: 'foreign', domain: 'a.example', ...login }, 'member:project-m');
		const all = await ask(world.api, 'GET /v1/registries', { token });
		assert.deepEqual([listed(all.body), at(all.body, 'next')], [['one', 'two', 'three', 'four'], null]);
		const named = await ask(world.api, 'GET /v1/registries?name=two&username=somebody', { token });
		assert.deepEqual(listed(named.body), ['two']);
		assert.equal((await ask(world.api, 'GET /v1/registries?colour=red', { token })).status, 400);
		assert.equal((await ask(world.api, 'GET /v1/registries?sort_key=password', { token })).status, 400);
		assert.equal((await ask(world.api, 'GET /v1/registries?all_projects=1', { token })).status, 403);

		const seen: unknown[] = [];
		let next: unknown = '/v1/registries?domain=a.example&limit=2&all_projects=True';
		for (let page = 0; typeof next === 'string' && page < 5; page += 1) {
			const answer: Awaited<ReturnType<typeof ask>> = await ask(world.api, `GET ${next.replace('http://localhost:80', '')}`, {
				token: 'admin:project-z',
			});
			seen.push(...listed(answer.body));
			next = at(answer.body, 'next');
			if (page === 0) assert.match(String(next), /domain=a\.example&all_projects=True&limit=2&marker=/);
		}
		assert.deepEqual(seen, ['one', 'three', 'four', 'foreign']);
	});

	test('a registry in use is not deleted', async () => {
		const token = 'member:project-c';
		await create({ name: 'used', domain: 'r.example', ...login }, token);
		const made = await ask(world.api, 'POST /v1/containers', { token, version: 'latest', body: { image: 'app', registry: 'used' } });
		assert.equal(made.status, 202, made.text);
		assert.equal(at(made.body, 'image'), 'r.example/app');
		const refused = await ask(world.api, 'DELETE /v1/registries/used', { token });
		assert.deepEqual([refused.status, at(refused.body, 'errors', 0, 'code')], [409, 'container.conflict']);
	});
});
