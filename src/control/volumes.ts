import type { ContainerMount } from '../model/container.ts';
import type { Principal } from '../model/principal.ts';
import type { VolumeSpec } from '../model/spec.ts';
import type { Queryable, StoreTransaction } from '../store/store.ts';
import type { MountRequest } from './control.ts';

/** What a sandbox's mounts need of volumes, inside the caller's transaction. */
export interface Volumes {
	/**
	 * Attaches what the mounts name to the sandbox (volumes by id or name, new ones by size, injected files by content)
	 * and answers the container's mounts. A volume that the sandbox has already is shared by its containers.
	 * Throws volume-not-found, volume-in-use (by another sandbox), invalid-value.
	 */
	mount(
		tx: StoreTransaction,
		principal: Principal,
		sandbox: { readonly id: string; readonly host: string | null; readonly projectId: string },
		mounts: readonly MountRequest[],
	): Promise<readonly ContainerMount[]>;
	/** After a container is gone: volumes made for it alone, and files injected into it, are detached and deleted. */
	unmount(tx: StoreTransaction, sandboxId: string, mounts: readonly ContainerMount[]): Promise<void>;
	/** When the sandbox is gone from its host: drops its attachments, deletes what was made with it. */
	release(tx: StoreTransaction, sandboxId: string): Promise<void>;
	/** Volumes of the sandbox for its agent. Contents are decrypted. */
	specs(db: Queryable, sandboxId: string): Promise<readonly VolumeSpec[]>;
	/** The host has let go of volumes that were being detached: others may have them. Ids that were not are passed over. */
	detached(tx: StoreTransaction, sandboxId: string, volumeIds: readonly string[]): Promise<void>;
	/** The host has the data of these volumes of the sandbox: from now on it is lost when it is not there. */
	made(tx: StoreTransaction, sandboxId: string, volumeIds: readonly string[]): Promise<void>;
	/** Ids of the volumes whose data may be on the host, injected files included. */
	onHost(db: Queryable, hostname: string): Promise<readonly string[]>;
	/** Throws invalid-value unless a volume may have the size, in GiB. */
	checkSize(size: number): void;
	/** Volumes of many sandboxes, for lists. */
	views(
		db: Queryable,
		sandboxIds: readonly string[],
	): Promise<ReadonlyMap<string, readonly { readonly volumeId: string; readonly readOnly: boolean }[]>>;
}
