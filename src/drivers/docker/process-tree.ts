import { readdir, readFile } from 'node:fs/promises';

/**
 * Signals a process of a container, seen from the host, and all that descend from it, in the container's control group
 * only: a process number may have been given to another process in the meantime. Answers which it signalled.
 */
export async function signalTree(pid: number, engineId: string, signal: NodeJS.Signals): Promise<readonly number[]> {
	const signalled: number[] = [];
	for (const member of await descendants(pid)) {
		if (!(await isIn(member, engineId))) continue;
		try {
			process.kill(member, signal);
			signalled.push(member);
		} catch {
			// It has ended by itself.
		}
	}
	return signalled;
}

/** The process and all below it, parents first, so that none of them can start another after its turn. */
async function descendants(pid: number): Promise<readonly number[]> {
	const found = [pid];
	for (const parent of found) {
		for (const thread of await readdir(`/proc/${parent}/task`).catch(() => [])) {
			const children = await readFile(`/proc/${parent}/task/${thread}/children`, 'utf8').catch(() => '');
			found.push(
				...children
					.split(' ')
					.map(Number)
					.filter((child) => child > 0 && !found.includes(child)),
			);
		}
	}
	return found;
}

async function isIn(pid: number, engineId: string): Promise<boolean> {
	return (await readFile(`/proc/${pid}/cgroup`, 'utf8').catch(() => '')).includes(engineId);
}
