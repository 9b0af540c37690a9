import { randomBytes } from 'node:crypto';
import type { DriverSession, TerminalSize } from '../../drivers/driver.ts';
import { fail } from '../../model/errors.ts';

/** A command that was asked for with a stream: it starts when its link is opened. */
export interface Exec {
	/** 64 hexadecimal digits. */
	readonly id: string;
	readonly projectId: string;
	readonly containerId: string;
	readonly command: readonly string[];
	readonly tty: boolean;
	/** ms since the epoch. */
	readonly createdAt: number;
	readonly state: 'waiting' | 'running' | 'ended';
	readonly startedAt: number | null;
	readonly finishedAt: number | null;
	/** null = not known: it has not ended, did not start, or was left by its client. */
	readonly exitCode: number | null;
}

interface Entry {
	exec: Exec;
	/** The size that was last asked for. */
	size: TerminalSize | null;
	session: DriverSession | null;
}

export interface ExecsOptions {
	/** ms that a command waits for its link to be opened. */
	readonly waiting: number;
	/** ms that an ended one can be asked for. */
	readonly kept: number;
	/** Ended ones of one project; older ones are forgotten. */
	readonly keptOfProject: number;
}

/** Interactive commands of this process, and for a while how those ended. */
export class Execs {
	readonly #options: ExecsOptions;
	readonly #now: () => number;
	/** By id, the oldest first. */
	readonly #entries = new Map<string, Entry>();

	constructor(options: ExecsOptions, now: () => number = Date.now) {
		this.#options = options;
		this.#now = now;
	}

	create(what: Pick<Exec, 'projectId' | 'containerId' | 'command' | 'tty'>): Exec {
		this.#forget(what.projectId);
		const exec: Exec = {
			...what,
			id: randomBytes(32).toString('hex'),
			createdAt: this.#now(),
			state: 'waiting',
			startedAt: null,
			finishedAt: null,
			exitCode: null,
		};
		this.#entries.set(exec.id, { exec, size: null, session: null });
		return exec;
	}

	/** null when the container has no such command, or its link was never opened. */
	find(containerId: string, id: string): Exec | null {
		const exec = this.#entries.get(id)?.exec;
		return exec === undefined || exec.containerId !== containerId || this.#isStale(exec) ? null : exec;
	}

	/** Size of its terminal, also before it starts. Throws `invalid` for one that is not there or has ended. */
	async resize(containerId: string, id: string, size: TerminalSize): Promise<void> {
		const entry = this.#entries.get(id);
		if (entry === undefined || this.find(containerId, id) === null) throw fail('invalid', `There is no exec ${id} in this container.`);
		if (entry.exec.state === 'ended') throw fail('invalid', `The exec ${id} has ended.`);
		entry.size = size;
		await entry.session?.resize(size);
	}

	/** Its stream is open. */
	async started(id: string, session: DriverSession): Promise<void> {
		const entry = this.#entries.get(id);
		if (entry === undefined) return;
		entry.exec = { ...entry.exec, state: 'running', startedAt: this.#now() };
		entry.session = session;
		if (entry.size !== null) await session.resize(entry.size);
	}

	/** Its stream is over, or could not be opened. */
	ended(id: string, exitCode: number | null): void {
		const entry = this.#entries.get(id);
		if (entry === undefined) return;
		entry.exec = { ...entry.exec, state: 'ended', finishedAt: this.#now(), exitCode };
		entry.session = null;
	}

	#forget(projectId: string): void {
		const ended: string[] = [];
		for (const [id, { exec }] of this.#entries) {
			const old = exec.finishedAt !== null && exec.finishedAt < this.#now() - this.#options.kept;
			if (old || this.#isStale(exec)) this.#entries.delete(id);
			else if (exec.projectId === projectId && exec.state === 'ended') ended.push(id);
		}
		for (const id of ended.slice(0, Math.max(0, ended.length - this.#options.keptOfProject + 1))) this.#entries.delete(id);
	}

	/** Whether its link can no longer be opened. */
	#isStale(exec: Exec): boolean {
		return exec.state === 'waiting' && exec.createdAt < this.#now() - this.#options.waiting;
	}
}
