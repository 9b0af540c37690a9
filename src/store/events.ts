import type { Selectable } from 'kysely';
import type { Event, NewEvent } from '../model/event.ts';
import { fromJson } from './json.ts';
import type { EventTable } from './schema.ts';
import type { Queryable, StoreTransaction } from './store.ts';

function toEvent(row: Selectable<EventTable>): Event {
	return {
		seq: row.seq,
		projectId: row.project_id,
		kind: row.kind,
		sandboxId: row.sandbox_id,
		containerId: row.container_id,
		status: row.status,
		reason: row.reason,
		detail: fromJson(row.detail),
		createdAt: row.created_at,
	};
}

export async function insertEvent(tx: StoreTransaction, event: NewEvent, now: number): Promise<void> {
	await tx
		.insertInto('event')
		.values({
			project_id: event.projectId,
			kind: event.kind,
			sandbox_id: event.sandboxId,
			container_id: event.containerId,
			status: event.status,
			reason: event.reason,
			detail: JSON.stringify(event.detail),
			created_at: now,
		})
		.execute();
}

/** The newest number; 0 when there is none. */
export async function lastEvent(db: Queryable): Promise<number> {
	const row = await db
		.selectFrom('event')
		.select((eb) => eb.fn.max('seq').as('seq'))
		.executeTakeFirst();
	return row?.seq ?? 0;
}

/** Up to `limit` events after a number, oldest first. `projectId` null = of all projects. */
export async function eventsAfter(db: Queryable, after: number, projectId: string | null, limit: number): Promise<readonly Event[]> {
	let query = db.selectFrom('event').selectAll().where('seq', '>', after).orderBy('seq').limit(limit);
	if (projectId !== null) query = query.where('project_id', '=', projectId);
	return (await query.execute()).map(toEvent);
}
