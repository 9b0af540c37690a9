import assert from 'node:assert/strict';
import os from 'node:os';
import { after, before, describe, test } from 'node:test';
import { DriverAgentLink } from '../../../../src/agent/agent-link.ts';
import type { Driver } from '../../../../src/drivers/driver.ts';
import { createDriver, FakeEngine, makeBusyboxImage } from '../../../../src/drivers/fake/index.ts';
import { type AdminApi, startAdminApi } from '../../../support/admin-api.ts';
import { ask, at } from '../../../support/api-client.ts';
import { hostFacts } from '../../../support/control.ts';
import { eventually } from '../../../support/eventually.ts';

const admin = { token: 'admin:project-z' };

describe('/v1/images', () => {
	const engine = new FakeEngine();
	const asked: string[] = [];
	let world: AdminApi;
	let driver: Driver;
	before(async () => {
		world = await startAdminApi({
			catalog: {
				async repositories({ domain, username }) {
					asked.push(`${username}@${domain}`);
					if (domain === 'broken.example') throw new Error('no answer');
					return ['team/app', 'team/tool', 'busybox'];
				},
			},
		});
		await world.control.link.register(hostFacts('h1'));
		await world.control.link.register(hostFacts('silent'));
		driver = await createDriver({ owner: 'test', stateDirectory: os.tmpdir(), settings: { engine } });
		world.control.bus.connect('h1', new DriverAgentLink(driver));
		for (const tag of ['1', '2', '3']) engine.registry.add(`app:${tag}`, makeBusyboxImage(tag));
	});
	after(async () => {
		await world?.close();
		await driver?.close();
	});

	test('an image is pulled, shown and deleted', async () => {
		const made = await ask(world.api, 'POST /v1/images/', { ...admin, body: { repo: 'app:1', host: 'h1' } });
		assert.equal(made.status, 202, made.text);
		const uuid = String(at(made.body, 'uuid'));
		assert.equal(made.headers['location'], `http://localhost:80/v1/images/${uuid}`);
		assert.deepEqual(
			['repo', 'tag', 'host', 'image_id', 'size', 'status', 'progress', 'project_id'].map((name) => at(made.body, name)),
			['app', '1', 'h1', null, null, 'Pulling', null, 'project-z'],
		);
		const shown = await eventually('it is there', async () => {
			const answer = await ask(world.api, `GET /v1/images/${uuid}`, admin);
			return at(answer.body, 'status') === 'Active' && answer.body;
		});
		assert.equal(at(shown, 'image_id'), makeBusyboxImage('1').id);
		assert.equal(at(shown, 'size'), String(makeBusyboxImage('1').size));
		assert.deepEqual([at(shown, 'progress', 'layers_done'), at(shown, 'progress', 'layers_total')], [1, 1]);
		const again = await ask(world.api, 'POST /v1/images', { ...admin, body: { repo: 'app', tag: '1', host: 'h1' } });
		assert.deepEqual([again.status, at(again.body, 'errors', 0, 'code')], [409, 'container.image-already-exists']);
		const gone = await ask(world.api, `DELETE /v1/images/${uuid}`, admin);
		assert.deepEqual([gone.status, gone.text], [200, 'null']);
		const missing = await eventually('it is gone', async () => {
			const answer = await ask(world.api, `GET /v1/images/${uuid}`, admin);
			return answer.status !== 200 && answer;
		});
		assert.deepEqual([missing.status, at(missing.body, 'errors', 0, 'code')], [400, 'container.image-not-found']);
		assert.equal((await ask(world.api, 'DELETE /v1/images/none', admin)).status, 400);
	});

	test('a host may be named by its id, and must be there', async () => {
		const { id } = await world.hosts.show('silent');
		const made = await ask(world.api, 'POST /v1/images', { ...admin, body: { repo: 'app', tag: '2', host: id, image_id: 'x', size: 7 } });
		assert.deepEqual([made.status, at(made.body, 'host'), at(made.body, 'image_id'), at(made.body, 'size')], [202, 'silent', 'x', '7']);
		const reason = await eventually('why it waits is shown', async () =>
			at((await ask(world.api, `GET /v1/images/${at(made.body, 'uuid')}`, admin)).body, 'status_reason'),
		);
		assert.match(String(reason), /Host silent is not up/);
		const unknown = await ask(world.api, 'POST /v1/images', { ...admin, body: { repo: 'app', host: 'h9' } });
		assert.deepEqual([unknown.status, at(unknown.body, 'errors', 0, 'code')], [400, 'container.invalid-value']);
	});

	for (const body of [
		{},
		{ repo: 'app' },
		{ host: 'h1' },
		{ repo: 'a', host: 'h1' },
		{ repo: 'app', host: 'h1', tag: 'a/b' },
		{ repo: 'app', host: 'h1', x: 1 },
	]) {
		test(`${JSON.stringify(body)} is refused`, async () => {
			assert.equal((await ask(world.api, 'POST /v1/images', { ...admin, body })).status, 400);
		});
	}

	test('a list goes on from page to page', async () => {
		for (const tag of ['1', '3']) await ask(world.api, 'POST /v1/images', { ...admin, body: { repo: 'app', tag, host: 'h1' } });
		const tags = (body: unknown) => [0, 1, 2].map((n) => at(body, 'images', n, 'tag'));
		const first = await ask(world.api, 'GET /v1/images?limit=2', admin);
		assert.deepEqual(tags(first.body), ['2', '1', undefined], 'what was brought comes first');
		const next = String(at(first.body, 'next')).replace('http://localhost:80', '');
		const second = await ask(world.api, `GET ${next}`, admin);
		assert.deepEqual(tags(second.body).slice(0, 1), ['3']);
		const byTag = await ask(world.api, 'GET /v1/images?sort_key=tag&sort_dir=desc', admin);
		assert.deepEqual(tags(byTag.body), ['latest', '3', '2']);
		assert.equal((await ask(world.api, 'GET /v1/images?sort_key=x', admin)).status, 400);
		assert.equal((await ask(world.api, 'GET /v1/images?marker=none', admin)).status, 400);
		assert.equal((await ask(world.api, 'GET /v1/images?repo=app', admin)).status, 400);
	});

	describe('search', () => {
		const search = async (name: string, token: string, query = '') => {
			const answer = await ask(world.api, `GET /v1/images/${name}/search${query}`, { token });
			assert.equal(answer.status, 200, answer.text);
			assert.ok(Array.isArray(answer.body));
			return answer.body;
		};
		const names = (found: readonly unknown[]) => found.map((image) => at(image, 'name')).sort();

		test('finds what is on the hosts, and in the registries of the project', async () => {
			const registry = { name: 'mine', domain: 'r.example:5000', username: 'somebody', password: 'secret' };
			for (const domain of ['r.example:5000', 'broken.example']) {
				const made = await ask(world.api, 'POST /v1/registries', { body: { registry: { ...registry, domain } } });
				assert.equal(made.status, 201);
			}
			const found = await search('app', 'member:project-a');
			assert.ok(names(found).includes('r.example:5000/team/app'));
			assert.deepEqual(asked.toSorted(), ['somebody@broken.example', 'somebody@r.example:5000']);
			const remote = found.find((image) => at(image, 'registry') !== null);
			assert.deepEqual(remote, {
				id: null,
				name: 'r.example:5000/team/app',
				tags: [],
				status: 'Available',
				size: null,
				host: null,
				registry: 'r.example:5000',
				description: '',
				is_automated: false,
				metadata: { is_official: false, star_count: 0 },
			});
			assert.deepEqual(names(await search('busybox', admin.token)), ['zunbox/busybox'], 'registries of other projects are not asked');
		});

		test('takes names with slashes, exact ones, and tags', async () => {
			assert.deepEqual(names(await search('team/app', 'member:project-a')), ['r.example:5000/team/app']);
			assert.deepEqual(names(await search('team%2Ftool:9', 'member:project-a')), ['r.example:5000/team/tool']);
			assert.deepEqual(names(await search('r.example:5000/team/tool', 'member:project-a')), ['r.example:5000/team/tool']);
			assert.deepEqual(await search('busybo', admin.token, '?exact_match=True'), []);
			assert.deepEqual(names(await search('zunbox/busybox', admin.token, '?exact_match=true&image_driver=docker')), ['zunbox/busybox']);
		});

		test('does not tell a project what others have on the hosts', async () => {
			assert.deepEqual(await search('busybox', 'reader:project-b'), []);
			const body = { image: 'zunbox/busybox:latest' };
			assert.equal((await ask(world.api, 'POST /v1/containers', { token: 'member:project-b', version: 'latest', body })).status, 202);
			const found = await search('busybox', 'reader:project-b');
			assert.deepEqual([names(found), at(found[0], 'host'), at(found[0], 'tags', 0)], [['zunbox/busybox'], null, 'latest']);
		});

		test('never has the service itself ask this machine for a user', async () => {
			asked.length = 0;
			for (const domain of ['127.0.0.1:22', 'localhost:5000', '[::1]:80']) {
				const registry = { domain, username: 'x', password: 'y' };
				await ask(world.api, 'POST /v1/registries', { token: 'member:project-s', body: { registry } });
			}
			await search('app', 'member:project-s');
			assert.deepEqual(asked, []);
			await search('app', 'admin:project-s');
			assert.equal(asked.length, 3);
		});

		test('of Glance is not there', async () => {
			assert.equal((await ask(world.api, 'GET /v1/images/app/search?image_driver=glance')).status, 501);
			assert.equal((await ask(world.api, 'GET /v1/images/app/search?image_driver=other')).status, 400);
		});
	});
});
