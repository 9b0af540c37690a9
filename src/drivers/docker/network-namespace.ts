import { stat } from 'node:fs/promises';

/**
 * The path that leads to the network namespace of a process, and to no other, however long it is held. The number of a
 * process is not enough: a tenant may end the process at any time, and the number can be a stranger's the next moment.
 * The engine keeps a file of its own bound to the namespace, `bound`, that goes with it and is never another's.
 * null = the process is not the one that the engine meant any more. Where the engine's file cannot be seen from here, the
 * process has to do.
 */
export async function namespacePath(process: string, bound: string): Promise<string | null> {
	const [own, kept] = await Promise.all([namespaceAt(process), bound === '' ? null : namespaceAt(bound)]);
	if (own === null) return null;
	if (kept === null || kept.device !== own.device) return process;
	return kept.inode === own.inode ? bound : null;
}

async function namespaceAt(path: string): Promise<{ readonly device: bigint; readonly inode: bigint } | null> {
	try {
		const { dev, ino } = await stat(path, { bigint: true });
		return { device: dev, inode: ino };
	} catch {
		return null;
	}
}
