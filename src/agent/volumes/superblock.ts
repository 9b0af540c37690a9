import { open } from 'node:fs/promises';

/** How a file system was left: `clean`, `unclean` (a check is due), or `none` (it is no ext4). */
export type FileSystemState = 'clean' | 'unclean' | 'none';

/** Where the superblock is, and fields in it. */
const offset = 1024;
const length = 1024;
const mountedAt = 0x2c;
const mountsAt = 0x34;
const magicAt = 0x38;
const stateAt = 0x3a;
const incompatibleAt = 0x60;

const magic = 0xef53;
const cleanly = 1;
const needsRecovery = 0x4;

/** Reads it from a superblock. */
export function fileSystemState(superblock: Buffer): FileSystemState {
	if (!hasExtSuperblock(superblock)) return 'none';
	return superblock.readUInt16LE(stateAt) === cleanly && (superblock.readUInt32LE(incompatibleAt) & needsRecovery) === 0
		? 'clean'
		: 'unclean';
}

/** Whether it is the superblock of an ext file system. */
export function hasExtSuperblock(superblock: Buffer): boolean {
	return superblock.length >= length && superblock.readUInt16LE(magicAt) === magic;
}

/** Whether the file system was ever mounted since it was made, by whomever. */
export function wasEverMounted(superblock: Buffer): boolean {
	return superblock.readUInt32LE(mountedAt) !== 0 || superblock.readUInt16LE(mountsAt) !== 0;
}

export async function readFileSystemState(image: string): Promise<FileSystemState> {
	await using handle = await open(image, 'r');
	const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, offset);
	return fileSystemState(buffer.subarray(0, bytesRead));
}
