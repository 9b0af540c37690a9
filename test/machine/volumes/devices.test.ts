/** Volumes that somebody connects to the host, with loop devices for block devices. */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, open, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { DriverError } from '../../../src/drivers/driver.ts';
import { eventually } from '../../support/eventually.ts';
import type { DeviceCrashPlan } from './device-crash-agent.ts';
import { DeviceHost } from './device-host.ts';
import { run, signal } from './host.ts';

const execute = promisify(execFile);

async function digestOf(file: string): Promise<string> {
	return createHash('sha256')
		.update(await readFile(file))
		.digest('hex');
}

describe('a connected volume', { timeout: 240_000 }, () => {
	test('that is blank is formatted once, and keeps its data through agents and sandboxes', async (t) => {
		const host = await DeviceHost.make(t);
		const volume = await host.connect();
		const first = await host.open();
		const data = await first.attach('sandbox-1', volume, signal());
		assert.deepEqual(await readdir(data), []);
		assert.equal((await stat(data)).mode & 0o7777, 0o777);
		await writeFile(path.join(data, 'note'), 'kept');
		const next = await host.open();
		assert.equal(await next.attach('sandbox-1', volume, signal()), data);
		assert.deepEqual(await next.list(signal()), [{ sandboxId: 'sandbox-1', volumeId: volume.id, path: data }]);
		assert.equal((await host.mounts()).length, 1);
		await next.detach('sandbox-1', volume.id, signal());
		await next.detach('sandbox-1', volume.id, signal());
		assert.deepEqual(await host.leftovers(), []);
		await host.disconnect(volume);
		const again = await host.connect({ id: volume.id });
		const elsewhere = await next.attach('sandbox-2', again, signal());
		assert.equal(await readFile(path.join(elsewhere, 'note'), 'utf8'), 'kept');
		await next.detach('sandbox-2', volume.id, signal());
		await host.disconnect(again);
		await run('e2fsck', '-fn', host.file(volume.id));
	});

	test('shows what somebody else wrote to it, where they wrote it', async (t) => {
		const host = await DeviceHost.make(t);
		const content = await mkdtemp(path.join(os.tmpdir(), 'zunbox-content-'));
		t.after(() => rm(content, { recursive: true, force: true }));
		await writeFile(path.join(content, 'from-a-server'), 'hello');
		const volume = await host.connect({}, (file) => run('mkfs.ext4', '-q', '-F', '-d', content, file));
		const volumes = await host.open();
		const data = await volumes.attach('sandbox-1', volume, signal());
		assert.equal(await readFile(path.join(data, 'from-a-server'), 'utf8'), 'hello');
		await volumes.detach('sandbox-1', volume.id, signal());
	});

	const strangers: Record<string, (file: string) => Promise<unknown>> = {
		'a table of partitions': async (file) => {
			// One partition of Linux from sector 2048 on, and the mark of such a table.
			const table = Buffer.alloc(512);
			table[450] = 0x83;
			table.writeUInt32LE(2048, 454);
			table.writeUInt32LE(100_000, 458);
			table.writeUInt16LE(0xaa55, 510);
			await using handle = await open(file, 'r+');
			await handle.write(table, 0, 512, 0);
		},
		'swap space': (file) => run('mkswap', file),
		'bytes that nobody knows': async (file) => {
			await using handle = await open(file, 'r+');
			await handle.write(Buffer.from('a database without a file system'), 0, 32, 3_000_000);
		},
		'bytes at its very end': async (file) => {
			await using handle = await open(file, 'r+');
			await handle.write(Buffer.from('x'), 0, 1, (256 << 20) - 1);
		},
	};
	for (const [what, prepare] of Object.entries(strangers)) {
		test(`that holds ${what} is refused, and not one bit of it changes`, async (t) => {
			const host = await DeviceHost.make(t);
			const volume = await host.connect({}, prepare);
			const before = await digestOf(host.file(volume.id));
			const volumes = await host.open();
			await assert.rejects(volumes.attach('sandbox-1', volume, signal()), (error) => {
				assert.ok(error instanceof DriverError && !error.transient && /something other than an ext/.test(error.message), `${error}`);
				return true;
			});
			assert.deepEqual(await host.mounts(), []);
			await host.disconnect(volume);
			assert.equal(await digestOf(host.file(volume.id)), before);
		});
	}

	test('that is to be read only is not written to, and a blank one is refused', async (t) => {
		const host = await DeviceHost.make(t);
		const volume = await host.connect({ readOnly: true }, (file) => run('mkfs.ext4', '-q', '-F', file));
		// Left without being unmounted: its journal would be replayed by who writes.
		await run('debugfs', '-w', '-R', 'set_super_value state 2', volume.device ?? '');
		await run('sync', volume.device ?? '');
		const before = await digestOf(host.file(volume.id));
		const volumes = await host.open();
		const data = await volumes.attach('sandbox-1', volume, signal());
		await assert.rejects(writeFile(path.join(data, 'note'), 'x'), { code: 'EROFS' });
		await volumes.detach('sandbox-1', volume.id, signal());
		await host.disconnect(volume);
		assert.equal(await digestOf(host.file(volume.id)), before);
		const blank = await host.connect({ readOnly: true });
		await assert.rejects(volumes.attach('sandbox-1', blank, signal()), /is blank, and is to be read only/);
	});

	test('whose device is not there yet is waited for, and one that came back under another name is found', async (t) => {
		const host = await DeviceHost.make(t);
		const volume = await host.connect();
		const volumes = await host.open();
		for (const device of [null, path.join(host.folder, 'nothing')]) {
			await assert.rejects(
				volumes.attach('sandbox-1', { ...volume, device }, signal()),
				(error) => error instanceof DriverError && error.transient,
			);
		}
		await assert.rejects(volumes.attach('sandbox-1', { ...volume, device: host.file(volume.id) }, signal()), /is no block device/);
		const data = await volumes.attach('sandbox-1', volume, signal());
		await writeFile(path.join(data, 'note'), 'kept');
		await run('umount', data);
		const moved = { ...volume, device: await host.connectFile(host.file(volume.id)) };
		assert.notEqual(moved.device, volume.device);
		await volumes.attach('sandbox-1', moved, signal());
		assert.equal(await readFile(path.join(data, 'note'), 'utf8'), 'kept');
		await volumes.detach('sandbox-1', volume.id, signal());
	});

	test('that was left unclean is repaired first', async (t) => {
		const host = await DeviceHost.make(t);
		const volume = await host.connect({}, (file) => run('mkfs.ext4', '-q', '-F', file));
		await run('debugfs', '-w', '-R', 'set_super_value state 2', volume.device ?? '');
		const volumes = await host.open();
		await volumes.attach('sandbox-1', volume, signal());
		await volumes.detach('sandbox-1', volume.id, signal());
		assert.match(await run('dumpe2fs', '-h', volume.device ?? ''), /Filesystem state:\s+clean/);
	});

	test('that a container has is not taken away under it', async (t) => {
		const host = await DeviceHost.make(t);
		const volume = await host.connect();
		const volumes = await host.open();
		const data = await volumes.attach('sandbox-1', volume, signal());
		const inside = path.join(host.folder, 'inside');
		await mkdir(inside);
		const script = 'mount --make-rprivate / && mount --bind "$0" "$1" && umount "$0" && echo ready && read line';
		const container = spawn('unshare', ['--mount', 'sh', '-c', script, data, inside], { stdio: ['pipe', 'pipe', 'ignore'] });
		t.after(() => container.kill('SIGKILL'));
		const ended = new Promise((resolve) => container.once('exit', resolve));
		await new Promise((resolve) => container.stdout.once('data', resolve));
		await assert.rejects(volumes.detach('sandbox-1', volume.id, signal()), (error) => {
			assert.ok(error instanceof DriverError && error.transient && error.message.includes('a container has it at'), `${error}`);
			return true;
		});
		assert.equal((await host.mounts()).length, 1, 'it is still whole');
		container.stdin.end('\n');
		await ended;
		await eventually('it is detached', () =>
			volumes.detach('sandbox-1', volume.id, signal()).then(
				() => true,
				() => false,
			),
		);
		await host.disconnect(volume);
	});

	test('grows with its device without harm', async (t) => {
		const host = await DeviceHost.make(t);
		const volume = await host.connect();
		const volumes = await host.open();
		const data = await volumes.attach('sandbox-1', volume, signal());
		await writeFile(path.join(data, 'note'), 'kept');
		await volumes.detach('sandbox-1', volume.id, signal());
		await host.disconnect(volume);
		await truncate(host.file(volume.id), 512 << 20);
		const grown = { ...volume, device: await host.connectFile(host.file(volume.id)) };
		const bigger = await volumes.attach('sandbox-1', grown, signal());
		assert.equal(await readFile(path.join(bigger, 'note'), 'utf8'), 'kept');
		await volumes.detach('sandbox-1', volume.id, signal());
	});
});

