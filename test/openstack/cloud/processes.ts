/** Processes that outlive the one that started them, known by a file with their number and the time of their start. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { eventually } from '../../support/eventually.ts';

/** A process number is used again some day; together with the start time it is that process and no other. */
export interface ProcessMark {
	readonly pid: number;
	/** Clock ticks since the machine's start. */
	readonly started: string;
}

/** null = there is no such process, or only its remains. */
export function markOf(pid: number): ProcessMark | null {
	try {
		const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
		// The name, which is in parentheses, may hold spaces.
		const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
		const [state, started] = [fields[0], fields[19]];
		return started === undefined || state === 'Z' || state === 'X' ? null : { pid, started };
	} catch {
		return null;
	}
}

export function writeMark(file: string, pid: number): void {
	const mark = markOf(pid);
	if (mark === null) throw new Error(`process ${pid} ended at once`);
	writeFileSync(file, JSON.stringify(mark));
}

/** The process that the file tells of, when it still runs. */
export function readMark(file: string): ProcessMark | null {
	try {
		const mark: ProcessMark = JSON.parse(readFileSync(file, 'utf8'));
		return markOf(mark.pid)?.started === mark.started ? mark : null;
	} catch {
		return null;
	}
}

/** Ends the process of a file and its process group, by SIGKILL where it takes longer than `patience` ms. */
export async function endMarked(file: string, signal: 'SIGTERM' | 'SIGKILL', patience = 15_000): Promise<void> {
	const mark = readMark(file);
	if (mark !== null) {
		if (signal === 'SIGTERM') {
			sendSignal(mark.pid, 'SIGTERM');
			await eventually('it ends', () => readMark(file) === null, { timeout: patience }).catch(() => undefined);
		}
		sendSignal(-mark.pid, 'SIGKILL');
		await eventually(`process ${mark.pid} ends`, () => readMark(file) === null);
	}
	rmSync(file, { force: true });
}

function sendSignal(pid: number, signal: 'SIGTERM' | 'SIGKILL'): void {
	try {
		process.kill(pid, signal);
	} catch {
		// It is gone.
	}
}
