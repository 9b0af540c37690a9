import { readFile } from 'node:fs/promises';
import path from 'node:path';

/** What a control group uses now, and what it has used since it was made. */
export interface GroupUsage {
	/** ns of processor time since it was made. */
	readonly cpuTime: number;
	/** Bytes, without the pages of files that the kernel can drop at any time. */
	readonly memoryUsed: number;
	/** Bytes; Infinity = none of its own. */
	readonly memoryLimit: number;
	/** Bytes since it was made. */
	readonly blockRead: number;
	readonly blockWritten: number;
	readonly pids: number;
}

/** Contents of a group's files by name; '' for a file that is not there. */
export type GroupFiles = (controller: string, file: string) => string;

const mount = '/sys/fs/cgroup';
/** Beyond what any machine has: how version 1 writes that there is no limit. */
const noLimit = 2 ** 60;

const filesRead: readonly (readonly [controller: string, file: string])[] = [
	['cpuacct', 'cpuacct.usage'],
	['memory', 'memory.usage_in_bytes'],
	['memory', 'memory.limit_in_bytes'],
	['memory', 'memory.stat'],
	['blkio', 'blkio.throttle.io_service_bytes'],
	['pids', 'pids.current'],
	['', 'cpu.stat'],
	['', 'memory.current'],
	['', 'memory.max'],
	['', 'memory.stat'],
	['', 'io.stat'],
	['', 'pids.current'],
];

/** Use of the group in which a process runs; null where its files cannot be found, as with a control group namespace of another kind. */
export async function readUsage(pid: number): Promise<GroupUsage | null> {
	const groups = groupsOf(await readFile(`/proc/${pid}/cgroup`, 'utf8').catch(() => ''));
	const contents = new Map<string, string>();
	await Promise.all(
		filesRead.map(async ([controller, file]) => {
			const group = groups.get(controller);
			// The root group has the use of the whole machine, which is not what was asked for.
			if (group === undefined || group === '/') return;
			const content = await readFile(path.join(mount, controller, group, file), 'utf8').catch(() => '');
			contents.set(`${controller} ${file}`, content);
		}),
	);
	return usageOf((controller, file) => contents.get(`${controller} ${file}`) ?? '');
}

/** Group by controller, from a /proc/<pid>/cgroup; that of version 2 has no controller's name. */
export function groupsOf(table: string): ReadonlyMap<string, string> {
	const groups = new Map<string, string>();
	for (const line of table.split('\n')) {
		const match = /^\d+:([^:]*):(.*)$/.exec(line);
		for (const controller of (match?.[1] ?? '').split(',')) if (match !== null) groups.set(controller, match[2] ?? '/');
	}
	return groups;
}

/** From the files of either version; null where neither version's are there. */
export function usageOf(files: GroupFiles): GroupUsage | null {
	const first = files('cpuacct', 'cpuacct.usage');
	if (first !== '') {
		const rows = files('blkio', 'blkio.throttle.io_service_bytes');
		return {
			cpuTime: whole(first),
			memoryUsed: Math.max(
				0,
				whole(files('memory', 'memory.usage_in_bytes')) - named(files('memory', 'memory.stat'), 'total_inactive_file'),
			),
			memoryLimit: limit(files('memory', 'memory.limit_in_bytes')),
			blockRead: sum(rows, /^\d+:\d+ Read (\d+)$/gm),
			blockWritten: sum(rows, /^\d+:\d+ Write (\d+)$/gm),
			pids: whole(files('pids', 'pids.current')),
		};
	}
	const second = files('', 'cpu.stat');
	if (second === '') return null;
	return {
		cpuTime: named(second, 'usage_usec') * 1000,
		memoryUsed: Math.max(0, whole(files('', 'memory.current')) - named(files('', 'memory.stat'), 'inactive_file')),
		memoryLimit: limit(files('', 'memory.max')),
		blockRead: sum(files('', 'io.stat'), /\brbytes=(\d+)/g),
		blockWritten: sum(files('', 'io.stat'), /\bwbytes=(\d+)/g),
		pids: whole(files('', 'pids.current')),
	};
}

function whole(content: string): number {
	return /^\d+\s*$/.test(content) ? Number(content) : 0;
}

function limit(content: string): number {
	const bytes = whole(content);
	return bytes === 0 || bytes >= noLimit ? Number.POSITIVE_INFINITY : bytes;
}

/** The value of a line `<name> <value>`; 0 when there is none. */
function named(content: string, name: string): number {
	return sum(content, new RegExp(`^${name} (\\d+)$`, 'gm'));
}

function sum(content: string, pattern: RegExp): number {
	return [...content.matchAll(pattern)].reduce((total, match) => total + Number(match[1]), 0);
}
