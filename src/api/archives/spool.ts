import { randomUUID } from 'node:crypto';
import { type FileHandle, open, statfs, unlink } from 'node:fs/promises';
import path from 'node:path';
import { fail, type ZunboxError } from '../../model/errors.ts';

/** Bytes that are kept in memory: what most people put is smaller, and never touches the disk. */
const inMemory = 1024 * 1024;
/** Bytes between two looks at how much room the disk has. */
const lookEvery = 16 * 1024 * 1024;
/** Bytes of the disk that are left alone: the service's own database may lie on it. */
const reserve = 256 * 1024 * 1024;
const pieceSize = 128 * 1024;

/**
 * Holds what comes from a client until it is whole and was looked at: in memory while it is small, then in a file. The
 * file has lost its name before the first byte is in it, so that the system frees it when it is closed, also by a
 * `kill -9`; no name is known under which anybody else could open it.
 */
export class Spool {
	/** Bytes that were written. */
	size = 0;
	readonly #directory: string;
	#pieces: Uint8Array[] = [];
	#file: FileHandle | null = null;
	#nextLook = 0;

	constructor(directory: string) {
		this.#directory = directory;
	}

	/** Keeps the bytes, which must not change any more. Throws `service-unavailable` when the disk has no room for them. */
	async write(bytes: Uint8Array): Promise<void> {
		this.size += bytes.length;
		this.#pieces.push(bytes);
		if (this.size <= inMemory) return;
		try {
			this.#file ??= await nameless(this.#directory);
			if (this.size > this.#nextLook) await this.#lookForRoom();
			for (const piece of this.#pieces.splice(0)) await writeAll(this.#file, piece);
		} catch (error) {
			throw isFull(error) ? noRoom() : error;
		}
	}

	/** All of it, from the beginning; each call anew. */
	async *read(): AsyncGenerator<Uint8Array> {
		if (this.#file === null) {
			yield* this.#pieces;
			return;
		}
		for (let at = 0; at < this.size; ) {
			const piece = Buffer.allocUnsafe(pieceSize);
			const { bytesRead } = await this.#file.read(piece, 0, piece.length, at);
			if (bytesRead === 0) throw new Error('a spooled file is shorter than what was written to it');
			at += bytesRead;
			yield piece.subarray(0, bytesRead);
		}
	}

	/** Forgets all of it, in memory and on the disk. */
	async close(): Promise<void> {
		this.#pieces = [];
		await this.#file?.close();
		this.#file = null;
	}

	async #lookForRoom(): Promise<void> {
		const { bavail, bsize } = await statfs(this.#directory);
		if (bavail * bsize < reserve + lookEvery) throw noRoom();
		this.#nextLook = this.size + lookEvery;
	}
}

async function nameless(directory: string): Promise<FileHandle> {
	const name = path.join(directory, `spool-${randomUUID()}`);
	const file = await open(name, 'wx+', 0o600);
	try {
		await unlink(name);
	} catch (error) {
		await file.close();
		throw error;
	}
	return file;
}

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
	for (let at = 0; at < bytes.length; ) at += (await file.write(bytes, at, bytes.length - at)).bytesWritten;
}

function isFull(error: unknown): boolean {
	return error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT');
}

function noRoom(): ZunboxError {
	return fail('service-unavailable', 'The disk of the service has no room for this archive now.', { headers: { 'retry-after': '60' } });
}
