/** The driver while its engine goes away and comes back. The engine is one of the test's own, beside the machine's. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { createDriver } from '../../../src/drivers/docker/index.ts';
import { type ContainerSettings, type Driver, DriverError, type DriverEvent } from '../../../src/drivers/driver.ts';
import { makeBusyboxArchive } from '../../../src/drivers/images/busybox-archive.ts';
import { eventually } from '../../support/eventually.ts';
import { PrivateEngine } from '../../support/private-engine.ts';

const signal = (): AbortSignal => AbortSignal.timeout(90_000);
const engine = new PrivateEngine();
let driver: Driver;

before(async () => {
	await engine.start();
	driver = await createDriver({ owner: `test-${randomUUID()}`, stateDirectory: engine.folder, settings: { socket: engine.socket } });
	await eventually('the engine answers', () => driver.list(signal()));
	const { tar } = await makeBusyboxArchive('zunbox/busybox:latest');
	await driver.images.load(
		(async function* () {
			yield tar;
		})(),
		signal(),
	);
});

after(async () => {
	if (!engine.running) await engine.start();
	await eventually('all is removed', async () => {
		const { containers, sandboxes } = await driver.list(signal());
		for (const { id } of containers) await driver.containers.remove(id, signal());
		for (const { id } of sandboxes) await driver.sandboxes.remove(id, signal());
		return true;
	});
	await driver.close();
	await engine.remove();
});

async function back(): Promise<void> {
	await engine.start();
	await eventually('the engine answers again', () => driver.list(signal()), { timeout: 60_000 });
}

async function build(): Promise<{ sandboxId: string; containerId: string }> {
	const sandboxId = randomUUID();
	const none = { runtime: null, cpu: null, memory: null };
	const files = { hostsFile: null, resolvFile: null };
	await driver.sandboxes.create({ id: sandboxId, name: 't', hostname: 't', ipc: true, pid: true, ...none, ...files }, signal());
	await driver.sandboxes.start(sandboxId, signal());
	const settings: ContainerSettings = {
		...{ id: randomUUID(), sandboxId, name: 't', revision: 1, image: 'zunbox/busybox:latest', command: ['sleep', '1000'] },
		...{ entrypoint: null, workdir: null, hostname: null, environment: {}, labels: {}, interactive: false, tty: false },
		...{ privileged: false, ipc: true, pid: true, healthcheck: null, exposedPorts: [], mounts: [], disk: null, pids: null, ...none },
	};
	await driver.containers.create(settings, signal());
	await driver.containers.start(settings.id, signal());
	return { sandboxId, containerId: settings.id };
}

async function statuses(sandboxId: string): Promise<readonly (string | undefined)[]> {
	const seen = await driver.observe(sandboxId, signal());
	return [seen.sandbox?.status, ...seen.containers.map(({ status }) => status)];
}

test('an engine that is killed is unavailable, ends its events, and works again when it is back', async () => {
	const { sandboxId, containerId } = await build();
	const events: DriverEvent[] = [];
	const watching = (async () => {
		for await (const event of driver.events(signal())) events.push(event);
	})();
	await eventually('the events have begun', async () => {
		await driver.containers.pause(containerId, signal());
		await driver.containers.unpause(containerId, signal());
		return events.length > 0;
	});
	await engine.stop('SIGKILL');
	await watching;
	await assert.rejects(driver.list(signal()), (error) => error instanceof DriverError && error.code === 'unavailable');
	await back();
	// The engine ends what ran when it died; it starts nothing by itself.
	await eventually('all is stopped', async () => (await statuses(sandboxId)).every((status) => status === 'stopped'));
	await driver.sandboxes.start(sandboxId, signal());
	await driver.containers.start(containerId, signal());
	assert.deepEqual(await statuses(sandboxId), ['running', 'running']);
});

test('an engine killed around a pause leaves nothing that cannot be ended, started and removed', async () => {
	for (const moment of [0, 5]) {
		const { sandboxId, containerId } = await build();
		const pausing = driver.containers.pause(containerId, signal()).catch(() => undefined);
		await new Promise((resolve) => setTimeout(resolve, moment));
		await engine.stop('SIGKILL');
		await pausing;
		await back();
		await eventually('it can be stopped', async () => {
			await driver.containers.stop(containerId, 1, signal());
			return true;
		});
		await driver.sandboxes.start(sandboxId, signal());
		await driver.containers.start(containerId, signal());
		await driver.containers.pause(containerId, signal());
		assert.deepEqual(await statuses(sandboxId), ['running', 'paused']);
		await driver.containers.remove(containerId, signal());
		await driver.sandboxes.remove(sandboxId, signal());
	}
});

test('a machine whose processes are all gone builds on what the engine kept', async () => {
	const { sandboxId, containerId } = await build();
	const before = (await driver.observe(sandboxId, signal())).containers[0]?.runtimeId;
	await engine.stop('SIGKILL');
	// As a reboot: nothing of the sandbox runs when the engine starts.
	for (const pid of processesOf(before ?? '')) process.kill(pid, 'SIGKILL');
	await back();
	await driver.sandboxes.start(sandboxId, signal());
	await driver.containers.start(containerId, signal());
	const seen = await driver.observe(sandboxId, signal());
	assert.equal(seen.containers[0]?.runtimeId, before);
	assert.equal(seen.containers[0]?.joinsCurrentSandbox, true);
});

/** Of one container, as its control group holds them. */
function processesOf(engineId: string): readonly number[] {
	const [file] = globSync([
		`/sys/fs/cgroup/memory/zunbox/*/*/${engineId}/cgroup.procs`,
		`/sys/fs/cgroup/zunbox/*/*/${engineId}/cgroup.procs`,
	]);
	assert.ok(file !== undefined, 'the container has a control group');
	const processes = readFileSync(file, 'utf8').split('\n').map(Number);
	return processes.filter((pid) => pid > 0);
}
