import type { ProviderError } from '../../../src/providers/provider-error.ts';

export type Moment = 'before' | 'after';

interface Fault {
	readonly call: string;
	left: number;
	readonly error: ProviderError;
	readonly moment: Moment;
}

/**
 * What goes wrong with the calls of a cloud, and where the process that makes them ends. A call that strikes never
 * answers, and nor does any after it: as its maker would see it if it were still there.
 */
export class Script {
	/** Names of the calls so far. */
	readonly calls: string[] = [];
	#faults: Fault[] = [];
	#crashAt = 0;
	#moment: Moment = 'before';
	#dead = false;
	#crashed = Promise.withResolvers<void>();

	/** The n-th call from now of that name (1 = the next) fails `before` it has an effect, or `after` it had all of it. */
	fail(call: string, error: ProviderError, n = 1, moment: Moment = 'before'): void {
		this.#faults.push({ call, left: n, error, moment });
	}

	/** That call fails until it is told otherwise. */
	failAlways(call: string, error: ProviderError): () => void {
		const fault = { call, left: Number.NEGATIVE_INFINITY, error, moment: 'before' as const };
		this.#faults.push(fault);
		return () => {
			this.#faults = this.#faults.filter((other) => other !== fault);
		};
	}

	/** The process ends at the n-th call, 1 = the next of all. */
	crashAt(n: number, moment: Moment): void {
		this.#crashAt = this.calls.length + n;
		this.#moment = moment;
	}

	/** It does not end after all. */
	spare(): void {
		this.#crashAt = 0;
	}

	get crashed(): Promise<void> {
		return this.#crashed.promise;
	}

	get isDead(): boolean {
		return this.#dead;
	}

	async run<T>(name: string, signal: AbortSignal, effect: () => T | Promise<T>): Promise<T> {
		if (this.#dead) return await never(signal);
		const strikes = this.calls.push(name) === this.#crashAt;
		// Another service answers at another turn.
		await new Promise(setImmediate);
		signal.throwIfAborted();
		if (strikes && this.#moment === 'before') return await this.#die(signal);
		this.#strike(name, 'before');
		const answer = await effect();
		if (strikes) return await this.#die(signal);
		this.#strike(name, 'after');
		return answer;
	}

	#strike(name: string, moment: Moment): void {
		for (const fault of this.#faults) {
			if (fault.call !== name || fault.moment !== moment) continue;
			fault.left -= 1;
			if (fault.left > 0) continue;
			if (fault.left === 0) this.#faults = this.#faults.filter((other) => other !== fault);
			throw fault.error;
		}
	}

	#die(signal: AbortSignal): Promise<never> {
		this.#dead = true;
		this.#crashed.resolve();
		return never(signal);
	}
}

async function never(signal: AbortSignal): Promise<never> {
	const { promise, reject } = Promise.withResolvers<never>();
	signal.addEventListener('abort', () => reject(signal.reason), { once: true });
	if (signal.aborted) reject(signal.reason);
	return await promise;
}
