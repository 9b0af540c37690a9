import type { Principal } from '../../model/principal.ts';
import type { SandboxRow } from '../../store/sandboxes.ts';
import { insertServer, type ServerRow } from '../../store/servers.ts';
import type { StoreTransaction } from '../../store/store.ts';
import type { Deps } from '../deps.ts';
import { sealDelegation } from './delegation.ts';
import type { ServerRequest } from './request.ts';

/** Writes that the sandbox is to be a server, and in whose name it is made. */
export async function insertServerOf(
	deps: Deps,
	tx: StoreTransaction,
	principal: Principal,
	sandboxId: string,
	request: ServerRequest,
): Promise<void> {
	if (deps.compute === undefined) throw new Error('a server was asked for where there is no compute service');
	const delegation = sealDelegation(deps.compute.sealer, sandboxId, principal);
	await insertServer(tx, newServer(sandboxId, principal.projectId, request, deps.now(), { delegation }));
}

export function newServer(
	sandboxId: string,
	projectId: string,
	request: ServerRequest,
	now: number,
	change: Partial<ServerRow> = {},
): ServerRow {
	return {
		sandbox_id: sandboxId,
		project_id: projectId,
		server_id: null,
		origin: 'made',
		request: JSON.stringify(request),
		vcpus: request.vcpus,
		memory_mib: request.memoryMib,
		disk_gib: request.diskGib,
		delegation: null,
		stage: 'making',
		asked: 0,
		state: null,
		goal: null,
		call_id: null,
		call_kind: null,
		call_args: null,
		call_started_at: null,
		call_error: null,
		ready: 0,
		acted_for: null,
		work: 1,
		error: null,
		created_at: now,
		...change,
	};
}

/** Whether it is still to be placed by a compute service: what is asked of it and of what is in it waits. */
export function isPending(row: Pick<SandboxRow, 'host' | 'status'>): boolean {
	return row.host === null && row.status === 'Creating';
}
