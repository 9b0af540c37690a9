/** The driver on an engine whose disk is full. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { createDriver } from '../../../src/drivers/docker/index.ts';
import { type Driver, DriverError, type SandboxSettings } from '../../../src/drivers/driver.ts';
import { makeBusyboxArchive } from '../../../src/drivers/images/busybox-archive.ts';
import { eventually } from '../../support/eventually.ts';
import { PrivateEngine } from '../../support/private-engine.ts';

const signal = (): AbortSignal => AbortSignal.timeout(60_000);
const engine = new PrivateEngine(24);
const ballast = path.join(engine.data, 'ballast');
let driver: Driver;

before(async () => {
	await engine.start();
	const settings = { socket: engine.socket };
	driver = await createDriver({ owner: `test-${randomUUID()}`, stateDirectory: engine.folder, settings });
	await eventually('the engine answers', () => driver.list(signal()));
});

after(async () => {
	rmSync(ballast, { force: true });
	for (const { id } of (await driver.list(signal())).sandboxes) await driver.sandboxes.remove(id, signal());
	await driver.close();
	await engine.remove();
});

/** Takes all the room that there is. */
async function fill(): Promise<void> {
	const file = await open(ballast, 'a');
	try {
		for (let size = 1024 * 1024; size >= 512; size /= 2) {
			for (;;) {
				const written = await file.write(Buffer.alloc(size)).then(
					(result) => result.bytesWritten,
					() => 0,
				);
				if (written < size) break;
			}
		}
	} finally {
		await file.close();
	}
}

test('a full disk is said to be full, and what failed works once there is room', async () => {
	const none = { runtime: null, cpu: null, memory: null, hostsFile: null, resolvFile: null };
	const settings: SandboxSettings = { id: randomUUID(), name: 't', hostname: 't', ipc: true, pid: true, ...none };
	const { tar } = await makeBusyboxArchive('zunbox/busybox:latest');
	const load = (): Promise<readonly string[]> => {
		async function* whole(): AsyncGenerator<Uint8Array> {
			yield tar;
		}
		return driver.images.load(whole(), signal());
	};
	const isFull = (error: unknown): boolean => error instanceof DriverError && error.code === 'no-space' && error.transient;
	await fill();
	await assert.rejects(load(), isFull);
	await assert.rejects(driver.sandboxes.create(settings, signal()), isFull);
	rmSync(ballast);
	await load();
	await driver.sandboxes.create(settings, signal());
	await driver.sandboxes.start(settings.id, signal());
	assert.equal((await driver.observe(settings.id, signal())).sandbox?.status, 'running');
});
