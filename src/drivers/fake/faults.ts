import { DriverError } from '../driver.ts';

/** The name of a driver's method as faults know it: `list`, `sandboxes.start`, `containers.exec`, `images.pull`. */
export type MethodName = string;

interface Failure {
	readonly method: MethodName;
	/** Calls left until it strikes; 1 = the next. */
	callsLeft: number;
	readonly error: DriverError;
	readonly when: 'before' | 'after';
}

interface Hold {
	readonly method: MethodName;
	readonly released: Promise<void>;
}

/** What goes wrong in a fake engine, and how slow it is: a script that tests write. */
export class Faults {
	#away = false;
	#awayListeners = new Set<() => void>();
	#failures: Failure[] = [];
	#delays = new Map<MethodName, number>();
	#holds = new Set<Hold>();
	#calls = new Map<MethodName, number>();

	/** The engine cannot be reached: calls fail with `unavailable`, event streams end. What runs goes on. */
	goAway(): void {
		this.#away = true;
		for (const listener of [...this.#awayListeners]) listener();
	}

	comeBack(): void {
		this.#away = false;
	}

	get away(): boolean {
		return this.#away;
	}

	/**
	 * The n-th call of the method from now (1 = the next) throws the error: `before` it has any effect, or `after` all
	 * of it, as when only the answer is lost.
	 */
	failCall(method: MethodName, n: number, error: DriverError, when: 'before' | 'after' = 'before'): void {
		this.#failures.push({ method, callsLeft: n, error, when });
	}

	/** Each call of the method takes that many ms longer; `*` = each call of any. */
	delay(method: MethodName, milliseconds: number): void {
		if (milliseconds > 0) this.#delays.set(method, milliseconds);
		else this.#delays.delete(method);
	}

	/** Calls of the method wait, before any effect, until the answered function is called. */
	hold(method: MethodName): () => void {
		const { promise, resolve } = Promise.withResolvers<void>();
		const hold = { method, released: promise };
		this.#holds.add(hold);
		return () => {
			this.#holds.delete(hold);
			resolve();
		};
	}

	/** How often the method has been called. */
	calls(method: MethodName): number {
		return this.#calls.get(method) ?? 0;
	}

	/** Ends all faults and delays. Counts of calls stay. */
	clear(): void {
		this.#away = false;
		this.#failures = [];
		this.#delays.clear();
	}

	/** Calls back when the engine goes away; answers what ends that. */
	onAway(listener: () => void): () => void {
		this.#awayListeners.add(listener);
		return () => this.#awayListeners.delete(listener);
	}

	/** Makes a call as the script says. */
	async call<T>(method: MethodName, signal: AbortSignal, effect: () => T | Promise<T>): Promise<T> {
		this.#calls.set(method, this.calls(method) + 1);
		signal.throwIfAborted();
		this.checkAway();
		for (const hold of this.#holds) if (hold.method === method) await abortable(hold.released, signal);
		const delay = this.#delays.get(method) ?? this.#delays.get('*');
		if (delay !== undefined) await pauseFor(delay, signal);
		this.checkAway();
		const failures = this.#failures.filter((failure) => failure.method === method && --failure.callsLeft === 0);
		this.#failures = this.#failures.filter((failure) => failure.callsLeft > 0);
		for (const failure of failures) if (failure.when === 'before') throw failure.error;
		const result = await effect();
		for (const failure of failures) throw failure.error;
		return result;
	}

	checkAway(): void {
		if (this.#away) throw new DriverError('unavailable', 'The fake engine is away.');
	}
}

/** The promise's result, or the signal's reason when that comes first. */
export async function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
	signal.throwIfAborted();
	const { promise: aborted, reject } = Promise.withResolvers<never>();
	const abort = (): void => reject(signal.reason);
	signal.addEventListener('abort', abort, { once: true });
	try {
		return await Promise.race([promise, aborted]);
	} finally {
		signal.removeEventListener('abort', abort);
	}
}

export async function pauseFor(milliseconds: number, signal: AbortSignal): Promise<void> {
	const { promise, resolve } = Promise.withResolvers<void>();
	const timer = setTimeout(resolve, milliseconds);
	try {
		await abortable(promise, signal);
	} finally {
		clearTimeout(timer);
	}
}
