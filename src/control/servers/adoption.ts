import type { ServerFacts } from '../../model/server.ts';
import { insertEvent } from '../../store/events.ts';
import { insertOperation } from '../../store/operations.ts';
import { insertSandbox } from '../../store/sandboxes.ts';
import { insertServer, type ServerRow } from '../../store/servers.ts';
import type { StoreTransaction } from '../../store/store.ts';
import { systemRequest } from '../deletion.ts';
import type { Deps } from '../deps.ts';
import { hostnameFrom } from '../sandbox-creation.ts';
import { newServer } from './record.ts';
import { adoptedRequest } from './request.ts';
import { noHost } from './server-placement.ts';

/**
 * A server that was made with the compute service's own tools is a sandbox like any other, of the project that it is of:
 * containers can be made in it, within what its flavor gives. It has the server's id, and goes with the server.
 */
export async function adopt(deps: Deps, tx: StoreTransaction, hostname: string, facts: ServerFacts): Promise<ServerRow> {
	const now = deps.now();
	const { serverId: id, name, projectId, userId } = facts;
	const requestId = systemRequest(id);
	await insertSandbox(tx, {
		id,
		name: name === '' ? id : name.slice(0, 255),
		project_id: projectId,
		user_id: userId,
		host: null,
		availability_zone: null,
		requested_host: null,
		driver: deps.options.driver,
		provider_ids: JSON.stringify({ nova: id }),
		status: 'Creating',
		status_reason: null,
		task_state: 'sandbox_creating',
		desired_status: 'Running',
		labels: '{}',
		hostname: hostnameFrom(facts.hostname === '' ? name : facts.hostname, id),
		cpu: facts.vcpus,
		memory: facts.memoryMib,
		disk: null,
		namespaces: JSON.stringify({ net: true, ipc: true, pid: true }),
		runtime: null,
		hints: '{}',
		created_by: 'user',
		expires_at: null,
		expires_remaining: null,
		created_at: now,
		updated_at: now,
		version: 1,
		spec_version: 1,
	});
	const request = adoptedRequest(facts.vcpus, facts.memoryMib, facts.diskGib, requestId);
	const server = newServer(id, projectId, request, now, { server_id: id, origin: 'adopted', asked: 1 });
	await insertServer(tx, server);
	await tx
		.insertInto('claim')
		.values({ sandbox_id: id, host: noHost, project_id: projectId, cpu: facts.vcpus, memory_mib: facts.memoryMib, disk_gib: facts.diskGib })
		.execute();
	await insertOperation(
		tx,
		{ requestId, projectId, userId, target: 'sandbox', targetId: id, sandboxId: id, kind: 'create', host: hostname },
		now,
	);
	await insertEvent(
		tx,
		{ projectId, kind: 'sandbox.created', sandboxId: id, containerId: null, status: 'Creating', reason: null, detail: { name } },
		now,
	);
	return server;
}
