import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ContainerSettings, type Driver, DriverError, type DriverEvent, type SandboxSettings } from '../../../src/drivers/driver.ts';
import { createDriver, FakeEngine, makeBusyboxImage } from '../../../src/drivers/fake/index.ts';

const signal = (): AbortSignal => AbortSignal.timeout(20_000);

function sandboxSettings(): SandboxSettings {
	const id = randomUUID();
	return {
		id,
		name: id,
		hostname: 'fake',
		ipc: true,
		pid: true,
		runtime: null,
		cpu: null,
		memory: null,
		hostsFile: null,
		resolvFile: null,
	};
}

function containerSettings(sandboxId: string, fields: Partial<ContainerSettings> = {}): ContainerSettings {
	const id = randomUUID();
	return {
		id,
		sandboxId,
		name: id,
		revision: 1,
		image: 'zunbox/busybox:latest',
		command: ['sleep', 'infinity'],
		entrypoint: null,
		workdir: null,
		hostname: null,
		environment: {},
		labels: {},
		interactive: false,
		tty: false,
		privileged: false,
		runtime: null,
		ipc: true,
		pid: true,
		healthcheck: null,
		exposedPorts: [],
		mounts: [],
		cpu: null,
		memory: null,
		disk: null,
		pids: null,
		...fields,
	};
}

async function open(): Promise<{ engine: FakeEngine; driver: Driver }> {
	const engine = new FakeEngine();
	return { engine, driver: await createDriver({ owner: 'test', stateDirectory: '/nowhere', settings: { engine } }) };
}

async function runOne(driver: Driver, fields: Partial<ContainerSettings> = {}): Promise<{ sandboxId: string; containerId: string }> {
	const sandbox = sandboxSettings();
	const container = containerSettings(sandbox.id, fields);
	await driver.sandboxes.create(sandbox, signal());
	await driver.sandboxes.start(sandbox.id, signal());
	await driver.containers.create(container, signal());
	await driver.containers.start(container.id, signal());
	return { sandboxId: sandbox.id, containerId: container.id };
}

const withCode = (code: string) => (error: unknown) => error instanceof DriverError && error.code === code;

