import { fail } from '../model/errors.ts';
import type { OperationArgs, SandboxOperationKind } from '../model/operation.ts';
import type { Principal } from '../model/principal.ts';
import { countOpen, insertOperation } from '../store/operations.ts';
import type { SandboxRow } from '../store/sandboxes.ts';
import { giveServerWork } from '../store/servers.ts';
import type { StoreTransaction } from '../store/store.ts';
import type { Deps } from './deps.ts';

/** Most unfinished operations of one sandbox or container: each look at it reads them all. */
const longestQueue = 32;

/** Throws too-many-requests where so much was asked for already that is not done. A delete is always taken. */
export async function requireRoomInQueue(tx: StoreTransaction, kind: 'sandbox' | 'container', id: string): Promise<void> {
	if ((await countOpen(tx, id)) < longestQueue) return;
	throw fail('too-many-requests', `The limit is ${longestQueue} unfinished operations of one ${kind}: wait until some of ${id} are done.`, {
		headers: { 'retry-after': '1' },
	});
}

/** Asks the host of a sandbox for something, after all that it was asked for before. Throws too-many-requests. */
export async function askSandbox(
	deps: Deps,
	tx: StoreTransaction,
	principal: Principal,
	row: SandboxRow,
	kind: SandboxOperationKind,
	args: OperationArgs,
): Promise<void> {
	await requireRoomInQueue(tx, 'sandbox', row.id);
	const who = { requestId: principal.requestId, projectId: row.project_id, userId: principal.userId };
	await insertOperation(tx, { ...who, target: 'sandbox', targetId: row.id, sandboxId: row.id, kind, args, host: row.host }, deps.now());
	if (deps.compute !== undefined) await giveServerWork(tx, row.id);
}
