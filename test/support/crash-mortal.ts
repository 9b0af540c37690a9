/** A process in memory that ends at a chosen call: from then on nothing that it does has an effect or is answered. */
export class MortalProcess {
	/** Calls with an effect that it has made. */
	calls = 0;
	readonly #at: number;
	readonly #moment: 'before' | 'after';
	readonly #crash = Promise.withResolvers<void>();
	#dead = false;

	/** Ends at the call of that number (1 = the first; 0 = never): before it has its effect, or before it is answered. */
	constructor(at: number, moment: 'before' | 'after') {
		this.#at = at;
		this.#moment = moment;
	}

	get dead(): boolean {
		return this.#dead;
	}

	/** Resolves when it has ended. */
	get crashed(): Promise<void> {
		return this.#crash.promise;
	}

	/** Replaces methods of something that is made for this process alone. Those in `acting` are what it can end at. */
	bind(target: object, acting: readonly string[], looking: readonly string[] = []): void {
		for (const name of [...acting, ...looking]) {
			const original: unknown = Reflect.get(target, name);
			if (typeof original !== 'function') throw new Error(`there is no ${name}`);
			const call = (args: readonly unknown[]): unknown => Reflect.apply(original, target, args);
			Reflect.set(target, name, (...args: unknown[]) => this.#pass(call, args, acting.includes(name)));
		}
	}

	async #pass(call: (args: readonly unknown[]) => unknown, args: readonly unknown[], counted: boolean): Promise<unknown> {
		if (this.#dead) return await silence(args);
		if (counted) this.calls += 1;
		const strikes = counted && this.calls === this.#at;
		if (strikes && this.#moment === 'before') this.#die();
		if (this.#dead) return await silence(args);
		const answer = await call(args);
		if (strikes) this.#die();
		return this.#dead ? await silence(args) : answer;
	}

	#die(): void {
		this.#dead = true;
		this.#crash.resolve();
	}
}

/** No answer; only the signal that a call has ends the waiting, so that the test can clear up. */
async function silence(args: readonly unknown[]): Promise<never> {
	const { promise, reject } = Promise.withResolvers<never>();
	const signal = args.find((arg) => arg instanceof AbortSignal);
	if (signal?.aborted) reject(signal.reason);
	else signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
	return await promise;
}
