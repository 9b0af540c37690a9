import { containersOf } from '../../store/containers.ts';
import { endOperations } from '../../store/operations.ts';
import { type SandboxRow, sandboxRow } from '../../store/sandboxes.ts';
import { giveServerWork, type ServerRow, serverRow, updateServer } from '../../store/servers.ts';
import type { StoreTransaction } from '../../store/store.ts';
import { changeContainer, changeSandbox } from '../changes.ts';
import { askSandboxDelete, systemRequest } from '../deletion.ts';
import type { Deps } from '../deps.ts';

/**
 * Its network is wired, so it is made: containers may start. The operation that made it is done, and what is asked of
 * the host from now on is not in the user's name any more.
 */
export async function madeReady(deps: Deps, tx: StoreTransaction, server: ServerRow): Promise<void> {
	const now = deps.now();
	const sandbox = await sandboxRow(tx, server.sandbox_id);
	if (sandbox === undefined) return;
	await updateServer(tx, server.sandbox_id, { ready: 1, ...(server.stage === 'making' ? { stage: 'standing' } : {}) });
	await giveServerWork(tx, server.sandbox_id);
	await tx
		.updateTable('operation')
		.set({ state: 'done', error: null, finished_at: now })
		.where('target_id', '=', sandbox.id)
		.where('kind', '=', 'create')
		.where('state', 'in', ['queued', 'running'])
		.execute();
	const running =
		sandbox.status === 'Creating' || sandbox.status === 'Error' ? { status: 'Running', status_reason: null, task_state: null } : {};
	await changeSandbox(tx, sandbox, running, now);
}

/**
 * Its making failed: the sandbox and all in it are in Error with the reason, and what was made of it goes. A server that
 * somebody else made stays as it is, for its maker to see what is wrong with it.
 */
export async function failMaking(deps: Deps, tx: StoreTransaction, sandboxId: string, reason: string): Promise<void> {
	const server = await serverRow(tx, sandboxId);
	if (server?.origin === 'adopted') return await leaveInError(deps, tx, sandboxId, reason);
	await fallInError(deps, tx, sandboxId, reason, 'Created');
}

/**
 * The compute service has it no more, though nobody asked us. What we made for it goes too: a sandbox of ours stays in
 * Error to say so; one that was only ever the compute service's goes with its server.
 */
export async function serverIsGone(deps: Deps, tx: StoreTransaction, server: ServerRow, reason: string): Promise<void> {
	await updateServer(tx, server.sandbox_id, { state: 'gone' });
	const sandbox = await sandboxRow(tx, server.sandbox_id);
	if (sandbox === undefined) return;
	await giveServerWork(tx, sandbox.id);
	if (sandbox.desired_status === 'Deleted' || server.stage === 'failed') return;
	if (server.origin === 'adopted') {
		await askSandboxDelete(deps, tx, { requestId: systemRequest(sandbox.id), userId: sandbox.user_id }, sandbox);
	} else {
		await fallInError(deps, tx, sandbox.id, reason, 'Stopped');
	}
}

async function leaveInError(deps: Deps, tx: StoreTransaction, sandboxId: string, reason: string): Promise<void> {
	await updateServer(tx, sandboxId, { stage: 'standing', state: 'error', error: null });
	const sandbox = await sandboxRow(tx, sandboxId);
	if (sandbox === undefined || sandbox.desired_status === 'Deleted') return;
	await endOperations(tx, sandboxId, reason, deps.now());
	await changeSandbox(tx, sandbox, { status: 'Error', status_reason: reason, task_state: null }, deps.now());
}

async function fallInError(
	deps: Deps,
	tx: StoreTransaction,
	sandboxId: string,
	reason: string,
	containersAre: 'Created' | 'Stopped',
): Promise<void> {
	const now = deps.now();
	const sandbox: SandboxRow | undefined = await sandboxRow(tx, sandboxId);
	if (sandbox === undefined) return;
	await updateServer(tx, sandboxId, { stage: 'failed', delegation: null, error: null });
	await giveServerWork(tx, sandboxId);
	if (sandbox.desired_status === 'Deleted') return;
	for (const container of await containersOf(tx, sandboxId)) {
		await endOperations(tx, container.id, reason, now);
		if (container.desired_status === 'Deleted') continue;
		await changeContainer(
			tx,
			container,
			{ status: 'Error', status_reason: reason, task_state: null, desired_status: containersAre, runtime_id: null },
			now,
		);
	}
	await endOperations(tx, sandboxId, reason, now);
	await deps.placement.release(tx, sandboxId);
	await changeSandbox(tx, sandbox, { status: 'Error', status_reason: reason, task_state: null }, now);
}
