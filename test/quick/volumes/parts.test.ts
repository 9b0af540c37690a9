/** The parts of a host's volumes that need neither root nor a kernel. */
import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { describe, test } from 'node:test';
import { FolderVolumes } from '../../../src/agent/volumes/folder-volumes.ts';
import { KeyedLock } from '../../../src/agent/volumes/keyed-lock.ts';
import { parseMounts } from '../../../src/agent/volumes/mounts.ts';
import { fileSystemState } from '../../../src/agent/volumes/superblock.ts';
import { VolumePaths } from '../../../src/agent/volumes/volume-paths.ts';
import { DriverError } from '../../../src/drivers/driver.ts';
import { volumeSpec } from '../../support/agent/specs.ts';

describe('the table of mounts', () => {
	test('is read with blanks in names, and whatever optional fields there are', () => {
		const table = [
			'26 27 0:24 / /proc rw,nosuid shared:12 - proc proc rw',
			'55 27 7:0 / /var/lib/my\\040data/agent/volumes/box/vol rw,nosuid,nodev,relatime - ext4 /dev/loop0 rw',
			'56 27 7:1 /data /a\\134b ro,nosuid shared:1 master:2 - ext4 /dev/loop1 rw',
			'',
		].join('\n');
		assert.deepEqual(parseMounts(table), [
			{ device: '0:24', point: '/proc', readOnly: false },
			{ device: '7:0', point: '/var/lib/my data/agent/volumes/box/vol', readOnly: false },
			{ device: '7:1', point: '/a\\b', readOnly: true },
		]);
	});
});

describe('a superblock', () => {
	const superblock = (state: number, incompatible: number, magic = 0xef53) => {
		const block = Buffer.alloc(1024);
		block.writeUInt16LE(magic, 0x38);
		block.writeUInt16LE(state, 0x3a);
		block.writeUInt32LE(incompatible, 0x60);
		return block;
	};
	for (const [what, block, expected] of [
		['unmounted in order', superblock(1, 0x2c2), 'clean'],
		['with a journal to replay', superblock(1, 0x2c6), 'unclean'],
		['with errors', superblock(3, 0x2c2), 'unclean'],
		['not valid', superblock(0, 0x2c2), 'unclean'],
		['of something else', superblock(1, 0, 0x1234), 'none'],
		['cut off', Buffer.alloc(100), 'none'],
	] as const) {
		test(`${what} is ${expected}`, () => assert.equal(fileSystemState(block), expected));
	}
});

describe('paths', () => {
	const paths = new VolumePaths('/data', '/state');
	test('say what they are of', () => {
		assert.deepEqual(paths.ofMount(paths.mount('box', 'vol')), { sandboxId: 'box', volumeId: 'vol' });
		assert.equal(paths.volumeOfImage(paths.image('vol')), 'vol');
		assert.equal(paths.volumeOfImage(`${paths.image('vol')} (deleted)`), 'vol');
	});
	test('of others are not ours', () => {
		for (const point of [
			'/',
			'/state/volumes',
			'/state/volumes/box',
			'/state/volumes/box/vol/data',
			'/other/volumes/box/vol',
			'/volumes/vol',
		]) {
			assert.equal(paths.ofMount(point), null, point);
		}
		for (const file of ['/data/volumes/vol', '/data/volumes/vol.img.new', '/data/vol.img', '/data/volumes/a/vol.img']) {
			assert.equal(paths.volumeOfImage(file), null, file);
		}
	});
	test('are made of ids alone', () => {
		for (const id of ['', '.', '..', 'a/b', '-x', 'a b', 'a\0']) assert.throws(() => paths.image(id), DriverError, id);
	});
});

describe('a lock', () => {
	test('lets one at a time in for each key, also after a failure, and nobody else when it is taken', async () => {
		const lock = new KeyedLock();
		const order: string[] = [];
		const gate = Promise.withResolvers<void>();
		const first = lock.run('a', async () => {
			await gate.promise;
			order.push('first');
			throw new Error('failed');
		});
		const second = lock.run('a', async () => void order.push('second'));
		await lock.run('b', async () => void order.push('other'));
		await lock.ifFree('a', async () => void order.push('never'));
		gate.resolve();
		await assert.rejects(first, /failed/);
		await second;
		await lock.ifFree('a', async () => void order.push('free'));
		assert.deepEqual(order, ['other', 'first', 'second', 'free']);
	});
});

test('plain folders stand in for volumes where there is no root', async (t) => {
	const folder = await realpath(await mkdtemp(path.join(os.tmpdir(), 'zunbox-volumes-')));
	t.after(() => rm(folder, { recursive: true, force: true }));
	const open = () => new FolderVolumes(folder, path.join(folder, 'agent'));
	const volumes = open();
	assert.deepEqual(await volumes.list(), []);
	const data = await volumes.attach('box', volumeSpec('vol'));
	await writeFile(path.join(data, 'note'), 'kept');
	const file = await volumes.attach('box', volumeSpec('file', { provider: 'file', contents: Buffer.from([0, 255]).toString('base64') }));
	assert.deepEqual([...(await readFile(file))], [0, 255]);
	assert.deepEqual(
		(await open().list()).map(({ sandboxId, volumeId }) => [sandboxId, volumeId]),
		[
			['box', 'vol'],
			['box', 'file'],
		],
	);
	await volumes.detach('box', 'vol');
	await volumes.detach('box', 'file');
	assert.deepEqual(await volumes.list(), []);
	assert.deepEqual(await volumes.stored(), ['vol']);
	assert.equal(await readFile(path.join(await volumes.attach('next', volumeSpec('vol')), 'note'), 'utf8'), 'kept');
	await volumes.destroy('vol');
	assert.deepEqual([await volumes.list(), await volumes.stored()], [[], []]);
	assert.deepEqual(
		(await readdir(folder, { recursive: true })).filter((name) => name.endsWith('note') || name.endsWith('content')),
		[],
	);
	assert.equal(path.basename(await volumes.attach('box', volumeSpec('c', { provider: 'cinder', device: '/dev/loop0' }))), 'c');
});