test('an agent that is killed at any step with a connected volume is followed by one that makes it whole', {
	timeout: 300_000,
}, async (t) => {
	const host = await DeviceHost.make(t);
	const file = path.join(host.folder, 'plan.json');
	const log = path.join(host.folder, 'points');
	const agent = path.join(import.meta.dirname, 'device-crash-agent.ts');
	const die = async (volume: Awaited<ReturnType<DeviceHost['connect']>>, environment: Record<string, string>) => {
		const plan: DeviceCrashPlan = { stateDirectory: host.state, volume };
		await writeFile(file, JSON.stringify(plan));
		return await execute(process.execPath, [agent, file], { env: { ...process.env, ...environment }, timeout: 60_000 });
	};
	await die(await host.connect(), { ZUNBOX_FAIL_POINT_LOG: log });
	const points = (await readFile(log, 'utf8')).trim().split('\n');
	for (const step of ['mark', 'format-device', 'empty', 'open', 'unmark', 'connect', 'disconnect'])
		assert.ok(points.includes(`agent.volumes.${step}.after`), step);
	for (const point of points) {
		const volume = await host.connect({ id: randomUUID() });
		await assert.rejects(die(volume, { ZUNBOX_FAIL_POINT: point }), { signal: 'SIGKILL' }, point);
		const next = await host.open();
		await next.list(signal());
		const data = await next.attach('sandbox-1', volume, signal());
		assert.deepEqual(await readdir(data), [], point);
		await writeFile(path.join(data, 'note'), point);
		await next.detach('sandbox-1', volume.id, signal());
		assert.deepEqual(await host.leftovers(), [], point);
		await host.disconnect(volume);
		await run('e2fsck', '-fn', host.file(volume.id));
		await rm(host.file(volume.id));
	}
});
