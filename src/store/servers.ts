import type { Insertable, Selectable, Updateable } from 'kysely';
import type { ServerGroupTable, ServerPortTable, ServerTable, ServerVolumeTable } from './schema.ts';
import type { Queryable, StoreTransaction } from './store.ts';

export type ServerRow = Selectable<ServerTable>;
export type ServerPortRow = Selectable<ServerPortTable>;
export type ServerGroupRow = Selectable<ServerGroupTable>;
export type ServerVolumeRow = Selectable<ServerVolumeTable>;

export async function insertServer(tx: StoreTransaction, row: Insertable<ServerTable>): Promise<void> {
	await tx.insertInto('server').values(row).execute();
}

export async function serverRow(db: Queryable, sandboxId: string): Promise<ServerRow | undefined> {
	return await db.selectFrom('server').selectAll().where('sandbox_id', '=', sandboxId).executeTakeFirst();
}

export async function serverById(db: Queryable, serverId: string): Promise<ServerRow | undefined> {
	return await db.selectFrom('server').selectAll().where('server_id', '=', serverId).executeTakeFirst();
}

export async function updateServer(tx: StoreTransaction, sandboxId: string, change: Updateable<ServerTable>): Promise<void> {
	await tx.updateTable('server').set(change).where('sandbox_id', '=', sandboxId).execute();
}

/** There is something for the provisioner to do. Nothing happens where the sandbox is no server. */
export async function giveServerWork(tx: StoreTransaction, sandboxId: string): Promise<void> {
	await tx
		.updateTable('server')
		.set((eb) => ({ work: eb('work', '+', 1) }))
		.where('sandbox_id', '=', sandboxId)
		.execute();
}

/** In the order of their interfaces. */
export async function serverPorts(db: Queryable, sandboxId: string): Promise<readonly ServerPortRow[]> {
	return await db.selectFrom('server_port').selectAll().where('sandbox_id', '=', sandboxId).orderBy('position').execute();
}

export async function updateServerPort(
	tx: StoreTransaction,
	{ sandbox_id, position }: Pick<ServerPortRow, 'sandbox_id' | 'position'>,
	change: Updateable<ServerPortTable>,
): Promise<void> {
	await tx.updateTable('server_port').set(change).where('sandbox_id', '=', sandbox_id).where('position', '=', position).execute();
}

export async function deleteServerPort(
	tx: StoreTransaction,
	{ sandbox_id, position }: Pick<ServerPortRow, 'sandbox_id' | 'position'>,
): Promise<void> {
	await tx.deleteFrom('server_port').where('sandbox_id', '=', sandbox_id).where('position', '=', position).execute();
}

/** Oldest first. */
export async function serverGroups(db: Queryable, sandboxId: string): Promise<readonly ServerGroupRow[]> {
	return await db
		.selectFrom('server_group')
		.selectAll()
		.where('sandbox_id', '=', sandboxId)
		.orderBy('created_at')
		.orderBy('container_id')
		.execute();
}

/** A volume, and where its host has it: as a block device; null = it has not. */
export interface ServerVolumeSight extends ServerVolumeRow {
	readonly device: string | null;
}

/** Oldest first. */
export async function serverVolumes(db: Queryable, sandboxId: string): Promise<readonly ServerVolumeSight[]> {
	return await db
		.selectFrom('server_volume')
		.leftJoin('volume_attachment', (join) =>
			join
				.onRef('volume_attachment.volume_id', '=', 'server_volume.volume_id')
				.onRef('volume_attachment.sandbox_id', '=', 'server_volume.sandbox_id'),
		)
		.selectAll('server_volume')
		.select('volume_attachment.device')
		.where('server_volume.sandbox_id', '=', sandboxId)
		.orderBy('server_volume.created_at')
		.orderBy('server_volume.id')
		.execute();
}

export async function updateServerVolume(tx: StoreTransaction, id: string, change: Updateable<ServerVolumeTable>): Promise<void> {
	await tx.updateTable('server_volume').set(change).where('id', '=', id).execute();
}
