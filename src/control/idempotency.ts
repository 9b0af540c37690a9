import { fail } from '../model/errors.ts';
import type { Principal } from '../model/principal.ts';
import type { Queryable, StoreTransaction } from '../store/store.ts';
import type { Idempotency } from './control.ts';

/**
 * Id of what an earlier request under the same key made; null for the first one. Part of the creating transaction,
 * so that a key is known exactly when its thing exists.
 */
export async function earlierTarget(tx: Queryable, principal: Principal, idempotency: Idempotency | undefined): Promise<string | null> {
	if (idempotency === undefined) return null;
	const row = await tx
		.selectFrom('idempotency')
		.selectAll()
		.where('project_id', '=', principal.projectId)
		.where('key', '=', idempotency.key)
		.executeTakeFirst();
	if (row === undefined) return null;
	if (row.fingerprint !== idempotency.fingerprint) {
		throw fail('idempotency-key-reused', 'This Idempotency-Key was used for a different request: use a new key for each new request.');
	}
	return row.target_id;
}

export async function rememberTarget(
	tx: StoreTransaction,
	principal: Principal,
	idempotency: Idempotency | undefined,
	targetId: string,
	now: number,
): Promise<void> {
	if (idempotency === undefined) return;
	await tx
		.insertInto('idempotency')
		.values({
			project_id: principal.projectId,
			key: idempotency.key,
			fingerprint: idempotency.fingerprint,
			target_id: targetId,
			created_at: now,
		})
		.execute();
}
