/** What other services refuse, and what they do when they are away, as users of sandboxes see it. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { DriverError } from '../../../src/drivers/driver.ts';
import { Secret } from '../../../src/model/secret.ts';
import { ProviderError } from '../../../src/providers/provider-error.ts';
import { eventually } from '../../support/eventually.ts';
import { image, never, patience, ServerWorld } from '../../support/servers/server-world.ts';

const nothing = { servers: 0, ports: 0, groups: 0 };
const away = new ProviderError('unavailable', 'the compute service at http://127.0.0.1:8774 does not answer: connection refused');

async function failedSandbox(world: ServerWorld) {
	const { sandboxes } = world.control.service;
	const { id } = await sandboxes.create(world.ann, { name: 'failing' });
	const view = await sandboxes.wait(world.ann, id, 'Error', patience, never);
	assert.equal(view.status, 'Error');
	await eventually('all that was made goes again', () => {
		const { servers, ports, groups } = world.cloud.left();
		return servers + ports + groups === 0;
	});
	await eventually('it holds nothing', async () => (await world.control.store.db.selectFrom('server').selectAll().execute()).length === 0);
	assert.deepEqual(await world.control.store.db.selectFrom('claim').selectAll().execute(), []);
	assert.deepEqual(await world.control.store.db.selectFrom('server_port').selectAll().execute(), []);
	const operations = await sandboxes.operations(world.ann, id);
	assert.deepEqual(
		operations.map(({ kind, state, error }) => [kind, state, error]),
		[['create', 'failed', view.statusReason]],
	);
	await sandboxes.delete(world.ann, id, { force: false });
	await eventually('it goes', async () => (await sandboxes.list(world.ann, { limit: 10, filters: {} })).length === 0);
	return view;
}

describe('what other services refuse', () => {
	test('no valid host is the reason, and nothing stays behind', async (t) => {
		const world = await ServerWorld.make(t);
		world.cloud.noValidHost = 'No valid host was found. There are not enough hosts available.';
		assert.match(String((await failedSandbox(world)).statusReason), /No valid host was found/);
	});

	test('so is a quota of the compute service, and one of the network service', async (t) => {
		const world = await ServerWorld.make(t);
		world.script.fail('create', new ProviderError('refused', 'Quota exceeded for instances: Requested 1, but already used 10 of 10'));
		assert.match(String((await failedSandbox(world)).statusReason), /Quota exceeded for instances/);
		world.script.fail('createPort', new ProviderError('refused', "Quota exceeded for resources: ['port']."));
		assert.match(String((await failedSandbox(world)).statusReason), /Quota exceeded for resources/);
	});

	test('so is what the host could not do', async (t) => {
		const world = await ServerWorld.make(t);
		world.engine.faults.failCall('sandboxes.start', 1, new DriverError('failed', 'no space left on device'));
		assert.match(String((await failedSandbox(world)).statusReason), /no space left on device/);
		assert.deepEqual(world.engine.list('test'), { sandboxes: [], containers: [] });
	});

	test('a server of somebody else’s that could not be built stays, in error, for its maker to see', async (t) => {
		const world = await ServerWorld.make(t, { makingDeadline: 1 });
		world.engine.faults.failCall('sandboxes.start', 1, new DriverError('failed', 'no space left on device'));
		const serverId = await world.cloud.boot(world.ann.projectId, 'theirs');
		const { sandboxes } = world.control.service;
		const view = await sandboxes.wait(world.ann, serverId, 'Error', patience, never);
		assert.deepEqual([view.status, world.cloud.servers.get(serverId)?.state], ['Error', 'error']);
		assert.match(String(view.statusReason), /no space left on device|not made within/);
		await eventually('nothing of it is on the host', () => world.engine.list('test').sandboxes.length === 0);
		await eventually('it is on no host', async () => (await sandboxes.show(world.ann, serverId)).host === null);
		await world.cloud.act(serverId, 'reboot');
		await eventually('it runs', async () => (await sandboxes.show(world.ann, serverId)).status === 'Running');
		assert.equal(world.cloud.servers.get(serverId)?.state, 'running');
		await world.cloud.act(serverId, 'delete');
		await eventually('it goes with its server', async () => (await sandboxes.list(world.ann, { limit: 10, filters: {} })).length === 0);
	});

	test('a token that is not taken any more ends it with a word', async (t) => {
		const world = await ServerWorld.make(t);
		world.cloud.tokens.clear();
		assert.match(String((await failedSandbox(world)).statusReason), /token that it was asked for with is not taken any more/);
	});

	test('a request without a token is refused', async (t) => {
		const world = await ServerWorld.make(t);
		const { token: _, ...without } = world.ann;
		await assert.rejects(world.control.service.sandboxes.create(without, {}), /needs a token/);
		await assert.rejects(
			world.control.service.sandboxes.create({ ...world.ann, token: new Secret('x') }, { nets: [{ network: 'nowhere' }] }),
			/nowhere could not be found/,
		);
		assert.deepEqual(await world.control.store.db.selectFrom('sandbox').selectAll().execute(), []);
	});

	test('containers of a sandbox that could not be made are in Error with the same reason', async (t) => {
		const world = await ServerWorld.make(t);
		world.cloud.noValidHost = 'No valid host was found.';
		const { containers } = world.control.service;
		const made = await containers.create(world.ann, { name: 'web', image, run: true });
		assert.equal(made.status, 'Creating');
		const view = await containers.wait(world.ann, made.id, 'Running', patience, never);
		assert.deepEqual([view.status, view.statusReason], ['Error', 'No valid host was found.']);
		await containers.delete(world.ann, made.id, { force: true, stop: false, allProjects: false });
		await eventually(
			'its sandbox goes with it',
			async () => (await world.control.service.sandboxes.list(world.ann, { limit: 10, filters: {} })).length === 0,
		);
		assert.deepEqual(world.cloud.left(), nothing);
	});
});

describe('other services that are away', () => {
	test('are waited for at the making, and the reason is shown meanwhile', async (t) => {
		const world = await ServerWorld.make(t);
		const { sandboxes } = world.control.service;
		for (const call of ['createPort', 'create'] as const) {
			const back = world.script.failAlways(call, away);
			const { id } = await sandboxes.create(world.ann, { name: call });
			await eventually(`${call} is told of`, async () => (await sandboxes.show(world.ann, id)).statusReason === away.message);
			assert.equal((await sandboxes.show(world.ann, id)).status, 'Creating');
			back();
			const view = await sandboxes.wait(world.ann, id, 'Running', patience, never);
			assert.equal(view.status, 'Running');
			await eventually('the reason is gone', async () => (await sandboxes.show(world.ann, id)).statusReason === null);
		}
		assert.equal(world.cloud.left().servers, 2);
	});

	test('are waited for at the removal, for as long as it takes', async (t) => {
		const world = await ServerWorld.make(t);
		const { sandboxes } = world.control.service;
		const { id } = await sandboxes.create(world.ann, {});
		await sandboxes.wait(world.ann, id, 'Running', patience, never);
		const backs = ['remove', 'removePort'].map((call) => world.script.failAlways(call, away));
		await sandboxes.delete(world.ann, id, { force: false });
		await eventually('it is told', async () => (await sandboxes.show(world.ann, id)).statusReason === away.message);
		for (const back of backs) back();
		await eventually('it is gone', async () => (await sandboxes.list(world.ann, { limit: 10, filters: {} })).length === 0);
		assert.deepEqual(world.cloud.left(), nothing);
	});

	test('an answer that is lost makes nothing twice', async (t) => {
		const world = await ServerWorld.make(t);
		const { sandboxes } = world.control.service;
		world.script.fail('createPort', away, 1, 'after');
		world.script.fail('create', away, 1, 'after');
		const { id } = await sandboxes.create(world.ann, {});
		assert.equal((await sandboxes.wait(world.ann, id, 'Running', patience, never)).status, 'Running');
		assert.deepEqual(world.cloud.left(), { servers: 1, ports: 1, groups: 0 });
	});

	test('what is made too long fails with the last reason', async (t) => {
		const world = await ServerWorld.make(t, { makingDeadline: 4000 });
		world.script.failAlways('create', away);
		assert.equal((await failedSandbox(world)).statusReason, away.message);
	});

	test('an action that the compute service refuses leaves the sandbox as it is', async (t) => {
		const world = await ServerWorld.make(t);
		const { sandboxes } = world.control.service;
		const { id } = await sandboxes.create(world.ann, {});
		await sandboxes.wait(world.ann, id, 'Running', patience, never);
		world.script.fail('stop', new ProviderError('refused', 'Policy does not allow it'));
		await sandboxes.stop(world.ann, id, { timeout: 0 });
		const view = await eventually('it is told', async () => {
			const now = await sandboxes.show(world.ann, id);
			return now.taskState === null && now;
		});
		assert.deepEqual([view.status, view.desiredStatus, view.statusReason], ['Running', 'Running', 'stop failed: Policy does not allow it']);
	});

	test('a sandbox that is deleted while it is made leaves nothing', async (t) => {
		const world = await ServerWorld.make(t);
		const { sandboxes } = world.control.service;
		const held = Promise.withResolvers<void>();
		world.cloud.beforeBuild = held.promise;
		const { id } = await sandboxes.create(world.ann, {});
		await eventually('its server is asked for', () => world.cloud.serverOf(id) !== undefined);
		await sandboxes.delete(world.ann, id, { force: false });
		held.resolve();
		await eventually('it is gone', async () => (await sandboxes.list(world.ann, { limit: 10, filters: {} })).length === 0);
		await world.cloud.settled();
		assert.deepEqual(world.cloud.left(), nothing);
		await eventually('and so is what its host had', () => world.engine.list('test').sandboxes.length === 0);
	});
});
