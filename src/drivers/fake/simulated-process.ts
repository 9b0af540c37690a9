import { constants } from 'node:os';

/** Thrown inside a program when its process has ended, to unwind it. */
export class ProcessEnded extends Error {}

/** What runs in a process: answers the exit code. */
export type Program = (process: SimulatedProcess) => Promise<number>;

const ignoredByDefault = new Set(['SIGCHLD', 'SIGCONT', 'SIGURG', 'SIGWINCH']);
const signalNumbers: ReadonlyMap<string, number> = new Map(Object.entries(constants.signals));

/** `SIGTERM` of `TERM`, `sigterm`, `15`; null for what is no signal. */
export function signalName(name: string): string | null {
	const upper = name.toUpperCase();
	for (const [known, number] of signalNumbers) {
		if (known === upper || known === `SIG${upper}` || String(number) === name) return known;
	}
	return null;
}

/**
 * A process without a kernel: a program that runs as a chain of promises, with signals, traps, freezing and an exit
 * code. It costs nothing while it waits: a timer exists only for a wait that has an end.
 */
export class SimulatedProcess {
	/** What a trapped signal runs, between two commands as in a shell. Made when it is needed, since most processes only wait. */
	#traps: Map<string, () => Promise<void>> | null = null;
	exitCode: number | null = null;
	#paused = false;
	readonly #isInit: boolean;
	#pendingSignals: string[] = [];
	#waits = new Set<{ readonly finish: () => void; readonly interruptible: boolean }>();
	#exitListeners: ((exitCode: number) => void)[] = [];

	/** The first process of a PID namespace (`isInit`) is not ended by signals that it does not trap, save SIGKILL. */
	constructor(isInit: boolean) {
		this.#isInit = isInit;
	}

	run(program: Program): void {
		program(this).then(
			(exitCode) => this.end(exitCode),
			(error: unknown) => {
				if (!(error instanceof ProcessEnded)) this.end(125);
			},
		);
	}

	get ended(): boolean {
		return this.exitCode !== null;
	}

	get hasPendingTrap(): boolean {
		return this.#pendingSignals.length > 0;
	}

	onExit(listener: (exitCode: number) => void): void {
		if (this.exitCode === null) this.#exitListeners.push(listener);
		else listener(this.exitCode);
	}

	end(exitCode: number): void {
		if (this.exitCode !== null) return;
		this.exitCode = exitCode;
		for (const wait of [...this.#waits]) wait.finish();
		for (const listener of this.#exitListeners) listener(exitCode);
		this.#exitListeners = [];
		this.#pendingSignals = [];
		this.#traps = null;
	}

	/** Delivers a signal by its full name. A frozen process gets it when it thaws, save SIGKILL. */
	signal(name: string): void {
		if (this.ended) return;
		if (name === 'SIGKILL') this.end(128 + 9);
		else if (this.#paused || this.#traps?.has(name)) {
			this.#pendingSignals.push(name);
			if (!this.#paused) this.#interrupt();
		} else if (!ignoredByDefault.has(name) && !this.#isInit) this.end(128 + (signalNumbers.get(name) ?? 0));
	}

	pause(): void {
		this.#paused = true;
	}

	unpause(): void {
		if (!this.#paused) return;
		this.#paused = false;
		for (const name of this.#pendingSignals.splice(0)) this.signal(name);
		this.#thaw();
	}

	trap(signal: string, run: () => Promise<void>): void {
		this.#traps ??= new Map();
		this.#traps.set(signal, run);
	}

	/** Runs what pending signals have trapped. */
	async runTraps(): Promise<void> {
		for (let name = this.#pendingSignals.shift(); name !== undefined; name = this.#pendingSignals.shift()) {
			await this.#traps?.get(name)?.();
		}
	}

	/**
	 * Waits until what `arm` was given is called; `arm` answers what disarms it. Ends early for a trapped signal when
	 * `interruptible`, throws ProcessEnded when the process has ended, and does not return while it is frozen.
	 */
	async wait(arm: (wake: () => void) => () => void, interruptible = false): Promise<void> {
		this.check();
		await this.#block(arm, interruptible);
		while (this.#paused && !this.ended) await this.#block((wake) => this.#onThaw(wake), false);
		this.check();
	}

	/** ms; Infinity = until a signal. */
	sleep(duration: number): Promise<void> {
		return this.wait((wake) => {
			if (duration === Number.POSITIVE_INFINITY) return () => undefined;
			// Unreferenced: a simulated program must not keep the real process alive.
			const timer = setTimeout(wake, Math.min(duration, 2 ** 31 - 1)).unref();
			return () => clearTimeout(timer);
		});
	}

	/** Lets others run: called in every turn of a loop, so that a busy program does not stop the world. */
	yield(): Promise<void> {
		return this.wait((wake) => {
			const immediate = setImmediate(wake);
			return () => clearImmediate(immediate);
		});
	}

	check(): void {
		if (this.ended) throw new ProcessEnded();
	}

	#thawListeners: Set<() => void> | null = null;

	#onThaw(wake: () => void): () => void {
		this.#thawListeners ??= new Set();
		const listeners = this.#thawListeners.add(wake);
		return () => listeners.delete(wake);
	}

	#thaw(): void {
		for (const listener of [...(this.#thawListeners ?? [])]) listener();
	}

	#interrupt(): void {
		for (const wait of [...this.#waits]) if (wait.interruptible) wait.finish();
	}

	#block(arm: (wake: () => void) => () => void, interruptible: boolean): Promise<void> {
		return new Promise((resolve) => {
			let disarm = (): void => undefined;
			let finished = false;
			const wait = {
				interruptible,
				finish: () => {
					if (finished) return;
					finished = true;
					this.#waits.delete(wait);
					disarm();
					resolve();
				},
			};
			this.#waits.add(wait);
			disarm = arm(wait.finish);
			if (finished) disarm();
		});
	}
}
