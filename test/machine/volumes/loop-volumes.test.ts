/** Volumes in the kernel, without an engine. */
import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { open, readFile, rename, stat, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, test } from 'node:test';
import { eventually } from '../../support/eventually.ts';
import { injectedFile, localVolume, run, signal, VolumeHost } from './host.ts';

const gibibyte = 1024 ** 3;

describe('a volume', { timeout: 240_000 }, () => {
	test('has its size, its room from the start, and nothing but an empty folder to see', async (t) => {
		const host = await VolumeHost.make(t);
		const volumes = await host.open();
		const volume = localVolume();
		const data = await volumes.attach('sandbox-1', volume, signal());
		const { size, blocks } = await stat(host.image(volume.id));
		assert.equal(size, gibibyte);
		assert.ok(blocks * 512 >= gibibyte, 'the disk has its room reserved');
		assert.equal((await run('ls', '-A', data)).trim(), '');
		assert.equal((await stat(data)).mode & 0o7777, 0o777);
		const options = (await run('findmnt', '-no', 'OPTIONS', path.dirname(data))).trim().split(',');
		for (const option of ['nosuid', 'nodev', 'rw']) assert.ok(options.includes(option), option);
		assert.equal(
			(await run('losetup', '--list', '--noheadings', '--output', 'DIO,AUTOCLEAR', '--associated', host.image(volume.id)))
				.trim()
				.replaceAll(/\s+/g, ' '),
			'1 1',
		);
		assert.deepEqual(await volumes.list(signal()), [{ sandboxId: 'sandbox-1', volumeId: volume.id, path: data }]);
		assert.deepEqual(await volumes.stored(), [volume.id]);
		await volumes.destroy(volume.id, signal());
		assert.deepEqual(await host.leftovers(), []);
	});

	test('that is full says so, and its neighbour does not notice', async (t) => {
		const host = await VolumeHost.make(t);
		const volumes = await host.open();
		const full = await volumes.attach('sandbox-1', localVolume(), signal());
		const other = await volumes.attach('sandbox-1', localVolume(), signal());
		await using handle = await open(path.join(full, 'big'), 'w');
		const block = randomBytes(8 * 1024 * 1024);
		let written = 0;
		await assert.rejects(
			async () => {
				for (;;) written += (await handle.write(block)).bytesWritten;
			},
			{ code: 'ENOSPC' },
		);
		assert.ok(written > 0.85 * gibibyte && written < gibibyte, `${written} bytes went in`);
		await writeFile(path.join(other, 'note'), 'still here');
		await handle.sync();
		assert.equal(await readFile(path.join(other, 'note'), 'utf8'), 'still here');
	});

	test('keeps its data through detaching, agents and sandboxes; attaching again is nothing new', async (t) => {
		const host = await VolumeHost.make(t);
		const volume = localVolume();
		const first = await host.open();
		const data = await first.attach('sandbox-1', volume, signal());
		await writeFile(path.join(data, 'note'), 'kept');
		const next = await host.open();
		assert.equal(await next.attach('sandbox-1', volume, signal()), data);
		assert.equal((await host.mounts()).length, 1);
		await next.detach('sandbox-1', volume.id, signal());
		assert.deepEqual(await host.mounts(), []);
		await next.detach('sandbox-1', volume.id, signal());
		const elsewhere = await next.attach('sandbox-2', volume, signal());
		assert.equal(await readFile(path.join(elsewhere, 'note'), 'utf8'), 'kept');
		await next.detach('sandbox-1', volume.id, signal());
		assert.equal((await host.mounts()).length, 1, 'taking it from one sandbox leaves it with another');
		await next.destroy(volume.id, signal());
		assert.deepEqual(await host.leftovers(), []);
	});

	test('whose image is lost says so, and is never made anew; with its image it is what it was', async (t) => {
		const host = await VolumeHost.make(t);
		const volumes = await host.open();
		const volume = localVolume();
		await writeFile(path.join(await volumes.attach('sandbox-1', volume, signal()), 'note'), 'kept');
		await volumes.detach('sandbox-1', volume.id, signal());
		const made = { ...volume, made: true };
		const elsewhere = path.join(host.folder, 'elsewhere');
		await rename(host.image(volume.id), elsewhere);
		await assert.rejects(volumes.attach('sandbox-1', made, signal()), { code: 'failed', message: /data of volume .* is lost/ });
		assert.deepEqual(await host.leftovers(), []);
		await volumes.detach('sandbox-1', volume.id, signal());
		await rename(elsewhere, host.image(volume.id));
		const data = await volumes.attach('sandbox-1', made, signal());
		assert.equal(await readFile(path.join(data, 'note'), 'utf8'), 'kept');
		await volumes.destroy(volume.id, signal());
		assert.deepEqual(await host.leftovers(), []);
	});

	test('is one file system wherever it is mounted, also where a process still has an old mount of it', async (t) => {
		const host = await VolumeHost.make(t);
		const volumes = await host.open();
		const volume = localVolume();
		const data = await volumes.attach('sandbox-1', volume, signal());
		await using held = await open(path.join(data, 'log'), 'w');
		await held.write('before ');
		await volumes.detach('sandbox-1', volume.id, signal());
		assert.deepEqual(await host.mounts(), []);
		const again = await volumes.attach('sandbox-2', volume, signal());
		await held.write('after');
		assert.equal(await readFile(path.join(again, 'log'), 'utf8'), 'before after');
		assert.equal((await host.loops()).length, 1);
		await held.close();
		await volumes.destroy(volume.id, signal());
		assert.deepEqual(await host.leftovers(), []);
	});

	test('that somebody unmounted is not listed, and comes back with its data', async (t) => {
		const host = await VolumeHost.make(t);
		const volumes = await host.open();
		const volume = localVolume();
		const data = await volumes.attach('sandbox-1', volume, signal());
		await writeFile(path.join(data, 'note'), 'kept');
		await run('umount', path.dirname(data));
		assert.deepEqual(await volumes.list(signal()), []);
		assert.equal(await volumes.attach('sandbox-1', volume, signal()), data);
		assert.equal(await readFile(path.join(data, 'note'), 'utf8'), 'kept');
	});

	test('that was left unclean is checked; one that cannot be repaired, or is no file system, is left as it is', async (t) => {
		const host = await VolumeHost.make(t);
		const volumes = await host.open();
		const volume = localVolume();
		await volumes.attach('sandbox-1', volume, signal());
		await volumes.detach('sandbox-1', volume.id, signal());
		await eventually('its device is gone', async () => (await host.loops()).length === 0);
		await run('debugfs', '-w', '-R', 'set_super_value state 2', host.image(volume.id));
		await volumes.attach('sandbox-1', volume, signal());
		await volumes.detach('sandbox-1', volume.id, signal());
		await eventually('its device is gone', async () => (await host.loops()).length === 0);
		assert.match(await run('dumpe2fs', '-h', host.image(volume.id)), /Filesystem state: +clean/);
		await truncate(host.image(volume.id), 0);
		await truncate(host.image(volume.id), gibibyte);
		await assert.rejects(volumes.attach('sandbox-1', volume, signal()), /holds no file system/);
		assert.equal((await stat(host.image(volume.id))).blocks, 0, 'it was not formatted');
	});

	test('for which there is no room is refused, and leaves nothing', async (t) => {
		const host = await VolumeHost.make(t);
		const volumes = await host.open();
		await assert.rejects(
			volumes.attach('sandbox-1', localVolume({ size: 60_000 }), signal()),
			/The host has no room for volume .* of 60000 GiB/,
		);
		assert.deepEqual(await host.leftovers(), []);
	});

	test('many at once, and all of them go', async (t) => {
		const host = await VolumeHost.make(t);
		const volumes = await host.open();
		const all = Array.from({ length: 6 }, () => localVolume());
		const work = [...all, ...all].map((volume) => volumes.attach('sandbox-1', volume, signal()));
		const listing = Promise.all([volumes.list(signal()), volumes.list(signal())]);
		await Promise.all(work);
		await listing;
		assert.equal((await host.mounts()).length, 6);
		assert.equal((await host.loops()).length, 6);
		await Promise.all(all.map((volume) => volumes.destroy(volume.id, signal())));
		assert.deepEqual(await host.leftovers(), []);
	});

	test('says what attaching costs', async (t) => {
		const host = await VolumeHost.make(t);
		const volumes = await host.open();
		const volume = localVolume();
		const times: string[] = [];
		const timed = async (what: string, work: () => Promise<unknown>) => {
			const began = performance.now();
			await work();
			times.push(`${what} ${Math.round(performance.now() - began)} ms`);
		};
		await timed('new', () => volumes.attach('sandbox-1', volume, signal()));
		await timed('detach', () => volumes.detach('sandbox-1', volume.id, signal()));
		await timed('attach', () => volumes.attach('sandbox-1', volume, signal()));
		await timed('attached already', () => volumes.attach('sandbox-1', volume, signal()));
		await timed('list', () => volumes.list(signal()));
		t.diagnostic(times.join(', '));
		assert.equal(times.length, 5);
	});
});

