import { failPoint } from '../faults/fail-point.ts';
import type { Principal } from '../model/principal.ts';
import { type ContainerRow, containersOf } from '../store/containers.ts';
import { insertEvent } from '../store/events.ts';
import { endOperations, insertOperation, overtakeOperations } from '../store/operations.ts';
import { type SandboxRow, sandboxRow, touchSandbox } from '../store/sandboxes.ts';
import { giveServerWork, serverRow } from '../store/servers.ts';
import type { StoreTransaction } from '../store/store.ts';
import { changeContainer, changeSandbox } from './changes.ts';
import type { Deps } from './deps.ts';
import { sandboxSize } from './sizes.ts';

/** Who asks for something: a user's request, or the service itself in that user's name. */
export type Asker = Pick<Principal, 'requestId' | 'userId'>;

/** How operations end that a delete has overtaken: it waits for none of them. */
const overtaken = 'It was deleted meanwhile.';

/** Marks a sandbox and all in it for deletion. What has no host goes at once. */
export async function askSandboxDelete(deps: Deps, tx: StoreTransaction, asker: Asker, row: SandboxRow): Promise<void> {
	const now = deps.now();
	await overtakeOperations(tx, row.id, overtaken, now);
	await insertOperation(
		tx,
		{
			requestId: asker.requestId,
			projectId: row.project_id,
			userId: asker.userId,
			target: 'sandbox',
			targetId: row.id,
			sandboxId: row.id,
			kind: 'delete',
			host: row.host,
		},
		now,
	);
	for (const container of await containersOf(tx, row.id)) {
		await overtakeOperations(tx, container.id, overtaken, now);
		await changeContainer(tx, container, { status: 'Deleting', task_state: 'container_deleting', desired_status: 'Deleted' }, now);
	}
	await changeSandbox(tx, row, { status: 'Deleting', task_state: 'sandbox_deleting', desired_status: 'Deleted' }, now);
	if (deps.compute !== undefined && (await serverRow(tx, row.id)) !== undefined) return await giveServerWork(tx, row.id);
	if (!(await isHeld(tx, row))) await dropSandbox(deps, tx, row);
}

/** Marks a container for deletion. What has no host goes at once, and its sandbox with it if it was made for it. */
export async function askContainerDelete(deps: Deps, tx: StoreTransaction, asker: Asker, row: ContainerRow, stop: boolean): Promise<void> {
	const now = deps.now();
	const sandbox = await sandboxRow(tx, row.sandbox_id);
	await overtakeOperations(tx, row.id, overtaken, now);
	await insertOperation(
		tx,
		{
			requestId: asker.requestId,
			projectId: row.project_id,
			userId: asker.userId,
			target: 'container',
			targetId: row.id,
			sandboxId: row.sandbox_id,
			kind: 'delete',
			args: { stop },
			host: sandbox?.host ?? null,
		},
		now,
	);
	await changeContainer(tx, row, { status: 'Deleting', task_state: 'container_deleting', desired_status: 'Deleted' }, now);
	await touchSandbox(tx, row.sandbox_id);
	if (sandbox === undefined || !(await isHeld(tx, sandbox)) || !(await hasContainers(deps, tx, sandbox)))
		await dropContainer(deps, tx, row);
}

/** Whether a host that can be expected to come back may hold something of the sandbox. */
async function isHeld(tx: StoreTransaction, sandbox: SandboxRow): Promise<boolean> {
	if (sandbox.host === null) return false;
	const host = await tx.selectFrom('host').select(['forced_down']).where('hostname', '=', sandbox.host).executeTakeFirst();
	return host !== undefined && host.forced_down === 0;
}

/** Whether its host was told of what is in it: a server's host is told only when its ports are wired. */
async function hasContainers(deps: Deps, tx: StoreTransaction, sandbox: SandboxRow): Promise<boolean> {
	const server = deps.compute === undefined ? undefined : await serverRow(tx, sandbox.id);
	return server === undefined || server.ready === 1;
}

/** The container is gone from its host: so is its row, and a sandbox that was made for it follows. */
export async function dropContainer(deps: Deps, tx: StoreTransaction, row: ContainerRow): Promise<void> {
	const now = deps.now();
	await deps.network.unexposePorts(tx, row.id);
	await endOperations(tx, row.id, null, now);
	await tx.deleteFrom('container').where('id', '=', row.id).execute();
	await deps.volumes.unmount(tx, row.sandbox_id, JSON.parse(row.mounts));
	await insertEvent(
		tx,
		{
			projectId: row.project_id,
			kind: 'container.deleted',
			sandboxId: row.sandbox_id,
			containerId: row.id,
			status: 'Deleted',
			reason: null,
			detail: { name: row.name, from: row.status },
		},
		now,
	);
	failPoint('control.drop-container.dropped');
	const sandbox = await sandboxRow(tx, row.sandbox_id);
	if (sandbox === undefined) return;
	if (sandbox.desired_status === 'Deleted') return;
	const left = await containersOf(tx, sandbox.id);
	if (sandbox.created_by === 'container' && left.length === 0) {
		await askSandboxDelete(deps, tx, { requestId: systemRequest(row.id), userId: row.user_id }, sandbox);
	} else {
		await deps.placement.resize(tx, sandbox.id, await sandboxSize(tx, sandbox.id));
		await touchSandbox(tx, sandbox.id);
	}
}

/** Nothing of the sandbox is left on a host: its row goes, and all that hung on it. */
export async function dropSandbox(deps: Deps, tx: StoreTransaction, row: SandboxRow): Promise<void> {
	const now = deps.now();
	for (const container of await containersOf(tx, row.id)) await dropContainer(deps, tx, container);
	await deps.volumes.release(tx, row.id);
	await deps.network.release(tx, row.id);
	await deps.placement.release(tx, row.id);
	await endOperations(tx, row.id, null, now);
	await tx.deleteFrom('sandbox').where('id', '=', row.id).execute();
	await insertEvent(
		tx,
		{
			projectId: row.project_id,
			kind: 'sandbox.deleted',
			sandboxId: row.id,
			containerId: null,
			status: 'Deleted',
			reason: null,
			detail: { name: row.name, from: row.status },
		},
		now,
	);
	failPoint('control.drop-sandbox.dropped');
}

/** Request id of an operation that the service asked for itself, derived from what caused it. */
export function systemRequest(cause: string): string {
	return `req-system-${cause}`;
}
