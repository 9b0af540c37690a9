import type { Principal } from '../../model/principal.ts';
import { Secret } from '../../model/secret.ts';
import { type Delegation, delegationOf } from '../../providers/delegation.ts';
import { type ServerRow, updateServer } from '../../store/servers.ts';
import type { StoreTransaction } from '../../store/store.ts';
import type { Compute, Sealer } from './compute.ts';

/** Keeps the leave, sealed, until what it is for is made. The last one given holds. */
export async function keepDelegation(compute: Compute, tx: StoreTransaction, sandboxId: string, principal: Principal): Promise<void> {
	await updateServer(tx, sandboxId, { delegation: sealDelegation(compute.sealer, sandboxId, principal) });
}

export function sealDelegation(sealer: Sealer, sandboxId: string, principal: Principal): string {
	const { token, projectId } = delegationOf(principal);
	return sealer.seal(JSON.stringify({ token: token.reveal(), projectId }), sandboxId);
}

/** null = nothing was left to be done in anybody's name. */
export function openDelegation(sealer: Sealer, row: ServerRow): Delegation | null {
	if (row.delegation === null) return null;
	const { token, projectId }: { token: string; projectId: string } = JSON.parse(sealer.unseal(row.delegation, row.sandbox_id));
	return { token: new Secret(token), projectId };
}
