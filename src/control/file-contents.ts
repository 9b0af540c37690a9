import { idList } from '../store/id-list.ts';
import type { Queryable } from '../store/store.ts';

/**
 * Contents of injected files, opened. A file never changes, and what is told to a host of a sandbox holds all of its
 * files, at each report: so the newest are kept, and neither read nor opened again.
 */
export class FileContents {
	readonly #open: (sealed: string, id: string) => string;
	readonly #capacity: number;
	/** The one that was not asked for for longest comes first. */
	readonly #kept = new Map<string, string>();
	#size = 0;

	/** `capacity`: characters that are kept at the most. */
	constructor(open: (sealed: string, id: string) => string, capacity = 16 << 20) {
		this.#open = open;
		this.#capacity = capacity;
	}

	/** By the files' ids; null for one that has none. */
	async read(db: Queryable, ids: readonly string[]): Promise<ReadonlyMap<string, string | null>> {
		const missing = ids.filter((id) => !this.#kept.has(id));
		const found = new Map<string, string | null>();
		for (const id of ids) {
			const kept = this.#kept.get(id);
			if (kept === undefined) continue;
			this.#keep(id, kept);
			found.set(id, kept);
		}
		if (missing.length === 0) return found;
		const rows = await db.selectFrom('volume').select(['id', 'contents']).where('id', 'in', idList(missing)).execute();
		for (const { id, contents } of rows) {
			const opened = contents === null ? null : this.#open(contents, id);
			found.set(id, opened);
			if (opened !== null) this.#keep(id, opened);
		}
		return found;
	}

	#keep(id: string, contents: string): void {
		const before = this.#kept.get(id);
		if (before !== undefined) this.#size -= before.length;
		this.#kept.delete(id);
		if (contents.length > this.#capacity) return;
		this.#kept.set(id, contents);
		this.#size += contents.length;
		for (const [oldest, { length }] of this.#kept) {
			if (this.#size <= this.#capacity) return;
			this.#kept.delete(oldest);
			this.#size -= length;
		}
	}
}
