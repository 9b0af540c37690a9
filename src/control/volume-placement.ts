import { fail } from '../model/errors.ts';
import type { Principal } from '../model/principal.ts';
import type { Queryable, StoreTransaction } from '../store/store.ts';
import type { MountRequest } from './control.ts';
import { findVolume } from './volume-lookup.ts';
import type { Volumes } from './volumes.ts';

/** What volumes ask of the host that a sandbox is placed on. */
export interface VolumeNeeds {
	/** GiB of volumes whose data will be made there. */
	readonly gib: number;
	/** Where data of theirs is already; null = they may go anywhere. */
	readonly host: string | null;
}

/** Throws volume-not-found, invalid-value for a size, and volume-not-usable when their data is on several hosts. */
export async function volumeNeeds(
	volumes: Pick<Volumes, 'checkSize'>,
	db: Queryable,
	principal: Principal,
	mounts: readonly MountRequest[],
): Promise<VolumeNeeds> {
	let gib = 0;
	let host: string | null = null;
	const seen = new Set<string>();
	for (const { type, source, size, resolved } of mounts) {
		// What another service has is on no host.
		if (type === 'bind' || resolved !== undefined) continue;
		if (source === undefined) {
			if (size !== undefined) volumes.checkSize(size);
			gib += size ?? 0;
			continue;
		}
		const volume = await findVolume(db, principal, source);
		if (seen.has(volume.id)) continue;
		seen.add(volume.id);
		if (volume.host === null) gib += volume.size;
		else if (host === null || host === volume.host) host = volume.host;
		else
			throw fail(
				'volume-not-usable',
				`The volumes have their data on several hosts, ${host} and ${volume.host}: no sandbox can have them all.`,
			);
	}
	return { gib, host };
}

/** The needs of what a sandbox has, were it to go to another host; null = it holds data that cannot go along. */
export async function movedVolumeNeeds(db: Queryable, sandboxId: string): Promise<VolumeNeeds | null> {
	const volumes = await db
		.selectFrom('volume_attachment')
		.innerJoin('volume', 'volume.id', 'volume_attachment.volume_id')
		.select(['volume.size', 'volume.auto_remove', 'volume.provider'])
		.where('volume_attachment.sandbox_id', '=', sandboxId)
		.execute();
	if (volumes.some((volume) => volume.provider === 'local' && volume.auto_remove === 0)) return null;
	return { gib: volumes.reduce((sum, volume) => sum + volume.size, 0), host: null };
}

/** Volumes that were made with the sandbox are made on its new host instead; what the old one has of them goes. */
export async function moveVolumes(tx: StoreTransaction, sandboxId: string, host: string): Promise<void> {
	await tx
		.updateTable('volume')
		.set({ host, made: 0 })
		.where('id', 'in', (eb) => eb.selectFrom('volume_attachment').select('volume_id').where('sandbox_id', '=', sandboxId))
		.execute();
}
