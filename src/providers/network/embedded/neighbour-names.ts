import type { Queryable } from '../../../store/store.ts';
import type { NetworkChanges } from './changes.ts';
import type { Neighbourhood } from './name-refresher.ts';

/** A line of a hosts file. */
export interface HostNames {
	readonly address: string;
	readonly names: readonly string[];
}

interface Neighbour {
	readonly sandboxId: string;
	readonly createdAt: number;
	readonly position: number;
	readonly line: HostNames;
}

/** Addresses that one sandbox has on one network at the most, as far as names go. */
const ownAtMost = 32;

/**
 * The names that sandboxes know one another by. All of a neighbourhood are told nearly the same, again at each change of
 * any of them, so what a neighbourhood is told is kept, and shared, until a sandbox comes to it or leaves it.
 */
export class NeighbourNames {
	static readonly #kept = 1000;
	readonly #changes: NetworkChanges;
	readonly #lists = new Map<string, readonly Neighbour[]>();
	/** Grows with each change of a name. */
	#epoch = 0;

	constructor(changes: NetworkChanges) {
		this.#changes = changes;
		changes.onCommitted((marks) => {
			if (marks.names.size === 0) return;
			this.#epoch += 1;
			for (const key of marks.names.keys()) for (const kept of this.#lists.keys()) if (kept.startsWith(key)) this.#lists.delete(kept);
		});
	}

	/**
	 * Names of sandboxes of the same project that share a network with this one, its own first. On a shared network the
	 * other projects' sandboxes stay nameless: their names are theirs, and could be made to look like ours.
	 */
	async of(db: Queryable, sandboxId: string, limit: number): Promise<readonly HostNames[]> {
		const own = await ownAddresses(db, sandboxId);
		const neighbourhoods = new Map(own.map(({ networkId, projectId }) => [`${networkId} ${projectId}`, { networkId, projectId }]));
		const lists: (readonly Neighbour[])[] = [];
		for (const [key, neighbourhood] of neighbourhoods) lists.push(await this.#listOf(db, key, neighbourhood, limit));
		const all = lists.length === 1 ? (lists[0] ?? []) : lists.flat().sort(byAge);
		const lines = own.map(({ address, hostname }): HostNames => ({ address, names: [hostname] }));
		for (const { sandboxId: other, line } of all) {
			if (lines.length >= limit) break;
			if (other !== sandboxId) lines.push(line);
		}
		return lines.slice(0, limit);
	}

	async #listOf(db: Queryable, key: string, neighbourhood: Neighbourhood, limit: number): Promise<readonly Neighbour[]> {
		// What a transaction that changes names sees is for it alone until it is committed.
		if (this.#changes.isOpen(db)) return await readNeighbours(db, neighbourhood, limit + ownAtMost);
		const name = `${key} ${limit}`;
		const known = this.#lists.get(name);
		if (known !== undefined) return known;
		const epoch = this.#epoch;
		const read = await readNeighbours(db, neighbourhood, limit + ownAtMost);
		if (epoch === this.#epoch) {
			if (this.#lists.size >= NeighbourNames.#kept) this.#lists.clear();
			this.#lists.set(name, read);
		}
		return read;
	}
}

async function ownAddresses(db: Queryable, sandboxId: string) {
	return await db
		.selectFrom('port')
		.innerJoin('sandbox', 'sandbox.id', 'port.sandbox_id')
		.innerJoin('port_ip', 'port_ip.port_id', 'port.id')
		.where('port.sandbox_id', '=', sandboxId)
		.select(['port.network_id as networkId', 'port.project_id as projectId', 'sandbox.hostname', 'port_ip.ip_address as address'])
		.orderBy('port.position')
		.orderBy('port_ip.sort_key')
		.execute();
}

/** In the order of their sandboxes' age. */
async function readNeighbours(db: Queryable, { networkId, projectId }: Neighbourhood, limit: number): Promise<readonly Neighbour[]> {
	const rows = await db
		.selectFrom('port')
		.innerJoin('sandbox', 'sandbox.id', 'port.sandbox_id')
		.innerJoin('port_ip', 'port_ip.port_id', 'port.id')
		.where('port.network_id', '=', networkId)
		.where('port.project_id', '=', projectId)
		.select(['sandbox.id', 'sandbox.created_at', 'port.position', 'sandbox.hostname', 'port_ip.ip_address'])
		.orderBy('sandbox.created_at')
		.orderBy('sandbox.id')
		.orderBy('port.position')
		.orderBy('port_ip.sort_key')
		.limit(limit)
		.execute();
	return rows.map((row) => ({
		sandboxId: row.id,
		createdAt: row.created_at,
		position: row.position,
		line: { address: row.ip_address, names: [row.hostname] },
	}));
}

function byAge(a: Neighbour, b: Neighbour): number {
	if (a.createdAt !== b.createdAt) return a.createdAt - b.createdAt;
	if (a.sandboxId !== b.sandboxId) return a.sandboxId < b.sandboxId ? -1 : 1;
	return a.position - b.position;
}
