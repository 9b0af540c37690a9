import type { Insertable, Selectable, Updateable } from 'kysely';
import type { ServerGroupTable, ServerPortTable, ServerTable } from './schema.ts';
import type { Queryable, StoreTransaction } from './store.ts';

export type ServerRow = Selectable<ServerTable>;
export type ServerPortRow = Selectable<ServerPortTable>;
export type ServerGroupRow = Selectable<ServerGroupTable>;

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
