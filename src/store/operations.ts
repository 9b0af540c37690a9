import { type Selectable, sql } from 'kysely';
import { newId } from '../model/ids.ts';
import type { Operation, OperationArgs, OperationState } from '../model/operation.ts';
import { fromJson } from './json.ts';
import type { OperationTable } from './schema.ts';
import type { Queryable, StoreTransaction } from './store.ts';

export type OperationRow = Selectable<OperationTable>;

/** The words of the index of unfinished operations: with parameters in it, SQLite would not use it and read the whole history. */
export const isUnfinished = sql<boolean>`operation.state in ('queued', 'running')`;

export function toOperation(row: OperationRow): Operation {
	return {
		seq: row.seq,
		id: row.id,
		requestId: row.request_id,
		projectId: row.project_id,
		userId: row.user_id,
		target: row.target === 'sandbox' ? 'sandbox' : 'container',
		targetId: row.target_id,
		sandboxId: row.sandbox_id,
		kind: row.kind as Operation['kind'],
		args: fromJson<OperationArgs>(row.args),
		host: row.host,
		state: row.state as OperationState,
		attempts: row.attempts,
		error: row.error,
		createdAt: row.created_at,
		startedAt: row.started_at,
		finishedAt: row.finished_at,
	};
}

export interface NewOperation {
	readonly requestId: string;
	readonly projectId: string;
	readonly userId: string;
	readonly target: 'sandbox' | 'container';
	readonly targetId: string;
	readonly sandboxId: string;
	readonly kind: Operation['kind'];
	readonly args?: OperationArgs;
	readonly host: string | null;
	/** Recorded as finished at once, for what needs no agent; otherwise it is queued. */
	readonly outcome?: { readonly error: string | null };
}

export async function insertOperation(tx: StoreTransaction, operation: NewOperation, now: number): Promise<string> {
	const id = newId();
	await tx
		.insertInto('operation')
		.values({
			id,
			request_id: operation.requestId,
			project_id: operation.projectId,
			user_id: operation.userId,
			target: operation.target,
			target_id: operation.targetId,
			sandbox_id: operation.sandboxId,
			kind: operation.kind,
			args: JSON.stringify(operation.args ?? {}),
			host: operation.host,
			state: operation.outcome === undefined ? 'queued' : operation.outcome.error === null ? 'done' : 'failed',
			attempts: 0,
			error: operation.outcome?.error ?? null,
			created_at: now,
			started_at: operation.outcome === undefined ? null : now,
			finished_at: operation.outcome === undefined ? null : now,
		})
		.execute();
	return id;
}

/** Unfinished ones of a sandbox and all in it, in the order of acceptance. */
export async function openOperations(db: Queryable, sandboxId: string): Promise<readonly Operation[]> {
	const rows = await db
		.selectFrom('operation')
		.selectAll()
		.where('sandbox_id', '=', sandboxId)
		.where(isUnfinished)
		.orderBy('seq')
		.execute();
	return rows.map(toOperation);
}

/** How many operations of a target are unfinished. */
export async function countOpen(db: Queryable, targetId: string): Promise<number> {
	const row = await db
		.selectFrom('operation')
		.select((of) => of.fn.countAll<number>().as('count'))
		.where('target_id', '=', targetId)
		.where('state', 'in', ['queued', 'running'])
		.executeTakeFirstOrThrow();
	return row.count;
}

/** Ends unfinished operations of a target, when it is gone or when what they wait for cannot come. */
export async function endOperations(tx: StoreTransaction, targetId: string, error: string | null, now: number): Promise<void> {
	await tx
		.updateTable('operation')
		.set({ state: error === null ? 'done' : 'failed', error, finished_at: now })
		.where('target_id', '=', targetId)
		.where(isUnfinished)
		.execute();
}

/** Ends what was asked of a target before its deletion; earlier deletes go on. */
export async function overtakeOperations(tx: StoreTransaction, targetId: string, error: string, now: number): Promise<void> {
	await tx
		.updateTable('operation')
		.set({ state: 'failed', error, finished_at: now })
		.where('target_id', '=', targetId)
		.where('kind', '<>', 'delete')
		.where('state', 'in', ['queued', 'running'])
		.execute();
}
