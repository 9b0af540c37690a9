import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { DriverError } from '../../../src/drivers/driver.ts';
import { owner } from '../../support/agent/agent-world.ts';
import { ServerWorld, serverPort, spawnBody } from '../../support/agent/server-world.ts';
import { containerSpec, operation } from '../../support/agent/specs.ts';
import { eventually } from '../../support/eventually.ts';

const server = 'server-1';
const box = 'sandbox-1';
const mine = spawnBody({ metadata: { zunbox_sandbox: box } });
const done = { status: 200, body: {} };
const volume = { volumeId: 'volume-1', device: '/dev/loop7', readOnly: false };

async function spawned(t: TestContext): Promise<ServerWorld> {
	const world = await ServerWorld.make(t);
	await world.start();
	assert.deepEqual(await world.call(server, 'spawn', mine), done);
	return world;
}

async function state(world: ServerWorld): Promise<unknown> {
	return (await world.ask('GET', `/servers/${server}`)).body;
}

describe('a spawn', () => {
	test('is answered when the sandbox stands with its ports; its containers come when they are wired', async (t) => {
		const world = await ServerWorld.make(t);
		const { control } = world.agents;
		const create = operation('create', { args: { run: true } });
		control.scripted.containers.set(box, [containerSpec({ operation: create })]);
		await world.start();
		assert.deepEqual(await world.call(server, 'spawn', mine), done);
		assert.equal(world.holder(box), 'running');
		assert.deepEqual([...world.networking.ports.keys()], ['port-1']);
		assert.deepEqual(control.spec(box).ports[0]?.binding, { type: 'bridge', bridge: 'brq-1', device: 'tap-port-1' });
		assert.equal(world.agents.state(box, 'container-1'), null);
		assert.deepEqual(await world.call(server, 'ready'), done);
		await eventually('the container runs', () => world.agents.status(box, 'container-1') === 'running');
		assert.deepEqual(await state(world), { state: 'running' });
	});

	test('that is repeated is answered at once, also by an agent that has just started', async (t) => {
		const world = await spawned(t);
		assert.deepEqual(await world.call(server, 'spawn', mine), done);
		await world.stop();
		await world.start();
		assert.deepEqual(await world.call(server, 'spawn', mine), done);
		assert.equal(world.agents.control.outcomes('call-1').filter(({ outcome }) => outcome === 'done').length, 1);
	});

	test('that fails says why, and nothing of it stays', async (t) => {
		const world = await ServerWorld.make(t);
		await world.start();
		world.networking.failure = new DriverError('failed', 'there is no such bridge');
		const answer = await world.call(server, 'spawn', mine);
		assert.deepEqual(answer, { status: 500, body: { error: { code: 'failed', message: 'there is no such bridge' } } });
		await eventually('nothing is left', () => world.holder(box) === null);
		assert.deepEqual(await world.call(server, 'destroy'), done);
		assert.deepEqual(await state(world), { state: 'missing' });
	});

	test('of a sandbox of another project is refused with the reason', async (t) => {
		const world = await spawned(t);
		const other = spawnBody({ metadata: { zunbox_sandbox: box }, projectId: 'project-2' });
		const { status, body } = await world.call('server-2', 'spawn', other);
		assert.deepEqual([status, body], [409, { error: { code: 'conflict', message: 'The sandbox is of another project.' } }]);
	});

	test('that does not come to an end is answered in time with the reason so far, and goes on', async (t) => {
		const world = await ServerWorld.make(t);
		let broken = true;
		world.agents.wrap = (driver) => {
			const start = driver.sandboxes.start.bind(driver.sandboxes);
			driver.sandboxes.start = async (id, signal) => {
				if (broken) throw new DriverError('unavailable', 'the engine is busy');
				await start(id, signal);
			};
			return world.networked(driver);
		};
		await world.start();
		const { status, body } = await world.ask('PUT', `/servers/${server}/spawn?timeout=1`, mine);
		assert.deepEqual([status, body], [504, { error: { code: 'not-yet', message: 'the engine is busy' } }]);
		broken = false;
		assert.deepEqual(await world.call(server, 'spawn', mine), done);
		assert.equal(world.holder(box), 'running');
	});
});

