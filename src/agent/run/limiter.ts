/** Lets at most `limit` of what it is given run at once; the others wait in the order of their coming. */
export class Limiter {
	#free: number;
	readonly #waiting: (() => void)[] = [];

	constructor(limit: number) {
		this.#free = limit;
	}

	/** Runs the work when there is room. Rejects without running it when the signal is aborted before. */
	async run<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
		await this.#enter(signal);
		try {
			return await work();
		} finally {
			this.#leave();
		}
	}

	async #enter(signal: AbortSignal): Promise<void> {
		signal.throwIfAborted();
		if (this.#free > 0) {
			this.#free -= 1;
			return;
		}
		await new Promise<void>((resolve, reject) => {
			const enter = (): void => {
				signal.removeEventListener('abort', abort);
				resolve();
			};
			const abort = (): void => {
				this.#waiting.splice(this.#waiting.indexOf(enter), 1);
				reject(signal.reason);
			};
			this.#waiting.push(enter);
			signal.addEventListener('abort', abort, { once: true });
		});
	}

	#leave(): void {
		const next = this.#waiting.shift();
		if (next === undefined) this.#free += 1;
		else next();
	}
}
