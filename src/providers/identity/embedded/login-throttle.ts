import { fail } from '../../../model/errors.ts';

export interface ThrottleOptions {
	/** Failures that cost nothing. */
	readonly freeFailures: number;
	/** Longest wait, in ms. */
	readonly maxDelay: number;
	/** Failures are forgotten after so many ms without a further one. */
	readonly forgetAfter: number;
	/** Keys that are remembered; beyond it the ones that failed longest ago are forgotten. */
	readonly capacity: number;
	readonly now: () => number;
}

interface Failures {
	readonly count: number;
	readonly lastAt: number;
	readonly blockedUntil: number;
}

/** Makes guessing slow: after some failures each further one doubles the wait until the next attempt. */
export class LoginThrottle {
	readonly #options: ThrottleOptions;
	/** In the order of the last failure. */
	readonly #failures = new Map<string, Failures>();

	constructor(options: ThrottleOptions) {
		this.#options = options;
	}

	/** Throws `too-many-requests` with Retry-After while the key must wait. */
	check(key: string): void {
		const wait = (this.#recall(key)?.blockedUntil ?? 0) - this.#options.now();
		if (wait <= 0) return;
		const seconds = Math.ceil(wait / 1000);
		throw fail('too-many-requests', `Too many failed logins. Try again in ${seconds} s.`, { headers: { 'Retry-After': String(seconds) } });
	}

	/**
	 * Counts an attempt that is about to be made as a failure, so that those which run at once are all counted. Call
	 * `succeeded` or `forgive` when it was none.
	 */
	attempt(key: string): void {
		const { freeFailures, maxDelay, capacity } = this.#options;
		const now = this.#options.now();
		const count = (this.#recall(key)?.count ?? 0) + 1;
		const over = count - freeFailures;
		const delay = over < 0 ? 0 : Math.min(maxDelay, 1000 * 2 ** Math.min(over, 30));
		this.#failures.delete(key);
		this.#failures.set(key, { count, lastAt: now, blockedUntil: now + delay });
		if (this.#failures.size <= capacity) return;
		const oldest = this.#failures.keys().next();
		if (!oldest.done) this.#failures.delete(oldest.value);
	}

	/** Forgets every failure of the key. */
	succeeded(key: string): void {
		this.#failures.delete(key);
	}

	/** Takes back one attempt, and leaves the others counted. */
	forgive(key: string): void {
		const found = this.#recall(key);
		if (found === undefined) return;
		if (found.count <= 1) this.#failures.delete(key);
		else this.#failures.set(key, { ...found, count: found.count - 1, blockedUntil: 0 });
	}

	#recall(key: string): Failures | undefined {
		const found = this.#failures.get(key);
		if (found === undefined || this.#options.now() - found.lastAt <= this.#options.forgetAfter) return found;
		this.#failures.delete(key);
		return undefined;
	}
}