describe('a server', () => {
	test('is stopped, started, paused, unpaused and destroyed', async (t) => {
		const world = await spawned(t);
		assert.deepEqual(await world.call(server, 'power-off', { timeout: 1 }), done);
		assert.equal(world.holder(box), 'stopped');
		assert.deepEqual(await state(world), { state: 'shutdown' });
		assert.deepEqual(await world.call(server, 'power-off', { timeout: null }), done, 'again');
		assert.deepEqual(await world.call(server, 'power-on', { ports: [serverPort('port-1')], volumes: [volume] }), done);
		assert.equal(world.holder(box), 'running');
		assert.ok(world.networking.ports.has('port-1') && world.volumes.mounted.has('volume-1'));
		assert.deepEqual(await world.call(server, 'pause'), done);
		assert.deepEqual(await state(world), { state: 'paused' });
		assert.deepEqual(await world.call(server, 'unpause'), done);
		assert.equal(world.holder(box), 'running');
		assert.deepEqual((await world.ask('GET', '/servers')).body, { servers: [{ serverId: server, name: 'box', sandboxId: box }] });
		assert.deepEqual(await world.call(server, 'destroy'), done);
		assert.deepEqual([world.holder(box), world.networking.ports.size, world.volumes.mounted.size], [null, 0, 0]);
		assert.deepEqual(await world.call(server, 'destroy'), done, 'again');
	});

	test('that nobody knows is destroyed, and not found for anything else', async (t) => {
		const world = await ServerWorld.make(t);
		await world.start();
		assert.deepEqual(await world.call(server, 'destroy'), done);
		assert.equal((await world.call(server, 'pause')).status, 404);
		assert.deepEqual(await state(world), { state: 'missing' });
	});

	test('that was removed behind its back is built again, and is not said to be shut down meanwhile', async (t) => {
		const world = await spawned(t);
		let held = true;
		await world.stop();
		world.agents.wrap = (driver) => {
			const create = driver.sandboxes.create.bind(driver.sandboxes);
			driver.sandboxes.create = async (settings, signal) => {
				if (held) throw new DriverError('unavailable', 'not yet');
				await create(settings, signal);
			};
			return world.networked(driver);
		};
		await world.start();
		world.agents.engine.loseSandbox(owner, box);
		await eventually('it is gone', () => world.holder(box) === null);
		assert.deepEqual(await state(world), { state: 'pending' });
		held = false;
		await eventually('it is back, with its port', () => world.holder(box) === 'running' && world.networking.ports.has('port-1'));
		assert.deepEqual(await state(world), { state: 'running' });
	});

	test('whose ports are told again keeps them', async (t) => {
		const world = await spawned(t);
		world.networking.log.splice(0);
		assert.deepEqual(await world.call(server, 'plug', { ports: [serverPort('port-1')] }), done);
		assert.deepEqual(await world.call(server, 'power-on', { ports: [serverPort('port-1')], volumes: [] }), done);
		assert.ok(!world.networking.log.some((line) => line.includes('plug')), `${world.networking.log}`);
	});
});

describe('ports and volumes of a server', () => {
	test('come and go, each call answered when it is so', async (t) => {
		const world = await spawned(t);
		for (const again of ['once', 'again']) {
			assert.deepEqual(await world.call(server, 'attach-port', { port: serverPort('port-2') }), done, again);
			assert.deepEqual([...world.networking.ports.keys()], ['port-1', 'port-2']);
			assert.deepEqual(await world.call(server, 'attach-volume', { volume }), done, again);
			assert.deepEqual([...world.volumes.mounted.keys()], ['volume-1']);
		}
		assert.equal(world.agents.control.spec(box).ports[1]?.interfaceName, 'eth1');
		for (const again of ['once', 'again']) {
			assert.deepEqual(await world.call(server, 'detach-port', { portId: 'port-2' }), done, again);
			assert.deepEqual([...world.networking.ports.keys()], ['port-1']);
			assert.deepEqual(await world.call(server, 'detach-volume', { volumeId: 'volume-1' }), done, again);
			assert.equal(world.volumes.mounted.size, 0);
		}
	});

	test('go also where the agent that was told of it was killed before it did it', async (t) => {
		const world = await spawned(t);
		await world.call(server, 'attach-port', { port: serverPort('port-2') });
		await world.call(server, 'attach-volume', { volume });
		await world.stop();
		world.agents.control.change(box, { ports: world.agents.control.spec(box).ports.slice(0, 1), volumes: [] });
		await world.start();
		assert.deepEqual(await world.call(server, 'detach-port', { portId: 'port-2' }), done);
		assert.deepEqual(await world.call(server, 'detach-volume', { volumeId: 'volume-1' }), done);
		assert.deepEqual([[...world.networking.ports.keys()], world.volumes.mounted.size], [['port-1'], 0]);
	});

	test('that cannot be attached say why', async (t) => {
		const world = await spawned(t);
		world.networking.plug = async () => {
			throw new DriverError('failed', 'the bridge is full');
		};
		const { status, body } = await world.call(server, 'attach-port', { port: serverPort('port-2') });
		assert.deepEqual([status, body], [500, { error: { code: 'failed', message: 'the bridge is full' } }]);
		assert.deepEqual(await world.call(server, 'detach-port', { portId: 'port-2' }), done);
		await eventually('nothing is said of it any more', () => world.agents.control.last(box)?.statusReason === null);
	});

	test('of a server that does not run are attached when it starts', async (t) => {
		const world = await spawned(t);
		await world.call(server, 'power-off', { timeout: null });
		assert.deepEqual(await world.call(server, 'attach-port', { port: serverPort('port-2') }), done);
		assert.equal(world.networking.ports.size, 0);
		assert.deepEqual(await world.call(server, 'power-on', { ports: [serverPort('port-1'), serverPort('port-2')], volumes: [] }), done);
		assert.deepEqual([...world.networking.ports.keys()], ['port-1', 'port-2']);
	});
});

describe('control that is away', () => {
	test('is 503, and the same call is done when it is back', async (t) => {
		const world = await spawned(t);
		world.agents.control.away = true;
		const { status } = await world.call(server, 'pause');
		assert.equal(status, 503);
		world.agents.control.away = false;
		assert.deepEqual(await world.call(server, 'pause'), done);
	});
});
