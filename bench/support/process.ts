import { readFile } from 'node:fs/promises';

/** Memory of a process in MiB: what it holds now, and the most that it ever held. */
export async function memoryOf(pid: number): Promise<{ readonly now: number; readonly most: number }> {
	const status = await readFile(`/proc/${pid}/status`, 'utf8');
	const read = (field: string): number => Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) / 1024;
	return { now: read('VmRSS'), most: read('VmHWM') };
}

/** CPU time that a process has used in all its threads, in ms. */
export async function cpuTimeOf(pid: number): Promise<number> {
	const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
	// The name, in brackets, may hold spaces.
	const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
	// utime and stime, in hundredths of a second on every Linux that Node.js runs on.
	return (Number(fields[11]) + Number(fields[12])) * 10;
}
