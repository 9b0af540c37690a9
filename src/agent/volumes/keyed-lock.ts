/** One at a time for each key, in the order of their coming. */
export class KeyedLock {
	readonly #last = new Map<string, Promise<unknown>>();

	async run<T>(key: string, work: () => Promise<T>): Promise<T> {
		const before = this.#last.get(key) ?? Promise.resolve();
		const mine = before.then(work, work);
		this.#last.set(key, mine);
		try {
			return await mine;
		} finally {
			if (this.#last.get(key) === mine) this.#last.delete(key);
		}
	}

	/** Only when nobody else is at it: what is worked on now is no leftover. */
	async ifFree(key: string, work: () => Promise<void>): Promise<void> {
		if (!this.#last.has(key)) await this.run(key, work);
	}
}