describe('an injected file', { timeout: 60_000 }, () => {
	test('has its bytes, is readable for all, and goes with its sandbox', async (t) => {
		const host = await VolumeHost.make(t);
		const volumes = await host.open();
		const contents = Buffer.concat([Buffer.from([0, 255, 10, 13]), randomBytes(5000)]);
		const file = injectedFile(contents);
		const where = await volumes.attach('sandbox-1', file, signal());
		assert.deepEqual(await readFile(where), contents);
		assert.equal((await stat(where)).mode & 0o777, 0o644);
		assert.equal((await stat(path.dirname(where))).mode & 0o777, 0o711);
		assert.deepEqual(await (await host.open()).list(signal()), [{ sandboxId: 'sandbox-1', volumeId: file.id, path: where }]);
		assert.deepEqual(await volumes.stored(), []);
		await volumes.detach('sandbox-1', file.id, signal());
		assert.deepEqual(await host.leftovers(), []);
	});

	test('may be empty', async (t) => {
		const host = await VolumeHost.make(t);
		const volumes = await host.open();
		assert.equal((await readFile(await volumes.attach('sandbox-1', injectedFile(Buffer.alloc(0)), signal()))).length, 0);
	});
});

test('ids that are no ids, and volumes of others, are refused', async (t) => {
	const volumes = await (await VolumeHost.make(t)).open();
	await assert.rejects(volumes.attach('../x', localVolume(), signal()), /is not an id/);
	await assert.rejects(volumes.attach('sandbox-1', localVolume({ id: '../x' }), signal()), /is not an id/);
	await assert.rejects(volumes.attach('sandbox-1', localVolume({ provider: 'cinder', id: randomUUID() }), signal()), {
		code: 'unsupported',
	});
});
