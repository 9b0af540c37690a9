/** One turn in so many goes to a sandbox at rest, also while there are others. */
const fairness = 4;

/**
 * Bounds how many sandboxes are thought about at once, and so the memory that this takes: when many wake at one
 * moment, those that have begun are seen through before others begin.
 */
export class Turns {
	#free: number;
	readonly #begun: (() => void)[] = [];
	readonly #resting: (() => void)[] = [];
	#given = 0;

	constructor(limit: number) {
		this.#free = limit;
	}

	/** Runs the work when it is its turn; `begun` = the sandbox is not at rest. */
	async run(begun: boolean, work: () => Promise<void>): Promise<void> {
		if (this.#free > 0) this.#free -= 1;
		else await new Promise<void>((resolve) => (begun ? this.#begun : this.#resting).push(resolve));
		try {
			await work();
		} finally {
			this.#pass();
		}
	}

	#pass(): void {
		this.#given += 1;
		const [first, second] = this.#given % fairness === 0 ? [this.#resting, this.#begun] : [this.#begun, this.#resting];
		const next = first.shift() ?? second.shift();
		if (next === undefined) this.#free += 1;
		else next();
	}
}
