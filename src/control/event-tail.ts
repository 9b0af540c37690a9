import type { Event } from '../model/event.ts';
import { eventsAfter, lastEvent } from '../store/events.ts';
import type { Store } from '../store/store.ts';

/** Rows read at a time. */
const batch = 500;

/**
 * The newest events, read once for all who watch: each commit costs one query, however many do. Who is further behind
 * than it reaches reads the table.
 */
export class EventTail {
	readonly #store: Store;
	readonly #capacity: number;
	#events: Event[] = [];
	/** All events after this number are in memory; null = nothing was read yet. */
	#reach: number | null = null;
	#version = '';
	#reading: Promise<void> = Promise.resolve();

	constructor(store: Store, capacity = 2000) {
		this.#store = store;
		this.#capacity = capacity;
	}

	/** Number of the newest event. */
	async last(): Promise<number> {
		await this.#refresh();
		return this.#events.at(-1)?.seq ?? this.#reach ?? 0;
	}

	/** All events after a number that are committed; null = it does not reach back that far. */
	async after(seq: number): Promise<readonly Event[] | null> {
		await this.#refresh();
		if (this.#reach === null || seq < this.#reach) return null;
		const first = this.#events.findLastIndex((event) => event.seq <= seq) + 1;
		return this.#events.slice(first);
	}

	/** Reads what was committed since; those who ask at once wait for one read. */
	async #refresh(): Promise<void> {
		const version = this.#store.version();
		if (version !== this.#version) {
			this.#version = version;
			this.#reading = this.#reading.then(() => this.#read());
			// A read that failed says so to who asked, and is made anew by who asks next.
			this.#reading.catch(() => {});
		}
		const reading = this.#reading;
		try {
			await reading;
		} catch (error) {
			if (this.#reading === reading) {
				this.#version = '';
				this.#reading = Promise.resolve();
			}
			throw error;
		}
	}

	async #read(): Promise<void> {
		const { db } = this.#store;
		this.#reach ??= await lastEvent(db);
		for (;;) {
			const fresh = await eventsAfter(db, this.#events.at(-1)?.seq ?? this.#reach, null, batch);
			this.#events.push(...fresh);
			if (this.#events.length > 2 * this.#capacity) {
				const kept = this.#events.slice(-this.#capacity);
				this.#reach = this.#events.at(-this.#capacity - 1)?.seq ?? this.#reach;
				this.#events = kept;
			}
			if (fresh.length < batch) return;
		}
	}
}
