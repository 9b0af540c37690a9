import { groupsNaming } from '../../../store/security-groups.ts';
import type { Store } from '../../../store/store.ts';
import type { CommittedMarks, NetworkChanges } from './changes.ts';

/** Whose agents must look again. */
export interface NetworkChange {
	/** Hosts whose kernel is to hold something else. */
	readonly hosts: readonly string[];
	/** Sandboxes whose interfaces, addresses or routes changed, with their hosts. */
	readonly sandboxes: readonly { readonly id: string; readonly host: string }[];
}

/**
 * Finds out, after commits, which hosts a change concerns, and says so. Changes that come while it looks are
 * looked at together. It may miss one when the database fails: agents also ask by themselves.
 */
export class ChangeNotifier {
	readonly #store: Store;
	readonly #onChange: (change: NetworkChange) => void;
	#pending: CommittedMarks[] = [];
	#busy = false;

	constructor(store: Store, changes: NetworkChanges, onChange: (change: NetworkChange) => void) {
		this.#store = store;
		this.#onChange = onChange;
		changes.onCommitted((marks) => {
			this.#pending.push(marks);
			if (!this.#busy) {
				this.#busy = true;
				setImmediate(() => void this.#flush());
			}
		});
	}

	async #flush(): Promise<void> {
		while (this.#pending.length > 0) {
			const marks = this.#pending;
			this.#pending = [];
			try {
				const change = await this.#changeOf(marks);
				if (change.hosts.length > 0 || change.sandboxes.length > 0) this.#onChange(change);
			} catch {
				// Only latency is lost.
			}
		}
		this.#busy = false;
	}

	async #changeOf(marks: readonly CommittedMarks[]): Promise<NetworkChange> {
		const all = (pick: (of: CommittedMarks) => Set<string>) => [...new Set(marks.flatMap((of) => [...pick(of)]))];
		const hosts = new Set(all((of) => of.hosts));
		const networkIds = all((of) => of.networks);
		const groupIds = all((of) => of.groupRules);
		const found = await hostsOf(
			this.#store,
			networkIds,
			groupIds,
			all((of) => of.groupMembers),
		);
		for (const host of found) hosts.add(host);
		const sandboxIds = all((of) => of.sandboxes);
		const placed =
			sandboxIds.length === 0
				? []
				: await this.#store.db
						.selectFrom('sandbox')
						.select(['id', 'host'])
						.where('id', 'in', sandboxIds)
						.where('host', 'is not', null)
						.execute();
		return {
			hosts: [...hosts].filter((host) => !host.startsWith('unplaced:')),
			sandboxes: placed.flatMap(({ id, host }) => (host === null ? [] : [{ id, host }])),
		};
	}
}

/** Hosts that hold a port on one of these networks, or in a group with one of these rules, or that names one of these members' groups. */
async function hostsOf(
	store: Store,
	networkIds: readonly string[],
	ruleGroupIds: readonly string[],
	memberGroupIds: readonly string[],
): Promise<readonly string[]> {
	const groupIds = [...new Set([...ruleGroupIds, ...(await groupsNaming(store.db, memberGroupIds))])];
	const byNetwork =
		networkIds.length === 0
			? []
			: await store.db
					.selectFrom('port')
					.select('host')
					.distinct()
					.where('network_id', 'in', networkIds)
					.where('host', 'is not', null)
					.execute();
	const byGroup =
		groupIds.length === 0
			? []
			: await store.db
					.selectFrom('port_security_group')
					.innerJoin('port', 'port.id', 'port_security_group.port_id')
					.select('port.host')
					.distinct()
					.where('port_security_group.security_group_id', 'in', groupIds)
					.where('port.host', 'is not', null)
					.execute();
	return [...byNetwork, ...byGroup].flatMap((row) => row.host ?? []);
}
