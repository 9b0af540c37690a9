import { failPoint } from '../faults/fail-point.ts';
import type { Principal } from '../model/principal.ts';
import type { StoreTransaction } from '../store/store.ts';
import type { Idempotency } from './control.ts';
import type { Deps } from './deps.ts';
import { earlierTarget, rememberTarget } from './idempotency.ts';
import type { QuotaResource } from './quotas.ts';

const resources = {
	sandbox: ['sandboxes', 'cpu', 'memory', 'disk', 'ports', 'volumes', 'volume_gigabytes'],
	container: ['sandboxes', 'containers', 'cpu', 'memory', 'disk', 'ports', 'volumes', 'volume_gigabytes'],
	capsule: ['sandboxes', 'containers', 'cpu', 'memory', 'disk', 'ports', 'volumes', 'volume_gigabytes'],
} as const satisfies Record<string, readonly QuotaResource[]>;

/** What a create does beside what all of them do. */
export interface Creation<Wish, Row> {
	readonly kind: keyof typeof resources;
	readonly wish: Wish;
	/** Adds to the wish what another service must give first; not called for what was made already. */
	readonly prepare: () => Promise<Wish>;
	/** What an earlier request under the same key made. */
	readonly earlier: (tx: StoreTransaction, id: string) => Promise<Row>;
	readonly write: (tx: StoreTransaction, wish: Wish) => Promise<Row>;
}

/**
 * Writes a thing, the key of its request and the check of its project's quota in one transaction. A request whose key
 * made something before makes nothing. Throws `over-quota`, `idempotency-key-reused`, and what the parts throw.
 */
export async function createOnce<Wish, Row extends { readonly id: string; readonly project_id: string }>(
	deps: Deps,
	principal: Principal,
	idempotency: Idempotency | undefined,
	{ kind, wish, prepare, earlier, write }: Creation<Wish, Row>,
): Promise<Row> {
	const asks = deps.compute !== undefined || deps.imageService !== undefined;
	const known = asks && (await earlierTarget(deps.store.db, principal, idempotency)) !== null;
	const prepared = known ? wish : await prepare();
	const row = await deps.store.transaction(async (tx) => {
		const made = await earlierTarget(tx, principal, idempotency);
		if (made !== null) return await earlier(tx, made);
		const created = await write(tx, prepared);
		await rememberTarget(tx, principal, idempotency, created.id, deps.now());
		await deps.quotas.check(tx, created.project_id, resources[kind]);
		failPoint(`control.create-${kind}.before-commit`);
		return created;
	});
	failPoint(`control.create-${kind}.committed`);
	return row;
}
