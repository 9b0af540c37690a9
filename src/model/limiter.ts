/** Lets a limited number of tasks run at once and a limited number wait, in the order of their coming. */
export class Limiter {
	readonly #atOnce: number;
	readonly #waiting: number;
	readonly #refuse: () => Error;
	readonly #queue: (() => void)[] = [];
	#running = 0;

	/** `refuse` makes the error for a task that finds no room to wait. */
	constructor(options: { readonly atOnce: number; readonly waiting: number; readonly refuse: () => Error }) {
		this.#atOnce = options.atOnce;
		this.#waiting = options.waiting;
		this.#refuse = options.refuse;
	}

	async run<T>(task: () => Promise<T>): Promise<T> {
		if (this.#running >= this.#atOnce) {
			if (this.#queue.length >= this.#waiting) throw this.#refuse();
			// The task that ends hands its place over, so `#running` stays as it is.
			await new Promise<void>((resolve) => this.#queue.push(resolve));
		} else {
			this.#running += 1;
		}
		try {
			return await task();
		} finally {
			const next = this.#queue.shift();
			if (next === undefined) this.#running -= 1;
			else next();
		}
	}
}
