import type { Queryable, StoreTransaction } from '../store/store.ts';

/** What a sandbox needs of a host. */
export interface PlacementRequest {
	readonly sandboxId: string;
	readonly projectId: string;
	readonly driver: string;
	readonly runtime: string | null;
	readonly cpu: number;
	readonly memoryMib: number;
	readonly diskGib: number;
	/** GiB of volumes that will be made on the host: it must have room for them, and they claim it themselves. */
	readonly volumeGib?: number;
	readonly availabilityZone: string | null;
	/** Host that was asked for by name. */
	readonly host: string | null;
	readonly hints: Readonly<Record<string, unknown>>;
	/** Hosts that refused it already. */
	readonly excludedHosts: readonly string[];
}

export type PlacementResult =
	| { readonly host: string; readonly availabilityZone: string }
	/** `reason` says which filter removed how many hosts; null = the host is known later. */
	| { readonly host: null; readonly reason: string | null };

/** Finds hosts and keeps the claims, inside the transaction that needs them. */
export interface Placement {
	/** Chooses a host and writes the claim. Throws requested-host-not-found for a host that does not exist. */
	place(tx: StoreTransaction, request: PlacementRequest): Promise<PlacementResult>;
	/** Makes the sandbox's claim this large; false and nothing changed when its host has no room for it. */
	resize(
		tx: StoreTransaction,
		sandboxId: string,
		size: { readonly cpu: number; readonly memoryMib: number; readonly diskGib: number },
	): Promise<boolean>;
	/** Whether the host has room for a volume that is to be made on it. */
	hasRoom(db: Queryable, hostname: string, gib: number): Promise<boolean>;
	/** Drops the claim. */
	release(tx: StoreTransaction, sandboxId: string): Promise<void>;
}
