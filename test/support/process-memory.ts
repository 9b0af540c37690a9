import { readFileSync, writeFileSync } from 'node:fs';

/** Bytes of memory that a process holds now. */
export function residentMemory(pid: number): number {
	return statusField(pid, 'VmRSS');
}

/** Makes `peakMemory` count from now on. Needs root for the processes of others. */
export function forgetPeakMemory(pid: number): void {
	writeFileSync(`/proc/${pid}/clear_refs`, '5');
}

/** Most bytes that the process held at any moment since. */
export function peakMemory(pid: number): number {
	return statusField(pid, 'VmHWM');
}

function statusField(pid: number, name: string): number {
	const found = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
	if (found === undefined) throw new Error(`no ${name} of process ${pid}`);
	return Number(found) * 1024;
}
