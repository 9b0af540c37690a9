import assert from 'node:assert/strict';
import { mkdir, readdir } from 'node:fs/promises';
import path from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { type Driver, DriverError } from '../../../src/drivers/driver.ts';
import { AgentWorld, owner, quickPlan } from '../../support/agent/agent-world.ts';
import { containerSpec, operation, sandboxSpec } from '../../support/agent/specs.ts';
import { eventually } from '../../support/eventually.ts';

const box = 'sandbox-1';
const web = 'container-1';

async function running(t: TestContext, fields: Parameters<typeof containerSpec>[0] = {}): Promise<AgentWorld> {
	const world = await AgentWorld.make(t);
	await world.start({ unknownAfter: 100 });
	const create = operation('create', { id: 'create-web', args: { run: true } });
	world.control.add(
		sandboxSpec({ operation: operation('create', { id: 'create-box' }), containers: [containerSpec({ operation: create, ...fields })] }),
	);
	await world.control.quiet(box);
	return world;
}

const neverEnded = (world: AgentWorld): boolean => world.control.reports.every(({ containers }) => containers.every(({ ended }) => !ended));

describe('what is lost comes back', () => {
	const losses: Record<string, (world: AgentWorld) => void> = {
		'the holder is removed behind our back': ({ engine }) => engine.loseSandbox(owner, box),
		'the container is removed behind our back': ({ engine }) => engine.loseContainer(owner, web),
		'the host starts anew': ({ engine }) => engine.reboot(),
		'the engine loses everything but its images': ({ engine }) => engine.loseEverything(),
	};
	for (const [what, lose] of Object.entries(losses)) {
		test(`when ${what}, the container runs again and was never told as ended`, async (t) => {
			const world = await running(t);
			const before = world.state(box, web)?.startedAt ?? Number.POSITIVE_INFINITY;
			lose(world);
			await eventually('it runs again', () => {
				const state = world.state(box, web);
				return (
					state?.status === 'running' && (state.startedAt ?? 0) >= before && world.engine.observe(owner, box).sandbox?.status === 'running'
				);
			});
			await eventually(
				'control knows',
				() => world.control.seen(box, web)?.status === 'Running' && world.control.last(box)?.status === 'Running',
			);
			assert.ok(neverEnded(world));
		});

		test(`when ${what} while the agent is down, too`, async (t) => {
			const world = await running(t);
			await world.stop();
			lose(world);
			await world.start();
			await eventually('it runs again', () => world.status(box, web) === 'running');
			assert.ok(neverEnded(world));
		});
	}

	test('when its sandbox goes down while the agent is slow to take in that it ended, too', async (t) => {
		const world = await AgentWorld.make(t);
		const other = 'container-2';
		let torn: 'no' | 'next' | 'done' = 'no';
		let kill = async (_id: string): Promise<void> => {};
		world.wrap = (driver): Driver => {
			kill = (id) => driver.containers.kill(id, 'KILL', AbortSignal.timeout(30_000));
			const observe = driver.observe.bind(driver);
			driver.observe = async (id, signal) => {
				if (torn !== 'next') return await observe(id, signal);
				torn = 'done';
				// It ends, is looked at, and its sandbox goes down with it; what was seen is taken in when all that is long past.
				await kill(web);
				await eventually('it has ended', () => world.status(box, web) === 'stopped');
				const seen = await observe(id, signal);
				world.engine.loseSandbox(owner, box);
				await delay(10 * quickPlan.settle);
				return seen;
			};
			const events = driver.events.bind(driver);
			driver.events = async function* (signal) {
				// They come as late.
				for await (const event of events(signal)) if (torn === 'no') yield event;
			};
			return driver;
		};
		await world.start();
		world.control.add(sandboxSpec({ containers: [containerSpec({}), containerSpec({ id: other })] }));
		await eventually('both run', () => [web, other].every((id) => world.control.seen(box, id)?.status === 'Running'));
		torn = 'next';
		await kill(other);
		await eventually('it was seen to end', () => torn === 'done');
		await eventually('it runs again', () => world.status(box, web) === 'running');
		assert.ok(world.control.reports.every(({ containers }) => containers.every(({ id, ended }) => id !== web || !ended)));
	});

	test('a stopped container stays stopped when its host starts anew', async (t) => {
		const world = await running(t);
		world.control.changeContainer(box, { id: web, goal: 'Stopped', operation: operation('stop', { args: { timeout: 0 } }) });
		await world.control.quiet(box);
		const starts = world.engine.faults.calls('sandboxes.start');
		world.engine.reboot();
		await eventually('the sandbox runs again', () => world.engine.observe(owner, box).sandbox?.status === 'running');
		assert.ok(world.engine.faults.calls('sandboxes.start') > starts);
		assert.equal(world.status(box, web), 'stopped');
	});
});

