import { sql } from 'kysely';
import { idList } from '../../../store/id-list.ts';
import type { Queryable, Store } from '../../../store/store.ts';
import type { CommittedMarks, NetworkChanges } from './changes.ts';
import { namesOf } from './views.ts';

/** Sandboxes of one project on one network: those that know one another by name. */
export interface Neighbourhood {
	readonly networkId: string;
	readonly projectId: string;
}

export interface NameRefresherOptions {
	/** Changes are waited for this long, in ms, since they come in bursts ... */
	readonly settle: number;
	/** ... but not longer than this in all. */
	readonly longest: number;
	/** Names that a sandbox's hosts file holds at the most: what comes after them is no change. */
	readonly limit: number;
}

export const defaultNameRefresherOptions: NameRefresherOptions = { settle: 300, longest: 3000, limit: 200 };

/**
 * When a sandbox comes to a network or leaves it, the hosts files of its neighbours change. Their new version is not
 * written in the transaction that brings it, which would make each create cost as much as there are neighbours, but a
 * moment later, once for many. What was told last is remembered, so that names beyond the limit cost nothing; a
 * process that starts anew remembers nothing and tells once too often.
 */
export class NameRefresher {
	readonly #store: Store;
	readonly #options: NameRefresherOptions;
	readonly #onRefresh: (sandboxes: readonly { readonly id: string; readonly host: string }[]) => void;
	readonly #told = new Map<string, string>();
	#pending = new Map<string, Neighbourhood>();
	#since = 0;
	#timer: NodeJS.Timeout | null = null;

	constructor(
		store: Store,
		changes: NetworkChanges,
		options: NameRefresherOptions,
		onRefresh: (sandboxes: readonly { readonly id: string; readonly host: string }[]) => void,
	) {
		this.#store = store;
		this.#options = options;
		this.#onRefresh = onRefresh;
		changes.onCommitted((marks) => this.#schedule(marks));
	}

	#schedule(marks: CommittedMarks): void {
		if (marks.names.size === 0) return;
		if (this.#pending.size === 0) this.#since = performance.now();
		for (const [key, neighbourhood] of marks.names) this.#pending.set(key, neighbourhood);
		const left = this.#since + this.#options.longest - performance.now();
		if (this.#timer !== null) clearTimeout(this.#timer);
		this.#timer = setTimeout(() => void this.#refresh(), Math.max(0, Math.min(this.#options.settle, left)));
		// The files can wait for the next start: the agent asks for everything then.
		this.#timer.unref();
	}

	async #refresh(): Promise<void> {
		const pending = [...this.#pending];
		this.#pending = new Map();
		for (const [key, neighbourhood] of pending) {
			try {
				const names = JSON.stringify(await namesOf(this.#store.db, neighbourhood, this.#options.limit));
				if (this.#told.get(key) === names) continue;
				this.#onRefresh(await this.#touchNeighbours(neighbourhood));
				if (names === '[]') this.#told.delete(key);
				else this.#told.set(key, names);
			} catch {
				// The database is away or closed. It was not noted as told, so the next change tells it too.
			}
		}
	}

	async #touchNeighbours(neighbourhood: Neighbourhood): Promise<readonly { readonly id: string; readonly host: string }[]> {
		return await this.#store.transaction(async (tx) => {
			const rows = await neighbours(tx, neighbourhood);
			await tx
				.updateTable('sandbox')
				.set({ spec_version: sql`spec_version + 1` })
				.where('id', 'in', idList(rows.map((row) => row.id)))
				.execute();
			return rows.flatMap(({ id, host }) => (host === null ? [] : [{ id, host }]));
		});
	}
}

async function neighbours(db: Queryable, { networkId, projectId }: Neighbourhood) {
	return await db
		.selectFrom('sandbox')
		.select(['id', 'host'])
		.where('project_id', '=', projectId)
		.where('desired_status', '<>', 'Deleted')
		.where('id', 'in', (port) =>
			port.selectFrom('port').select('sandbox_id').where('network_id', '=', networkId).where('sandbox_id', 'is not', null),
		)
		.execute();
}
