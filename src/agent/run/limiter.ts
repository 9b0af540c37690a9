interface Waiting {
	readonly group: string;
	readonly enter: () => void;
}

/**
 * Lets at most `limit` of what it is given run at once, and of one group at most `share`, so that no group can keep the
 * others out; the rest wait in the order of their coming.
 */
export class Limiter {
	#free: number;
	readonly #share: number;
	readonly #running = new Map<string, number>();
	readonly #waiting: Waiting[] = [];

	constructor(limit: number, share = limit) {
		this.#free = limit;
		this.#share = share;
	}

	/** Runs the work when there is room. Rejects without running it when the signal is aborted before. */
	async run<T>(work: () => Promise<T>, signal: AbortSignal, group = ''): Promise<T> {
		await this.#enter(group, signal);
		try {
			return await work();
		} finally {
			this.#leave(group);
		}
	}

	async #enter(group: string, signal: AbortSignal): Promise<void> {
		signal.throwIfAborted();
		if (this.#hasRoom(group)) {
			this.#take(group);
			return;
		}
		await new Promise<void>((resolve, reject) => {
			const waiting: Waiting = {
				group,
				enter: () => {
					signal.removeEventListener('abort', abort);
					resolve();
				},
			};
			const abort = (): void => {
				this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
				reject(signal.reason);
			};
			this.#waiting.push(waiting);
			signal.addEventListener('abort', abort, { once: true });
		});
	}

	#hasRoom(group: string): boolean {
		return this.#free > 0 && (this.#running.get(group) ?? 0) < this.#share;
	}

	#take(group: string): void {
		this.#free -= 1;
		this.#running.set(group, (this.#running.get(group) ?? 0) + 1);
	}

	#leave(group: string): void {
		this.#free += 1;
		const left = (this.#running.get(group) ?? 1) - 1;
		if (left === 0) this.#running.delete(group);
		else this.#running.set(group, left);
		const index = this.#waiting.findIndex((waiting) => this.#hasRoom(waiting.group));
		const [next] = index < 0 ? [] : this.#waiting.splice(index, 1);
		if (next === undefined) return;
		this.#take(next.group);
		next.enter();
	}
}
