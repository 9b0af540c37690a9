import { statfs as fileSystem, type Stats } from 'node:fs';
import { access, constants, readFile, stat } from 'node:fs/promises';
import net from 'node:net';
import { promisify } from 'node:util';
import { programRunner, type Run } from '../agent/network/run.ts';

/** What checks look at the machine with; tests have machines of their own. */
export interface Machine {
	readonly uid: number;
	/** Runs a program to its end; fails for an exit code other than 0 and for one that is not there. */
	readonly run: Run;
	/** null = there is no such file. Fails for one that may not be read. */
	read(path: string): Promise<string | null>;
	/** null = there is no such file. */
	stat(path: string): Promise<FileFacts | null>;
	/** Whether this process may write to it. */
	writable(path: string): Promise<boolean>;
	/** Bytes that are free, and all. */
	space(path: string): Promise<{ readonly free: number; readonly total: number }>;
	/** Fails when nobody listens at the unix socket. */
	connect(socket: string, signal: AbortSignal): Promise<void>;
}

export interface FileFacts {
	readonly kind: 'file' | 'folder' | 'socket' | 'other';
	/** Permission bits. */
	readonly mode: number;
	readonly uid: number;
}

export function thisMachine(): Machine {
	return {
		uid: process.getuid?.() ?? -1,
		run: programRunner(20_000),
		read: (path) => orNull(readFile(path, 'utf8')),
		async stat(path) {
			const found = await orNull(stat(path));
			return found === null ? null : { kind: kindOf(found), mode: found.mode & 0o777, uid: found.uid };
		},
		writable: (path) =>
			access(path, constants.W_OK).then(
				() => true,
				() => false,
			),
		async space(path) {
			const { bavail, blocks, bsize } = await promisify(fileSystem)(path);
			return { free: bavail * bsize, total: blocks * bsize };
		},
		connect: (path, signal) =>
			new Promise((resolve, reject) => {
				const socket = net.connect({ path, signal });
				socket.once('error', reject);
				socket.once('connect', () => {
					socket.destroy();
					resolve();
				});
			}),
	};
}

async function orNull<T>(look: Promise<T>): Promise<T | null> {
	try {
		return await look;
	} catch (error) {
		if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return null;
		throw error;
	}
}

function kindOf(found: Stats): FileFacts['kind'] {
	if (found.isFile()) return 'file';
	if (found.isDirectory()) return 'folder';
	return found.isSocket() ? 'socket' : 'other';
}
