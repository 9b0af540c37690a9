/** Keystone says who makes a request, also when it is away for a moment. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { eventually } from '../support/eventually.ts';
import { urls } from './cloud/settings.ts';
import { CloudWorld } from './support/world.ts';

describe('Keystone', () => {
	let world: CloudWorld;
	before(async () => {
		// Tokens are remembered for a moment only.
		world = await CloudWorld.start('identity', { ZUNBOX_IDENTITY_CACHE_TIME: '4' });
	});
	after(() => world.remove());

	test('its users are known by their project and their roles', async () => {
		const made = await world.alpha.ok('POST /v1/sandboxes', { name: 'mine' });
		assert.equal(made['project_id'], await world.alpha.account.projectId());
		assert.equal((await world.beta.call(`GET /v1/sandboxes/${made['uuid']}`)).status, 404);
		assert.deepEqual(await world.beta.list('sandboxes'), []);
		assert.equal((await world.admin.call(`GET /v1/sandboxes/${made['uuid']}?all_projects=true`)).status, 200);
		assert.equal((await world.alpha.call('GET /v1/services')).status, 403);
		assert.equal((await world.admin.call('GET /v1/services')).status, 200);
		await world.alpha.ok(`DELETE /v1/sandboxes/${made['uuid']}?force=true`);
		await world.alpha.gone('sandboxes', made['uuid']);
	});

	test('a reader may look and not change', async () => {
		const { account } = world.admin;
		const project = await world.beta.account.projectId();
		const roles = await account.list('keystone', 'GET /roles', 'roles');
		const role = (name: string) => String(roles.find((one) => one['name'] === name)?.['id']);
		const user = await world.beta.account.userId();
		const member = `/projects/${project}/users/${user}/roles/${role('member')}`;
		await account.ok('keystone', `DELETE ${member}`);
		try {
			const token = await world.beta.account.newToken();
			assert.equal((await world.beta.call('GET /v1/sandboxes', undefined, token)).status, 200);
			assert.equal((await world.beta.call('POST /v1/sandboxes', { name: 'no' }, token)).status, 403);
		} finally {
			await account.ok('keystone', `PUT ${member}`);
		}
	});

	test('without a valid token the answer says where to get one', async () => {
		for (const token of ['', randomBytes(90).toString('base64url'), 'not a token']) {
			const answer = await world.alpha.call('GET /v1/sandboxes', undefined, token);
			assert.equal(answer.status, 401);
			assert.match(answer.headers.get('www-authenticate') ?? '', /^Keystone uri=.http:\/\/127\.0\.0\.1:5000/);
		}
	});

	test('a revoked token is refused once it is not remembered any more', async () => {
		const token = await world.alpha.account.newToken();
		assert.equal((await world.alpha.call('GET /v1/sandboxes', undefined, token)).status, 200);
		const headers = { 'x-auth-token': token, 'x-subject-token': token };
		assert.equal((await fetch(`${urls.keystone}/auth/tokens`, { method: 'DELETE', headers })).status, 204);
		await eventually('it is refused', async () => (await world.alpha.call('GET /v1/sandboxes', undefined, token)).status === 401);
	});

	test('the stock clients find the service in the catalog', async () => {
		const [list, zun] = await Promise.all([
			world.alpha.openstackList('appcontainer', 'list'),
			world.alpha.openstack('catalog', 'show', 'container'),
		]);
		assert.deepEqual(list, []);
		assert.match(zun, /9517/);
	});

	test('while it is away, those who are known go on and others come back later', async () => {
		const known = await world.alpha.account.newToken();
		const unknown = await world.beta.account.newToken();
		await world.service.end();
		await world.startService({ ZUNBOX_IDENTITY_CACHE_TIME: '600' });
		assert.equal((await world.alpha.call('GET /v1/sandboxes', undefined, known)).status, 200);
		await world.daemons.stop('keystone');
		try {
			assert.equal((await world.alpha.call('GET /v1/sandboxes', undefined, known)).status, 200);
			const refused = await world.beta.call('GET /v1/sandboxes', undefined, unknown);
			assert.equal(refused.status, 503, refused.text);
			assert.match(refused.text, /identity|Keystone/i);
		} finally {
			world.daemons.start('keystone');
		}
		await eventually('it is known', async () => (await world.beta.call('GET /v1/sandboxes', undefined, unknown)).status === 200, {
			timeout: 60_000,
			interval: 200,
		});
	});
});
