/** What is decided about volumes that others connect to the host, without a device. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { deviceNumber } from '../../../src/agent/volumes/block-device.ts';
import { judgeContent } from '../../../src/agent/volumes/device-content.ts';
import { JointVolumes } from '../../../src/agent/volumes/joint-volumes.ts';
import { RecordedVolumes } from '../../support/agent/recorded-host.ts';
import { volumeSpec } from '../../support/agent/specs.ts';

const volumeId = 'b5d0c3a0-0000-4000-8000-000000000001';
const mebibyte = 1 << 20;

function start(fields: { magic?: boolean; mountedAt?: number; mounts?: number; first?: number } = {}): Buffer {
	const bytes = Buffer.alloc(4 * mebibyte);
	if (fields.magic === true) bytes.writeUInt16LE(0xef53, 1024 + 0x38);
	bytes.writeUInt32LE(fields.mountedAt ?? 0, 1024 + 0x2c);
	bytes.writeUInt16LE(fields.mounts ?? 0, 1024 + 0x34);
	bytes[0] = fields.first ?? 0;
	return bytes;
}

function end(marked: boolean, of = volumeId): Buffer {
	const bytes = Buffer.alloc(mebibyte);
	if (marked) bytes.write(`zunbox is formatting this volume, which was blank: ${of}\n`, bytes.length - 4096);
	return bytes;
}

function withByte(bytes: Buffer, at: number): Buffer {
	bytes[at] = 1;
	return bytes;
}

describe('a device', () => {
	const ext = start({ magic: true });
	for (const [what, from, to, type, expected] of [
		['of nothing but zeros is blank', start(), end(false), '', 'blank'],
		['with one byte that nobody knows is left alone', withByte(start(), 3 * mebibyte), end(false), '', 'other'],
		['with one byte at its end is left alone', start(), withByte(end(false), 7), '', 'other'],
		['with a file system of ours is one', ext, end(false), 'ext4', 'ext'],
		['with an older one of the kind is one', ext, end(false), 'ext2', 'ext'],
		['with another file system is left alone', withByte(start(), 0), end(false), 'xfs', 'other'],
		['that is recognised as several things, or a part of something, is left alone', ext, end(false), null, 'other'],
		['whose formatting was cut off before its superblock is formatted', withByte(start(), 2 * mebibyte), end(true), '', 'unfinished'],
		['whose formatting was cut off after its superblock, and that nobody mounted, is formatted', ext, end(true), 'ext4', 'unfinished'],
		['that somebody mounted is never formatted, whatever mark it has', start({ magic: true, mountedAt: 1 }), end(true), 'ext4', 'ext'],
		['that was mounted often is not either', start({ magic: true, mounts: 2 }), end(true), 'ext4', 'ext'],
		["with another volume's mark is left alone", start(), end(true, 'b5d0c3a0-0000-4000-8000-000000000002'), '', 'other'],
		['with our mark and a stranger at its start is left alone', start({ first: 7 }), end(true), '', 'other'],
		['with our mark and another file system is left alone', start(), end(true), 'btrfs', 'other'],
		[
			'that is too small to have a mark is left alone when it holds anything',
			withByte(Buffer.alloc(512), 3),
			Buffer.alloc(512),
			'',
			'other',
		],
	] as const) {
		test(what, () => assert.equal(judgeContent(from, to, type, volumeId), expected));
	}

	test('has the number that the table of mounts has', () => {
		assert.deepEqual([deviceNumber(0x700), deviceNumber(0x10_3_05), deviceNumber(0x10_08_00)], ['7:0', '259:5', '8:256']);
	});
});

test('own and connected volumes of a host are kept apart, and listed together', async () => {
	const own = new RecordedVolumes();
	const connected = new RecordedVolumes();
	const joint = new JointVolumes(own, connected);
	const signal = AbortSignal.timeout(10_000);
	await joint.attach('box', volumeSpec('mine'), signal);
	await joint.attach('box', volumeSpec('theirs', { provider: 'cinder', device: '/dev/vdb' }), signal);
	assert.deepEqual([[...own.mounted.keys()], [...connected.mounted.keys()]], [['mine'], ['theirs']]);
	assert.deepEqual(
		(await joint.list(signal)).map(({ volumeId: id }) => id),
		['mine', 'theirs'],
	);
	assert.deepEqual(await joint.stored(signal), ['mine']);
	for (const id of ['mine', 'theirs']) await joint.detach('box', id, signal);
	assert.equal((await joint.list(signal)).length, 0);
	await joint.destroy('theirs', signal);
	assert.deepEqual(connected.destroyed, []);
});