describe('faults of the fake engine', () => {
	test('an engine that is away answers nothing, ends its event streams, and loses nothing', async () => {
		const { engine, driver } = await open();
		const { sandboxId } = await runOne(driver);
		const events: DriverEvent[] = [];
		const watching = (async () => {
			for await (const event of driver.events(signal())) events.push(event);
		})();
		engine.faults.goAway();
		await watching;
		await assert.rejects(driver.list(signal()), withCode('unavailable'));
		await assert.rejects(
			(async () => {
				for await (const _ of driver.events(signal()));
			})(),
			withCode('unavailable'),
		);
		engine.faults.comeBack();
		assert.equal((await driver.observe(sandboxId, signal())).containers[0]?.status, 'running');
	});

	test('the n-th call fails before it has an effect, or after', async () => {
		const { engine, driver } = await open();
		const [first, second, third] = [sandboxSettings(), sandboxSettings(), sandboxSettings()];
		engine.faults.failCall('sandboxes.create', 2, new DriverError('no-space', 'full'));
		engine.faults.failCall('sandboxes.create', 3, new DriverError('unavailable', 'gone'), 'after');
		await driver.sandboxes.create(first, signal());
		await assert.rejects(driver.sandboxes.create(second, signal()), withCode('no-space'));
		await assert.rejects(driver.sandboxes.create(third, signal()), withCode('unavailable'));
		assert.deepEqual(
			(await driver.list(signal())).sandboxes.map(({ id }) => id),
			[first.id, third.id],
		);
		await driver.sandboxes.create(second, signal());
		assert.equal(engine.faults.calls('sandboxes.create'), 4);
	});

	test('a held call waits without effect until it is released, or its signal is aborted', async () => {
		const { engine, driver } = await open();
		const settings = sandboxSettings();
		const release = engine.faults.hold('sandboxes.create');
		await assert.rejects(driver.sandboxes.create(settings, AbortSignal.timeout(20)));
		const creating = driver.sandboxes.create(settings, signal());
		await sleep(20);
		assert.deepEqual((await driver.list(signal())).sandboxes, []);
		release();
		await creating;
		assert.equal((await driver.list(signal())).sandboxes.length, 1);
	});

	test('calls are as slow as they are told to be', async () => {
		const { engine, driver } = await open();
		engine.faults.delay('list', 60);
		const began = performance.now();
		await driver.list(signal());
		assert(performance.now() - began >= 55);
		engine.faults.clear();
		assert.deepEqual((await driver.list(signal())).sandboxes, []);
	});

	test('a driver that is dropped, as by a crash, and its successor', async () => {
		const { engine, driver } = await open();
		const { sandboxId, containerId } = await runOne(driver);
		const successor = await createDriver({ owner: 'test', stateDirectory: '/nowhere', settings: { engine } });
		assert.deepEqual(await successor.observe(sandboxId, signal()), await driver.observe(sandboxId, signal()));
		await successor.containers.remove(containerId, signal());
		assert.deepEqual((await driver.observe(sandboxId, signal())).containers, []);
	});

	test('a sandbox that is lost takes its containers’ processes with it', async () => {
		const { engine, driver } = await open();
		const { sandboxId, containerId } = await runOne(driver);
		engine.loseSandbox('test', sandboxId);
		const { sandbox, containers } = await driver.observe(sandboxId, signal());
		assert.equal(sandbox, null);
		assert.deepEqual(
			containers.map(({ status, joinsCurrentSandbox }) => [status, joinsCurrentSandbox]),
			[['stopped', false]],
		);
		await assert.rejects(driver.containers.start(containerId, signal()), withCode('conflict'));
	});

	test('a reboot ends all and keeps what was made; losing everything keeps images only', async () => {
		const { engine, driver } = await open();
		await runOne(driver);
		engine.reboot();
		const after = await driver.list(signal());
		assert.deepEqual(
			[...after.sandboxes, ...after.containers].map(({ status }) => status),
			['stopped', 'stopped'],
		);
		engine.loseEverything();
		assert.deepEqual(await driver.list(signal()), { sandboxes: [], containers: [] });
		assert.equal((await driver.images.list(signal())).length, 1);
	});

	test('a registry with credentials, and one that is down', async () => {
		const { engine, driver } = await open();
		engine.registry.add('private.test/app:1', makeBusyboxImage('private'), { credentials: { username: 'me', password: 'secret' } });
		const request = { reference: 'private.test/app:1', auth: null };
		await assert.rejects(driver.images.pull(request, signal()), withCode('unauthorized'));
		const auth = { domain: 'private.test', username: 'me', password: 'secret' };
		assert.deepEqual((await driver.images.pull({ ...request, auth }, signal())).references, ['private.test/app:1']);
		engine.registry.down = true;
		await assert.rejects(driver.images.pull({ ...request, auth }, signal()), withCode('unavailable'));
	});

	test('memory that is used up: ended with 137, and said so', async () => {
		const { driver } = await open();
		const { sandboxId } = await runOne(driver, { command: ['tail', '/dev/zero'], memory: 32 });
		let [state] = (await driver.observe(sandboxId, signal())).containers;
		for (const end = Date.now() + 10_000; state?.status === 'running' && Date.now() < end; ) {
			await sleep(5);
			[state] = (await driver.observe(sandboxId, signal())).containers;
		}
		assert.deepEqual([state?.status, state?.exitCode, state?.oomKilled], ['stopped', 137, true]);
	});

	test('without a shared PID namespace the first process is an init, which TERM does not end', async () => {
		const { driver } = await open();
		const { sandboxId, containerId } = await runOne(driver, { pid: false });
		await driver.containers.kill(containerId, 'SIGTERM', signal());
		assert.equal((await driver.observe(sandboxId, signal())).containers[0]?.status, 'running');
		await driver.containers.stop(containerId, 0, signal());
		assert.equal((await driver.observe(sandboxId, signal())).containers[0]?.exitCode, 137);
	});

	test('a thousand sandboxes of three containers each take little and do nothing while they wait', async () => {
		const { driver } = await open();
		for (let count = 0; count < 1000; count += 1) {
			const { sandboxId } = await runOne(driver);
			for (const _ of [2, 3]) {
				const settings = containerSettings(sandboxId);
				await driver.containers.create(settings, signal());
				await driver.containers.start(settings.id, signal());
			}
		}
		const { sandboxes, containers } = await driver.list(signal());
		assert.deepEqual([sandboxes.length, containers.filter(({ status }) => status === 'running').length], [1000, 3000]);
		// One can be generous with the machine's noise: a timer for each container would take far more.
		const before = process.cpuUsage();
		await sleep(1000);
		const { user, system } = process.cpuUsage(before);
		assert((user + system) / 1000 < 300, `${(user + system) / 1000} ms of CPU in a second`);
	});
});
