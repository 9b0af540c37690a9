import { touchSandbox } from '../../../store/sandboxes.ts';
import type { Queryable, Store, StoreTransaction } from '../../../store/store.ts';

/** Parts of what hosts are told that a transaction changed. */
export interface NetworkMarks {
	/** Ports or published ports of the sandboxes on these hosts. */
	readonly hosts?: readonly string[];
	/** The ports that changed, came to the hosts or left them. */
	readonly ports?: readonly string[];
	/** The networks themselves or their subnets. */
	readonly networks?: readonly string[];
	/** Rules of these groups. */
	readonly groupRules?: readonly string[];
	/** Which addresses are in these groups. */
	readonly groupMembers?: readonly string[];
	/** Where sandboxes came, went or changed their addresses. */
	readonly names?: readonly { readonly networkId: string; readonly projectId: string }[];
	/** Interfaces, addresses or routes of these sandboxes. */
	readonly sandboxes?: readonly string[];
}

/** All that one transaction marked. */
export interface CommittedMarks {
	readonly hosts: Set<string>;
	readonly ports: Set<string>;
	readonly networks: Set<string>;
	readonly groupRules: Set<string>;
	readonly groupMembers: Set<string>;
	readonly sandboxes: Set<string>;
	/** By a key of both ids. */
	readonly names: Map<string, { readonly networkId: string; readonly projectId: string }>;
}

/**
 * Counts the changes that were committed, and says what they were. What a transaction marks counts when it is
 * committed and not before: whoever sees a version can read what belongs to it.
 */
export class NetworkChanges {
	readonly #store: Store;
	readonly #open = new WeakMap<Queryable, CommittedMarks>();
	readonly #listeners: ((marks: CommittedMarks) => void)[] = [];
	/** Starts at the time, so that a process that starts anew goes on above the one before. */
	#version = Date.now();

	constructor(store: Store) {
		this.#store = store;
	}

	get version(): number {
		return this.#version;
	}

	/** Whether these are the eyes of a transaction that has marked a change. */
	isOpen(db: Queryable): boolean {
		return this.#open.has(db);
	}

	/** Calls back after each commit that changed something, when `version` has grown. */
	onCommitted(listener: (marks: CommittedMarks) => void): void {
		this.#listeners.push(listener);
	}

	/** Notes a change. Sandboxes that are named get a new version in the same transaction. */
	async mark(tx: StoreTransaction, marks: NetworkMarks): Promise<void> {
		const all = this.#marksOf(tx);
		for (const host of marks.hosts ?? []) all.hosts.add(host);
		for (const port of marks.ports ?? []) all.ports.add(port);
		for (const network of marks.networks ?? []) all.networks.add(network);
		for (const group of marks.groupRules ?? []) all.groupRules.add(group);
		for (const group of marks.groupMembers ?? []) all.groupMembers.add(group);
		for (const { networkId, projectId } of marks.names ?? []) all.names.set(`${networkId} ${projectId}`, { networkId, projectId });
		for (const sandbox of marks.sandboxes ?? []) {
			all.sandboxes.add(sandbox);
			await touchSandbox(tx, sandbox);
		}
	}

	#marksOf(tx: StoreTransaction): CommittedMarks {
		const known = this.#open.get(tx);
		if (known !== undefined) return known;
		const marks: CommittedMarks = {
			hosts: new Set(),
			ports: new Set(),
			networks: new Set(),
			groupRules: new Set(),
			groupMembers: new Set(),
			sandboxes: new Set(),
			names: new Map(),
		};
		this.#open.set(tx, marks);
		this.#store.afterCommit(tx, () => {
			this.#version += 1;
			for (const listener of this.#listeners) listener(marks);
		});
		return marks;
	}
}
