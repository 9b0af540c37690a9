import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { commonEnvironment, type DaemonName, daemonCommands } from './daemons.ts';
import type { Place } from './place.ts';
import { endMarked, readMark, writeMark } from './processes.ts';

/** Starts and ends the cloud's processes, from any process of its world. */
export class DaemonControl {
	readonly #place: Place;

	constructor(place: Place) {
		this.#place = place;
	}

	/** Does not wait until it serves. What runs already stays. */
	start(name: DaemonName): void {
		if (this.runs(name)) return;
		const { command, environment = {} } = daemonCommands(this.#place)[name];
		const [file, ...words] = command;
		const out = openSync(this.#place.log(`${name}.out`), 'a');
		const child = spawn(file, words, {
			detached: true,
			stdio: ['ignore', out, out],
			cwd: this.#place.folder,
			env: { ...commonEnvironment, ...environment },
		});
		closeSync(out);
		child.unref();
		if (child.pid === undefined) throw new Error(`${file} could not be started`);
		writeMark(this.#mark(name), child.pid);
	}

	/** Ends when it and its process group have ended. */
	async stop(name: DaemonName, signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
		await endMarked(this.#mark(name), signal);
	}

	runs(name: DaemonName): boolean {
		return readMark(this.#mark(name)) !== null;
	}

	#mark(name: DaemonName): string {
		return this.#place.run(`${name}.pid`);
	}
}
