import { isAdmin, type Principal } from '../model/principal.ts';

/** Names a read by what is asked, and by all that decides what the principal sees. */
export function readKey(principal: Principal, asked: unknown): string {
	return JSON.stringify([principal.projectId, isAdmin(principal), asked]);
}

/**
 * Answers of reads, kept for as long as nothing at all was committed: a list that is asked for again and again is read
 * once. It needs no thought of what an answer depends on, as long as all of that is in the store. Reads that begin
 * while the same one runs share its answer.
 */
export class ReadCache<Value> {
	readonly #version: () => string;
	readonly #weigh: (value: Value) => number;
	readonly #capacity: number;
	readonly #entries = new Map<string, Promise<Value>>();
	/** Version of the store that the entries are of. */
	#of = '';
	#weight = 0;

	/** `version` changes with every commit. No more is kept than weighs `capacity`. */
	constructor(options: { readonly version: () => string; readonly weigh: (value: Value) => number; readonly capacity: number }) {
		this.#version = options.version;
		this.#weigh = options.weigh;
		this.#capacity = options.capacity;
	}

	/**
	 * What `read` answers, now or since the last commit. `key` names all that the answer depends on beside the store.
	 * `refresh` brings up to date what changes with time alone; it answers its argument when nothing does.
	 */
	async get(key: string, read: () => Promise<Value>, refresh: (value: Value) => Value = (value) => value): Promise<Value> {
		const version = this.#version();
		if (version !== this.#of) this.#clear(version);
		const known = this.#entries.get(key);
		const entry = known ?? this.#keep(key, read());
		const value = await entry;
		const fresh = refresh(value);
		if (fresh !== value && this.#entries.get(key) === entry) this.#entries.set(key, Promise.resolve(fresh));
		return fresh;
	}

	/** To be called after each commit: what nobody will be given again takes no memory until somebody asks. */
	clear(): void {
		this.#clear(this.#of);
	}

	#keep(key: string, reading: Promise<Value>): Promise<Value> {
		this.#entries.set(key, reading);
		reading.then(
			(value) => {
				if (this.#entries.get(key) !== reading) return;
				this.#weight += this.#weigh(value);
				if (this.#weight > this.#capacity) this.#clear(this.#of);
			},
			() => {
				if (this.#entries.get(key) === reading) this.#entries.delete(key);
			},
		);
		return reading;
	}

	#clear(version: string): void {
		this.#entries.clear();
		this.#weight = 0;
		this.#of = version;
	}
}
