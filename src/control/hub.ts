/** Tells waiters that something was committed. It says only that, not what: they look for themselves. */
export class Hub {
	#waiting = new Set<() => void>();
	#woken = 0;

	/** How many the last commit woke. */
	get woken(): number {
		return this.#woken;
	}

	/** To be called after each commit. */
	notify(): void {
		const waiting = this.#waiting;
		this.#waiting = new Set();
		this.#woken = waiting.size;
		for (const resolve of waiting) resolve();
	}

	/** Resolves at the next commit, after `timeout` ms, or when the signal is aborted, whichever is first. */
	next(timeout: number, signal: AbortSignal): Promise<void> {
		if (signal.aborted || timeout <= 0) return Promise.resolve();
		return new Promise((resolve) => {
			const done = () => {
				clearTimeout(timer);
				signal.removeEventListener('abort', done);
				this.#waiting.delete(done);
				resolve();
			};
			const timer = setTimeout(done, timeout);
			signal.addEventListener('abort', done, { once: true });
			this.#waiting.add(done);
		});
	}
}
