import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { EngineClient } from './engine/engine-client.ts';
import { number } from './engine/json.ts';

/**
 * Lets the processes of a container run again where the kernel holds them frozen, whatever the engine believes. Answers
 * whether they were frozen.
 */
export async function thawFrozen(engine: EngineClient, engineId: string, signal: AbortSignal): Promise<boolean> {
	const answer = await engine.json({ method: 'GET', path: `/containers/${engineId}/json`, signal, accept: [404] });
	const pid = number(answer.body, 'State', 'Pid');
	if (pid <= 0) return false;
	const groups = await readFile(`/proc/${pid}/cgroup`, 'utf8').catch(() => '');
	// The process may have ended and its number been given to another.
	if (!groups.includes(engineId)) return false;
	for (const { file, frozen, thawed } of freezers(groups)) {
		const content = (await readFile(file, 'utf8').catch(() => '')).trim();
		if (content !== frozen && content !== 'FREEZING') continue;
		await writeFile(file, thawed, { flag: 'r+' });
		return true;
	}
	return false;
}

/** The files that freeze a process, of both versions of control groups, from its /proc/<pid>/cgroup. */
export function freezers(groups: string): readonly { readonly file: string; readonly frozen: string; readonly thawed: string }[] {
	return groups.split('\n').flatMap((line) => {
		const [number = '', controllers = '', ...rest] = line.split(':');
		const group = rest.join(':');
		if (controllers.split(',').includes('freezer')) {
			return [{ file: path.join('/sys/fs/cgroup/freezer', group, 'freezer.state'), frozen: 'FROZEN', thawed: 'THAWED' }];
		}
		if (number === '0' && controllers === '') {
			return [{ file: path.join('/sys/fs/cgroup', group, 'cgroup.freeze'), frozen: '1', thawed: '0' }];
		}
		return [];
	});
}
