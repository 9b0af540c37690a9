import assert from 'node:assert/strict';
import { access, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { DriverError } from '../../../src/drivers/driver.ts';
import { AgentWorld, owner, quickPlan } from '../../support/agent/agent-world.ts';
import { containerSpec, operation, sandboxSpec } from '../../support/agent/specs.ts';
import { eventually } from '../../support/eventually.ts';

const box = 'sandbox-1';
const web = 'container-1';
const run = operation('create', { id: 'create-web', args: { run: true } });

/** A sandbox with one container that was just asked for. */
function wanted(fields: Parameters<typeof containerSpec>[0] = {}) {
	const containers = [containerSpec({ operation: run, ...fields })];
	return sandboxSpec({ operation: operation('create', { id: 'create-box' }), containers });
}

async function running(t: TestContext, fields: Parameters<typeof containerSpec>[0] = {}): Promise<AgentWorld> {
	const world = await AgentWorld.make(t);
	await world.start();
	world.control.add(wanted(fields));
	await world.control.quiet(box);
	return world;
}

describe('the life of a sandbox and its container', () => {
	test('is made, and each operation is told as done', async (t) => {
		const world = await running(t);
		assert.equal(world.status(box, web), 'running');
		const told = (id: string) => world.control.outcomes(id).map(({ outcome }) => outcome);
		assert.equal(told('create-box').at(-1), 'done');
		assert.equal(told('create-web').at(-1), 'done');
		assert.equal(world.control.last(box)?.status, 'Running');
		assert.equal(world.control.seen(box, web)?.status, 'Running');
		assert.equal(world.control.registered.length, 1);
	});

	test('obeys stop, start, pause, unpause, reboot, kill, update, rebuild and delete', async (t) => {
		const world = await running(t);
		const ask = async (kind: string, goal: 'Running' | 'Stopped' | 'Paused' | 'Deleted', fields: object = {}, args: object = {}) => {
			world.control.changeContainer(box, { id: web, goal, operation: operation(kind, { args }), ...fields });
			await world.control.quiet(box);
			const told = world.control.outcomes(`operation-${kind}`).map(({ outcome, error }) => `${outcome} ${error}`);
			// What was at once is told as done only, but for what is told by its time from the same asked for again.
			const timed = ['start', 'reboot', 'rebuild', 'kill'].includes(kind);
			assert.deepEqual(told, timed || told.length > 1 ? ['started null', 'done null'] : ['done null']);
			return world.state(box, web);
		};
		assert.equal((await ask('stop', 'Stopped', {}, { timeout: 0 }))?.status, 'stopped');
		const started = await ask('start', 'Running');
		assert.equal(started?.status, 'running');
		assert.equal((await ask('pause', 'Paused'))?.status, 'paused');
		assert.equal((await ask('unpause', 'Running'))?.status, 'running');
		const rebooted = await ask('reboot', 'Running', {}, { timeout: 0 });
		assert.equal(rebooted?.status, 'running');
		assert.ok((rebooted?.startedAt ?? 0) >= (world.control.outcomes('operation-reboot')[0]?.at ?? Number.POSITIVE_INFINITY));
		assert.equal((await ask('update', 'Running', { memory: 64 }))?.status, 'running');
		const rebuilt = await ask('rebuild', 'Running', { revision: 2 }, { wasRunning: true });
		assert.deepEqual([rebuilt?.status, rebuilt?.revision], ['running', 2]);
		assert.equal((await ask('kill', 'Stopped', {}, { signal: 'SIGKILL' }))?.status, 'stopped');
		assert.equal(await ask('delete', 'Deleted'), null);
		assert.deepEqual(world.control.spec(box).containers, []);
	});

	test('stops, starts, pauses and unpauses as a whole; containers keep their own goals', async (t) => {
		const world = await running(t);
		const idle = containerSpec({ id: 'idle', goal: 'Created', operation: operation('create', { id: 'create-idle' }) });
		world.control.changeContainer(box, { id: 'idle' }, idle);
		await world.control.quiet(box);
		const ask = async (kind: string, goal: 'Running' | 'Stopped' | 'Paused') => {
			world.control.change(box, { goal, operation: operation(kind, { args: { timeout: 0 } }) });
			await world.control.quiet(box);
			const { sandbox } = world.engine.observe(owner, box);
			return [sandbox?.status, world.status(box, web), world.status(box, 'idle')];
		};
		assert.deepEqual(await ask('stop', 'Stopped'), ['stopped', 'stopped', 'created']);
		assert.equal(world.control.last(box)?.status, 'Stopped');
		assert.equal(world.control.spec(box).containers[0]?.goal, 'Running');
		assert.deepEqual(await ask('start', 'Running'), ['running', 'running', 'created']);
		assert.deepEqual(await ask('pause', 'Paused'), ['paused', 'paused', 'created']);
		assert.deepEqual(await ask('unpause', 'Running'), ['running', 'running', 'created']);
	});

	test('is deleted with all in it, and nothing is left', async (t) => {
		const world = await running(t);
		const folder = path.join(world.stateDirectory, 'sandboxes', box);
		await access(folder);
		world.control.change(box, { goal: 'Deleted', operation: operation('delete') });
		await eventually('control forgets it', () => !world.control.has(box));
		assert.deepEqual(world.engine.observe(owner, box), { sandbox: null, containers: [] });
		await assert.rejects(access(folder));
	});

	test('is deleted although parts of it cannot be for a while', async (t) => {
		const world = await running(t);
		const { faults } = world.engine;
		faults.failCall('containers.remove', 1, new DriverError('failed', 'the layer is busy'));
		faults.failCall('sandboxes.remove', 1, new DriverError('failed', 'the holder is busy'));
		world.control.change(box, { goal: 'Deleted', operation: operation('delete') });
		await eventually('control forgets it', () => !world.control.has(box));
		assert.deepEqual(world.engine.observe(owner, box), { sandbox: null, containers: [] });
	});

	test('a stop with much grace delays nothing of its neighbours', async (t) => {
		const world = await running(t);
		const release = world.engine.faults.hold('containers.stop');
		world.control.changeContainer(box, { id: web, goal: 'Stopped', operation: operation('stop') });
		await eventually('the stop runs', () => world.engine.faults.calls('containers.stop') > 0);
		await eventually('control knows that it does', () => world.control.outcomes('operation-stop')[0]?.outcome === 'started');
		world.control.changeContainer(
			box,
			{ id: 'b' },
			containerSpec({ id: 'b', operation: operation('create', { id: 'create-b', args: { run: true } }) }),
		);
		await eventually('the other is started', () => world.control.outcomes('create-b').at(-1)?.outcome === 'done');
		assert.equal(world.status(box, web), 'running');
		release();
		await world.control.quiet(box);
		assert.equal(world.status(box, web), 'stopped');
	});

	test('names change in the files that containers have mounted', async (t) => {
		const world = await running(t);
		const file = path.join(world.stateDirectory, 'sandboxes', box, 'hosts');
		const before = await stat(file);
		world.control.change(box, { hosts: [{ address: '10.0.0.9', names: ['db', 'db.internal'] }] });
		await eventually('the name is there', async () => (await readFile(file, 'utf8')).includes('10.0.0.9\tdb db.internal\n'));
		assert.equal((await stat(file)).ino, before.ino);
		world.control.change(box, { hosts: [] });
		await eventually(
			'the name is gone',
			async () => (await readFile(file, 'utf8')) === '127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n',
		);
	});

	test('a container whose command is missing fails with the words of the engine', async (t) => {
		const world = await running(t, { command: ['/no/such/program'] });
		const last = world.control.outcomes('create-web').at(-1);
		assert.equal(last?.outcome, 'failed');
		assert.match(last?.error ?? '', /no\/such\/program|not found/);
		const failing = world.control.reports.find(({ operations }) =>
			operations.some(({ id, outcome }) => id === 'create-web' && outcome === 'failed'),
		);
		assert.equal(failing?.containers[0]?.status, 'Error');
	});

	test('a sandbox that cannot be made fails with the reason, and leaves nothing', async (t) => {
		const world = await AgentWorld.make(t);
		world.engine.faults.failCall('sandboxes.start', 1, new DriverError('failed', 'no such runtime'));
		await world.start({ plan: { ...quickPlan, repairFirst: 60_000, repairLongest: 60_000 } });
		world.control.add(wanted());
		await eventually('it fails', () => world.control.outcomes('create-box').at(-1)?.outcome === 'failed');
		assert.equal(world.control.outcomes('create-box').at(-1)?.error, 'no such runtime');
		const failing = world.control.reports.find(({ operations }) => operations.some(({ outcome }) => outcome === 'failed'));
		assert.deepEqual([failing?.status, failing?.statusReason], ['Error', 'no such runtime']);
		assert.deepEqual(world.engine.observe(owner, box), { sandbox: null, containers: [] });
		await assert.rejects(access(path.join(world.stateDirectory, 'sandboxes', box)));
	});
});