describe('a container that ends by itself', () => {
	test('is told as ended with its exit code, and stays so', async (t) => {
		const world = await running(t, { command: ['sh', '-c', 'exit 3'] });
		await eventually('it is told', () => world.control.spec(box).containers[0]?.goal === 'Stopped');
		const seen = world.control.seen(box, web);
		assert.deepEqual([seen?.status, seen?.exitCode, seen?.restartCount], ['Stopped', 3, 0]);
	});

	test('is started again by its policy as often as that says, and then ends', async (t) => {
		const world = await running(t, { command: ['sh', '-c', 'exit 3'], restartPolicy: { name: 'on-failure', maximumRetryCount: 2 } });
		await eventually('it is given up', () => world.control.spec(box).containers[0]?.goal === 'Stopped');
		assert.equal(world.control.seen(box, web)?.restartCount, 2);
		assert.equal(world.engine.faults.calls('containers.start'), 3);
	});

	test('is started again for ever with always, waits in Restarting, and stops when asked', async (t) => {
		const world = await running(t, { command: ['true'], restartPolicy: { name: 'always', maximumRetryCount: 0 } });
		await eventually('it was restarted', () => (world.control.seen(box, web)?.restartCount ?? 0) >= 3);
		await eventually('it waits', () => world.control.seen(box, web)?.status === 'Restarting');
		world.control.changeContainer(box, { id: web, goal: 'Stopped', operation: operation('stop') });
		await world.control.quiet(box);
		const starts = world.engine.faults.calls('containers.start');
		world.control.change(box, { labels: { touched: 'yes' } });
		await eventually('a later version is reported', () => world.control.seen(box, web)?.status === 'Stopped');
		assert.equal(world.engine.faults.calls('containers.start'), starts);
	});
});

describe('the engine', () => {
	test('away for a while: nothing false is told, then Unknown, and work goes on when it is back', async (t) => {
		const world = await running(t);
		world.engine.faults.goAway();
		const create = operation('create', { id: 'create-b', args: { run: true } });
		world.control.changeContainer(box, { id: 'b' }, containerSpec({ id: 'b', operation: create }));
		await eventually('it is told as Unknown', () => world.control.last(box)?.status === 'Unknown');
		assert.equal(world.control.seen(box, web)?.status, 'Unknown');
		world.engine.faults.comeBack();
		await world.control.quiet(box);
		assert.equal(world.control.last(box)?.status, 'Running');
		assert.equal(world.control.seen(box, web)?.status, 'Running');
		assert.equal(world.status(box, 'b'), 'running');
		assert.ok(neverEnded(world));
		assert.ok(world.control.reports.every(({ containers }) => containers.every(({ status }) => status !== 'Missing')));
	});

	test('away when the agent starts: it waits', async (t) => {
		const world = await AgentWorld.make(t);
		world.engine.faults.goAway();
		const starting = world.start();
		await eventually('it tried', () => world.engine.faults.calls('facts') > 1);
		world.engine.faults.comeBack();
		await starting;
		assert.equal(world.control.registered.length, 1);
	});

	test('a full disk is tried again with the reason shown, and the operation is done when there is room', async (t) => {
		const world = await AgentWorld.make(t);
		await world.start();
		for (let n = 1; n <= 3; n += 1) world.engine.faults.failCall('containers.create', n, new DriverError('no-space', 'no space left'));
		const create = operation('create', { id: 'create-web', args: { run: true } });
		world.control.add(sandboxSpec({ containers: [containerSpec({ operation: create })] }));
		await world.control.quiet(box);
		const told = world.control.outcomes('create-web').map(({ outcome, error }) => `${outcome} ${error}`);
		// Told as begun by itself only when the first attempt took long enough.
		assert.deepEqual(told.slice(told[0] === 'started null' ? 1 : 0), [...Array(3).fill('retry no space left'), 'done null']);
		assert.equal(world.status(box, web), 'running');
	});

	test('what does not pass before the deadline fails', async (t) => {
		const world = await AgentWorld.make(t);
		await world.start({ plan: { ...quickPlan, operationDeadline: 50 } });
		for (let n = 1; n <= 500; n += 1) world.engine.faults.failCall('containers.create', n, new DriverError('no-space', 'no space left'));
		const create = operation('create', { id: 'create-web', args: { run: true } });
		world.control.add(sandboxSpec({ containers: [containerSpec({ operation: create })] }));
		await world.control.quiet(box);
		assert.deepEqual(world.control.outcomes('create-web').at(-1)?.outcome, 'failed');
	});
});

