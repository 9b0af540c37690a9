import { open, rename, rm, stat, statfs } from 'node:fs/promises';
import path from 'node:path';
import { DriverError } from '../../drivers/driver.ts';
import { messageOf } from '../../model/errors.ts';
import type { VolumeSpec } from '../../model/spec.ts';
import { CommandError, type Run } from '../network/run.ts';
import { readFileSystemState } from './superblock.ts';
import { volumeStep } from './volume-step.ts';

const gibibyte = 1024 ** 3;

/** Name of an image while it is made. */
export function unfinished(image: string): string {
	return `${image}.new`;
}

/**
 * Makes sure that the volume has its image: a file of exactly its size with an ext4 in it. It is made under another
 * name, so that a half-made one is never taken for whole; one that is there is never formatted, and one that was there
 * once is never made anew: who had data in it must not get an empty volume instead.
 *
 * The disk's room is taken at once and not as it fills: a host that gave away more than it has would fail the writes of
 * every volume on it, those of others too.
 */
export async function ensureImage(
	image: string,
	volume: Pick<VolumeSpec, 'id' | 'size' | 'made'>,
	run: Run,
	signal: AbortSignal,
): Promise<void> {
	if (await exists(image)) return;
	if (volume.made === true) {
		throw new DriverError(
			'failed',
			`The data of volume ${volume.id} is lost: its image is not on the host. An administrator may put it back; otherwise delete the volume.`,
		);
	}
	const fresh = unfinished(image);
	await rm(fresh, { force: true });
	try {
		await volumeStep('allocate', () => allocate(fresh, volume, run, signal));
		await volumeStep('format', () => format(fresh, volume.id, run, signal));
		await sync(fresh);
	} catch (error) {
		await rm(fresh, { force: true });
		throw error;
	}
	await volumeStep('publish', () => rename(fresh, image));
	await sync(path.dirname(image));
}

async function allocate(file: string, volume: { readonly id: string; readonly size: number }, run: Run, signal: AbortSignal) {
	const bytes = volume.size * gibibyte;
	const { bavail, bsize } = await statfs(path.dirname(file));
	// The rest of the host goes on living: the disk is never filled to its last block.
	if (bavail * bsize < bytes + gibibyte / 2) throw noRoom(volume);
	await using handle = await open(file, 'wx', 0o600);
	try {
		await run('fallocate', ['--length', `${bytes}`, file], '', signal);
	} catch (error) {
		if (!(error instanceof CommandError)) throw error;
		if (/no space left/i.test(error.stderr)) throw noRoom(volume);
		// Some file systems cannot reserve: there the file grows as it fills.
		if (!/not supported/i.test(error.stderr)) throw failed(volume.id, error);
	}
	await handle.truncate(bytes);
}

/**
 * No blocks are kept for root, who is the one who writes. Tables and journal are not zeroed: what was just allocated
 * reads as zeros. Nothing is discarded, since that would give back the room.
 */
async function format(file: string, volumeId: string, run: Run, signal: AbortSignal): Promise<void> {
	const extended = 'nodiscard,lazy_itable_init=1,lazy_journal_init=1';
	await run('mkfs.ext4', ['-q', '-F', '-m', '0', '-U', volumeId, '-E', extended, file], '', signal).catch((error: unknown) => {
		throw failed(volumeId, error);
	});
}

/** Repairs what can be repaired without asking, where the volume was not unmounted in order. It must not be in use. */
export async function checkImage(image: string, volumeId: string, run: Run, signal: AbortSignal): Promise<void> {
	const state = await readFileSystemState(image);
	if (state === 'clean') return;
	if (state === 'none') throw new DriverError('failed', `Volume ${volumeId} holds no file system: its image is damaged.`);
	await volumeStep('check', async () => {
		try {
			await run('e2fsck', ['-p', image], '', signal);
		} catch (error) {
			// 1 = all was repaired.
			if (error instanceof CommandError && error.exitCode === 1) return;
			const reason = `Volume ${volumeId} is damaged, and an administrator must run e2fsck: ${messageOf(error)}`;
			throw new DriverError('failed', reason, { cause: error });
		}
	});
}

async function exists(file: string): Promise<boolean> {
	try {
		await stat(file);
		return true;
	} catch (error) {
		if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false;
		throw error;
	}
}

async function sync(file: string): Promise<void> {
	await using handle = await open(file, 'r');
	await handle.sync();
}

function noRoom({ id, size }: { readonly id: string; readonly size: number }): DriverError {
	return new DriverError('failed', `The host has no room for volume ${id} of ${size} GiB.`);
}

function failed(volumeId: string, error: unknown): DriverError {
	return new DriverError('failed', `Volume ${volumeId} cannot be made: ${messageOf(error)}`, { cause: error });
}
