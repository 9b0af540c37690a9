import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startAdminApi } from '../../../support/admin-api.ts';
import { ask, at } from '../../../support/api-client.ts';

const admin = { token: 'admin:project-z', version: 'latest' };

describe('/v1/networks', () => {
	test('makes known and forgets what is there, and leaves the network itself alone', async (t) => {
		const world = await startAdminApi();
		t.after(() => world.close());
		const network = await world.control.store.db.selectFrom('network').selectAll().executeTakeFirstOrThrow();
		const made = await ask(world.api, 'POST /v1/networks', { ...admin, body: { name: 'mine', neutron_net_id: network.id } });
		assert.deepEqual(
			[made.status, made.body],
			[
				200,
				{
					uuid: network.id,
					name: 'mine',
					project_id: 'project-z',
					user_id: 'user-z',
					network_id: network.id,
					neutron_net_id: network.id,
				},
			],
		);
		const named = await ask(world.api, 'POST /v1/networks', { ...admin, body: { name: 'mine', neutron_net_id: 'default' } });
		assert.equal(at(named.body, 'neutron_net_id'), network.id);
		const gone = await ask(world.api, `DELETE /v1/networks/${network.id}`, admin);
		assert.deepEqual([gone.status, gone.text], [204, '']);
		const kept = await world.control.store.db.selectFrom('network').select('id').execute();
		assert.deepEqual(
			kept.map(({ id }) => id),
			[network.id],
		);
	});

	test('refuses what is missing, unknown, or of another version', async (t) => {
		const world = await startAdminApi();
		t.after(() => world.close());
		for (const body of [{}, { name: 'mine' }, { neutron_net_id: 'default' }, { name: 'mine', neutron_net_id: 'default', host: 'h' }]) {
			assert.equal((await ask(world.api, 'POST /v1/networks', { ...admin, body })).status, 400, JSON.stringify(body));
		}
		const unknown = await ask(world.api, 'POST /v1/networks', { ...admin, body: { name: 'mine', neutron_net_id: 'none' } });
		assert.deepEqual([unknown.status, at(unknown.body, 'errors', 0, 'code')], [404, 'container.network-not-found']);
		assert.equal((await ask(world.api, 'DELETE /v1/networks/none', admin)).status, 404);
		assert.equal((await ask(world.api, 'DELETE /v1/networks/default', { ...admin, version: '1.26' })).status, 406);
		assert.equal((await ask(world.api, 'GET /v1/networks', admin)).status, 405);
	});
});