describe('control', () => {
	test('away for a while: what was done is told when it is back', async (t) => {
		const world = await running(t);
		const release = world.engine.faults.hold('containers.stop');
		world.control.changeContainer(box, { id: web, goal: 'Stopped', operation: operation('stop', { args: { timeout: 0 } }) });
		await eventually('the stop runs', () => world.engine.faults.calls('containers.stop') > 0);
		world.control.away = true;
		release();
		await eventually('it is stopped', () => world.status(box, web) === 'stopped');
		world.control.away = false;
		await world.control.quiet(box);
		assert.equal(world.control.outcomes('operation-stop').at(-1)?.outcome, 'done');
	});

	test('hears the heartbeat', async (t) => {
		const world = await AgentWorld.make(t);
		await world.start({ heartbeatInterval: 10 });
		await eventually('it beats', () => world.control.heartbeats > 2);
	});
});

describe('leftovers', () => {
	test('what control knows nothing of is removed; what is of another owner is not touched', async (t) => {
		const world = await running(t);
		const other = { id: 'other', name: 'other', hostname: 'other', ipc: true, pid: true, runtime: null, cpu: null, memory: null };
		world.engine.createSandbox('somebody else', { ...other, hostsFile: null, resolvFile: null });
		await mkdir(path.join(world.stateDirectory, 'sandboxes', 'long-gone'), { recursive: true });
		await world.stop();
		world.control.forget(box);
		await world.start();
		await eventually('it is gone', () => {
			const { sandbox, containers } = world.engine.observe(owner, box);
			return sandbox === null && containers.length === 0;
		});
		assert.notEqual(world.engine.observe('somebody else', 'other').sandbox, null);
		await eventually('its folder is gone', async () => (await readdir(path.join(world.stateDirectory, 'sandboxes'))).length === 0);
	});

	test('a container that its sandbox does not have is removed', async (t) => {
		const world = await running(t);
		world.control.change(box, { containers: [] });
		await eventually('it is gone', () => world.status(box, web) === null);
		assert.equal(world.engine.observe(owner, box).sandbox?.status, 'running');
	});
});

describe('many sandboxes', () => {
	test('that are as wanted cost no call of their own, however often everything is looked at', async (t) => {
		const world = await AgentWorld.make(t);
		for (let n = 0; n < 100; n += 1) {
			world.control.add(sandboxSpec({ id: `box-${n}`, containers: [containerSpec({ id: `web-${n}` })] }));
		}
		await world.start({ lookInterval: 5, portChecks: 0 });
		const up = () =>
			Array.from({ length: 100 }, (_, n) => n).every((n) => world.control.seen(`box-${n}`, `web-${n}`)?.status === 'Running');
		await eventually('all run', up);
		const looks = world.engine.faults.calls('list');
		await eventually('a few looks', () => world.engine.faults.calls('list') > looks + 3);
		const before = world.engine.faults.calls('observe');
		const reports = world.control.reports.length;
		await eventually('many looks', () => world.engine.faults.calls('list') > looks + 20);
		assert.equal(world.engine.faults.calls('observe'), before);
		assert.equal(world.control.reports.length, reports);
	});

	test('never have more calls to the engine under way than the bound', async (t) => {
		const world = await AgentWorld.make(t);
		let now = 0;
		let most = 0;
		const counted = async (call: () => Promise<void>): Promise<void> => {
			now += 1;
			most = Math.max(most, now);
			await call().finally(() => {
				now -= 1;
			});
		};
		world.engine.faults.delay('sandboxes.create', 5);
		world.wrap = (driver): Driver => {
			const create = driver.sandboxes.create.bind(driver.sandboxes);
			driver.sandboxes.create = (settings, signal) => counted(() => create(settings, signal));
			return driver;
		};
		for (let n = 0; n < 30; n += 1) world.control.add(sandboxSpec({ id: `box-${n}` }));
		await world.start({ maxCalls: 3 });
		await eventually('all run', () => world.control.reports.filter(({ status }) => status === 'Running').length >= 30);
		assert.ok(most > 1 && most <= 3, `${most} at once`);
	});
});
