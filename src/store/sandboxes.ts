import type { Insertable, Selectable, Updateable } from 'kysely';
import { sql } from 'kysely';
import type { Sandbox, SandboxCreator, SandboxGoal, SandboxStatus } from '../model/sandbox.ts';
import { fromJson } from './json.ts';
import type { SandboxTable } from './schema.ts';
import type { Queryable, StoreTransaction } from './store.ts';

export type SandboxRow = Selectable<SandboxTable>;

export function toSandbox(row: SandboxRow): Sandbox {
	return {
		id: row.id,
		name: row.name,
		projectId: row.project_id,
		userId: row.user_id,
		host: row.host,
		availabilityZone: row.availability_zone,
		driver: row.driver,
		providerIds: fromJson(row.provider_ids),
		status: row.status as SandboxStatus,
		statusReason: row.status_reason,
		taskState: row.task_state,
		desiredStatus: row.desired_status as SandboxGoal,
		labels: fromJson(row.labels),
		hostname: row.hostname,
		cpu: row.cpu,
		memory: row.memory,
		disk: row.disk,
		namespaces: fromJson(row.namespaces),
		runtime: row.runtime,
		hints: fromJson(row.hints),
		createdBy: row.created_by as SandboxCreator,
		expiresAt: row.expires_at,
		expiresRemaining: row.expires_remaining,
		createdAt: row.created_at,
		updatedAt: row.updated_at,
		version: row.version,
	};
}

export async function insertSandbox(tx: StoreTransaction, row: Insertable<SandboxTable>): Promise<void> {
	await tx.insertInto('sandbox').values(row).execute();
}

/** Changes the row, and grows both its versions: the agent of its host will look at it again. */
export async function updateSandbox(tx: StoreTransaction, id: string, change: Updateable<SandboxTable>, now: number): Promise<void> {
	await tx
		.updateTable('sandbox')
		.set({ ...change, updated_at: now, version: sql`version + 1`, spec_version: sql`spec_version + 1` })
		.where('id', '=', id)
		.execute();
}

/** Writes what was seen of the sandbox: nothing that its agent would have to look at again. */
export async function noteSandbox(tx: StoreTransaction, id: string, change: Updateable<SandboxTable>, now: number): Promise<void> {
	await tx
		.updateTable('sandbox')
		.set({ ...change, updated_at: now, version: sql`version + 1` })
		.where('id', '=', id)
		.execute();
}

/** Something in the sandbox changed that its agent must know. */
export async function touchSandbox(tx: StoreTransaction, id: string): Promise<void> {
	await tx.updateTable('sandbox').set({ spec_version: sql`spec_version + 1` }).where('id', '=', id).execute();
}

export async function sandboxRow(db: Queryable, id: string): Promise<SandboxRow | undefined> {
	return await db.selectFrom('sandbox').selectAll().where('id', '=', id).executeTakeFirst();
}
