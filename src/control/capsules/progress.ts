import { failPoint } from '../../faults/fail-point.ts';
import { type CapsuleMember, membersDue } from '../../model/capsule.ts';
import { type ContainerRow, containersOf, toContainer } from '../../store/containers.ts';
import { insertOperation, openOperations } from '../../store/operations.ts';
import { type SandboxRow, touchSandbox } from '../../store/sandboxes.ts';
import type { StoreTransaction } from '../../store/store.ts';
import { changeContainer } from '../changes.ts';
import { type Asker, systemRequest } from '../deletion.ts';
import type { Deps } from '../deps.ts';

/**
 * Tells the members whose turn has come to run. To be called in the transaction that writes what was seen of a
 * capsule: what follows the end of an init container is then decided when that end is known, and never twice.
 */
export async function advanceCapsule(deps: Deps, tx: StoreTransaction, sandbox: SandboxRow): Promise<void> {
	if (sandbox.desired_status !== 'Running') return;
	const rows = await containersOf(tx, sandbox.id);
	const due = membersDue(rows.map(toContainer));
	if (due.length === 0) return;
	const busy = new Set((await openOperations(tx, sandbox.id)).map(({ targetId }) => targetId));
	await startMembers(
		deps,
		tx,
		{ requestId: systemRequest(sandbox.id), userId: sandbox.user_id },
		sandbox,
		rows,
		due.filter(({ id }) => !busy.has(id)),
		true,
	);
	failPoint('control.advance-capsule.written');
}

/** Asks for the start of members. `turn`: nobody asked for it but the order of the capsule. */
export async function startMembers(
	deps: Deps,
	tx: StoreTransaction,
	asker: Asker,
	sandbox: SandboxRow,
	rows: readonly ContainerRow[],
	members: readonly Pick<CapsuleMember, 'id'>[],
	turn = false,
): Promise<void> {
	const wanted = new Set(members.map(({ id }) => id));
	for (const row of rows.filter(({ id }) => wanted.has(id))) {
		const operation = { requestId: asker.requestId, userId: asker.userId, projectId: row.project_id, host: sandbox.host };
		await insertOperation(
			tx,
			{ ...operation, target: 'container', targetId: row.id, sandboxId: sandbox.id, kind: 'start', args: { turn } },
			deps.now(),
		);
		await changeContainer(tx, row, { desired_status: 'Running', task_state: 'container_starting' }, deps.now());
	}
	if (wanted.size > 0) await touchSandbox(tx, sandbox.id);
}
