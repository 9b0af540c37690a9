/** Sandboxes that are servers of a compute service: the service, its agent and a cloud in memory, from making to removal. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { eventually } from '../../support/eventually.ts';
import { never, patience, ServerWorld } from '../../support/servers/server-world.ts';

const nothing = { servers: 0, ports: 0, groups: 0 };

describe('sandboxes as servers', () => {
	test('a container gets a server with a port, and both go with it', async (t) => {
		const world = await ServerWorld.make(t);
		const { containers, sandboxes } = world.control.service;
		const web = await world.run('web');
		assert.equal(web.status, 'Running', String(web.statusReason));
		assert.equal(web.host, 'host-1');
		const sandbox = await sandboxes.show(world.ann, web.sandboxId);
		assert.deepEqual([sandbox.status, sandbox.statusReason, sandbox.taskState], ['Running', null, null]);
		const server = world.cloud.serverOf(web.sandboxId);
		assert.equal(sandbox.providerIds['nova'], server?.id);
		assert.equal(server?.projectId, world.ann.projectId);
		const [port] = world.cloud.ports.values();
		assert.deepEqual(sandbox.addresses, {
			[world.cloud.networkId('net-a')]: [
				{
					addr: port?.fixedIps[0]?.ipAddress,
					version: 4,
					port: port?.portId,
					subnet_id: port?.fixedIps[0]?.subnetId,
					preserve_on_delete: false,
				},
			],
		});
		assert.deepEqual(sandbox.securityGroupIds, ['group-default']);
		await containers.delete(world.ann, web.id, { force: true, stop: false, allProjects: false });
		await eventually('all of it is gone', async () => (await sandboxes.list(world.ann, { limit: 10, filters: {} })).length === 0);
		assert.deepEqual(world.cloud.left(), nothing);
		assert.deepEqual(world.engine.list('test'), { sandboxes: [], containers: [] });
	});

	test("a user's token is kept only while something is made with it", async (t) => {
		const world = await ServerWorld.make(t);
		await world.run('web');
		const left = await eventually('it is erased', async () => {
			const row = await world.control.store.db.selectFrom('server').select(['delegation', 'work']).executeTakeFirst();
			return row?.work === 0 && row;
		});
		assert.equal(left.delegation, null);
	});

	test('stop, start, pause and unpause go through the compute service', async (t) => {
		const world = await ServerWorld.make(t);
		const { sandboxes, containers } = world.control.service;
		const web = await world.run('web', { restartPolicy: { name: 'always', maximumRetryCount: 0 } });
		const id = web.sandboxId;
		const reach = async (status: string, state: string) => {
			await eventually(`it is ${status}`, async () => (await sandboxes.show(world.ann, id)).status === status);
			await eventually('nothing is left to do', async () =>
				(await sandboxes.operations(world.ann, id)).every((one) => one.state === 'done'),
			);
			assert.equal(world.cloud.serverOf(id)?.state, state);
		};
		await sandboxes.stop(world.ann, id, { timeout: 0 });
		await reach('Stopped', 'stopped');
		assert.equal((await containers.show(world.ann, web.id)).status, 'Stopped');
		await sandboxes.start(world.ann, id);
		await reach('Running', 'running');
		assert.equal((await containers.wait(world.ann, web.id, 'Running', patience, never)).status, 'Running');
		await sandboxes.pause(world.ann, id);
		await reach('Paused', 'paused');
		await sandboxes.unpause(world.ann, id);
		await reach('Running', 'running');
	});

	test("what is done with the compute service's own tools is followed", async (t) => {
		const world = await ServerWorld.make(t);
		const { sandboxes, containers } = world.control.service;
		const web = await world.run('web');
		const serverId = world.cloud.serverOf(web.sandboxId)?.id ?? '';
		await world.cloud.act(serverId, 'stop');
		await eventually('it is stopped', async () => {
			const { status, desiredStatus } = await sandboxes.show(world.ann, web.sandboxId);
			return status === 'Stopped' && desiredStatus === 'Stopped';
		});
		await world.cloud.act(serverId, 'start');
		assert.equal((await containers.wait(world.ann, web.id, 'Running', patience, never)).status, 'Running');
		await world.cloud.act(serverId, 'delete');
		const sandbox = await eventually('it says that its server is gone', async () => {
			const view = await sandboxes.show(world.ann, web.sandboxId);
			return view.status === 'Error' && view;
		});
		assert.match(String(sandbox.statusReason), /server was deleted/);
		await eventually('nothing is left', () => world.cloud.left().ports === 0);
		await eventually(
			'it holds nothing',
			async () => (await world.control.store.db.selectFrom('server').selectAll().execute()).length === 0,
		);
		assert.equal((await sandboxes.show(world.ann, web.sandboxId)).host, null);
		assert.deepEqual(world.engine.list('test'), { sandboxes: [], containers: [] });
		await containers.delete(world.ann, web.id, { force: true, stop: false, allProjects: false });
		await eventually('its row goes', async () => (await sandboxes.list(world.ann, { limit: 10, filters: {} })).length === 0);
	});

	test('a server that somebody made is a sandbox of its project, and goes with it', async (t) => {
		const world = await ServerWorld.make(t);
		const { sandboxes, containers } = world.control.service;
		const serverId = await world.cloud.boot(world.ann.projectId, 'theirs');
		const sandbox = await sandboxes.show(world.ann, 'theirs');
		assert.deepEqual([sandbox.id, sandbox.status, sandbox.createdBy], [serverId, 'Running', 'user']);
		assert.deepEqual([sandbox.cpu, sandbox.memory], [1, 512]);
		const web = await world.run('web', { sandbox: 'theirs' });
		assert.equal(web.status, 'Running', String(web.statusReason));
		await world.cloud.act(serverId, 'delete');
		await eventually('it is gone', async () => (await sandboxes.list(world.ann, { limit: 10, filters: {} })).length === 0);
		assert.equal((await containers.list(world.ann, { limit: 10, filters: {} })).length, 0);
	});

	test("a server that names another project's sandbox is refused", async (t) => {
		const world = await ServerWorld.make(t);
		const web = await world.run('web');
		const serverId = await world.cloud.boot('project-of-bob', 'stolen', { zunbox_sandbox: web.sandboxId });
		const server = world.cloud.servers.get(serverId);
		assert.equal(server?.state, 'error');
		assert.match(String(server?.fault), /not its own/);
		assert.equal((await world.control.service.containers.show(world.ann, web.id)).status, 'Running');
	});

	test('a sandbox of twenty others is made with them, and each is asked for once', async (t) => {
		const world = await ServerWorld.make(t);
		const { sandboxes } = world.control.service;
		const made = await Promise.all(Array.from({ length: 20 }, (_, n) => sandboxes.create(world.ann, { name: `s${n}` })));
		for (const { id } of made) assert.equal((await sandboxes.wait(world.ann, id, 'Running', patience, never)).status, 'Running');
		assert.equal(world.cloud.left().servers, 20);
		for (const { id } of made) await sandboxes.delete(world.ann, id, { force: false });
		await eventually('all are gone', async () => (await sandboxes.list(world.ann, { limit: 50, filters: {} })).length === 0);
		assert.deepEqual(world.cloud.left(), nothing);
	});

	test('lists and shows ask nobody', async (t) => {
		const world = await ServerWorld.make(t, { pollInterval: 60_000 });
		const { sandboxes, containers } = world.control.service;
		const web = await world.run('web');
		await eventually(
			'nothing is left to do',
			async () => (await world.control.store.db.selectFrom('server').select('work').executeTakeFirst())?.work === 0,
		);
		const before = world.script.calls.length;
		await sandboxes.list(world.ann, { limit: 10, filters: {} });
		await sandboxes.show(world.ann, web.sandboxId);
		await containers.list(world.ann, { limit: 10, filters: {} });
		await containers.show(world.ann, web.id);
		assert.deepEqual(world.script.calls.slice(before), []);
	});
});
