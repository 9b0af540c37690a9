import { CommandError, type Run } from '../network/run.ts';
import { type BlockDevice, readDevice, writeDevice } from './block-device.ts';
import { hasExtSuperblock, wasEverMounted } from './superblock.ts';

/**
 * What a device holds: nothing at all; an ext file system; what our own formatting left when it was cut off; or something
 * that is not ours to touch.
 */
export type DeviceContent = 'blank' | 'ext' | 'unfinished' | 'other';

const mebibyte = 1 << 20;
/** What a blank device reads as zeros of, at its start and at its end, where labels, tables and superblocks are. */
const head = 4 * mebibyte;
/** Room at the end that our file systems leave free: the mark is there. */
export const tail = mebibyte;
const markLength = 4096;

/** Stands at the device's end while it is being formatted, so that a format that was cut off is known for ours. */
function mark(volumeId: string): Buffer {
	const bytes = Buffer.alloc(markLength);
	bytes.write(`zunbox is formatting this volume, which was blank: ${volumeId}\n`);
	return bytes;
}

export async function writeMark(device: BlockDevice, volumeId: string): Promise<void> {
	await writeDevice(device.path, device.size - markLength, mark(volumeId));
}

export async function clearMark(device: BlockDevice): Promise<void> {
	await writeDevice(device.path, device.size - markLength, Buffer.alloc(markLength));
}

/** Looks at it, and changes nothing. */
export async function deviceContent(device: BlockDevice, volumeId: string, run: Run, signal: AbortSignal) {
	const start = await readDevice(device.path, 0, head);
	const end = await readDevice(device.path, Math.max(0, device.size - tail), tail);
	const type = await signatureOf(device.path, run, signal);
	return judgeContent(start, end, type, volumeId);
}

/**
 * What these bytes at the start and the end mean. `type` = what is recognised: the name of a file system, '' for nothing,
 * null for something that is none, or more than one thing.
 */
export function judgeContent(start: Buffer, end: Buffer, type: string | null, volumeId: string): DeviceContent {
	const marked = end.length >= markLength && end.subarray(-markLength).equals(mark(volumeId));
	const superblock = start.subarray(1024, 2048);
	if (type !== null && /^ext[234]$/.test(type) && hasExtSuperblock(superblock)) {
		// A superblock that nobody ever mounted, under our mark: the rest may not have come to the disk.
		return marked && !wasEverMounted(superblock) ? 'unfinished' : 'ext';
	}
	if (type !== '') return 'other';
	// What is formatted for us begins with a kibibyte that no file system uses.
	if (marked && isZero(start.subarray(0, 1024))) return 'unfinished';
	return isZero(start) && isZero(end) ? 'blank' : 'other';
}

function isZero(bytes: Buffer): boolean {
	return bytes.equals(Buffer.alloc(bytes.length));
}

/** blkid's word on it, asked for past its cache. */
async function signatureOf(device: string, run: Run, signal: AbortSignal): Promise<string | null> {
	try {
		const shown = await run('blkid', ['--probe', '--output', 'export', device], '', signal);
		const values = new Map(shown.split('\n').map((line) => [line.split('=')[0] ?? '', line.slice(line.indexOf('=') + 1)]));
		return values.get('USAGE') === 'filesystem' ? (values.get('TYPE') ?? null) : null;
	} catch (error) {
		// 2 = nothing is recognised, 8 = more than one thing is.
		if (error instanceof CommandError && error.exitCode === 2) return '';
		if (error instanceof CommandError && error.exitCode === 8) return null;
		throw error;
	}
}
