import { failPoint } from '../../faults/fail-point.ts';
import { fail, unreachable } from '../../model/errors.ts';
import { isId } from '../../model/ids.ts';
import { networkOperationKinds } from '../../model/operation.ts';
import type { SandboxGoal } from '../../model/sandbox.ts';
import type { ServerCall, ServerFacts, ServerPort, ServerTaken } from '../../model/server.ts';
import { containersOf } from '../../store/containers.ts';
import { isUnfinished } from '../../store/operations.ts';
import { type SandboxRow, sandboxRow, touchSandbox, updateSandbox } from '../../store/sandboxes.ts';
import { giveServerWork, type ServerRow, serverById, serverPorts, serverRow, updateServer, updateServerPort } from '../../store/servers.ts';
import type { StoreTransaction } from '../../store/store.ts';
import { changeSandbox } from '../changes.ts';
import type { Deps } from '../deps.ts';
import { expiryAt } from '../expiry.ts';
import { adopt } from './adoption.ts';
import { writeCall } from './call.ts';
import { madeReady } from './endings.ts';
import { knowServer } from './making-steps.ts';
import { notePorts } from './told-ports.ts';
import { noteVolumes, volumeGone } from './told-volumes.ts';

/** Key of the metadata in which a server names the sandbox that it was made for. */
export const metadataKey = 'zunbox_sandbox';

const nothing: ServerTaken = { sandboxId: null, callId: null };

/** Writes what a compute service wants of a server on a host; see ControlLink.server. */
export async function takeCall(deps: Deps, tx: StoreTransaction, hostname: string, call: ServerCall): Promise<ServerTaken> {
	if (call.kind === 'spawn') return await spawn(deps, tx, hostname, call);
	const server = await serverById(tx, call.serverId);
	const sandbox = server === undefined ? undefined : await sandboxRow(tx, server.sandbox_id);
	if (server === undefined || sandbox === undefined) {
		if (call.kind === 'destroy') return nothing;
		throw fail('not-found', `Server ${call.serverId} is not known here.`);
	}
	if (sandbox.host === null && call.kind === 'power-on') {
		await arrive(deps, tx, sandbox, hostname);
		// Its networks were wired before: nobody says so again.
		await updateServer(tx, sandbox.id, { ready: 1, state: null });
	} else if (sandbox.host !== hostname) {
		if (call.kind === 'destroy' || call.kind === 'detach-port' || call.kind === 'detach-volume') return nothing;
		if (call.kind === 'power-off' && sandbox.host === null) return nothing;
		throw fail('not-found', `Server ${call.serverId} is not on host ${hostname}.`);
	}
	const subject = { deps, tx, server, sandbox };
	const callId = await taken(subject, call);
	failPoint('control.server-call.written');
	await touchSandbox(tx, sandbox.id);
	return { sandboxId: sandbox.id, callId };
}

interface Subject {
	readonly deps: Deps;
	readonly tx: StoreTransaction;
	readonly server: ServerRow;
	readonly sandbox: SandboxRow;
}

/** Answers the call's id; null = it is no operation. */
async function taken(subject: Subject, call: Exclude<ServerCall, { kind: 'spawn' }>): Promise<string | null> {
	const { deps, tx, server, sandbox } = subject;
	switch (call.kind) {
		case 'ready':
			if (server.goal === 'Running') await madeReady(deps, tx, server);
			return null;
		case 'destroy':
			await giveServerWork(tx, sandbox.id);
			return await writeCall(tx, server, 'delete', {});
		case 'power-off':
			await follow(subject, 'Stopped');
			return await writeCall(tx, server, 'stop', { timeout: (await askedTimeout(subject)) ?? call.timeout });
		case 'power-on':
			await notePorts(deps, tx, sandbox, call.ports, true);
			await noteVolumes(deps, tx, sandbox, call.volumes, true);
			await follow(subject, 'Running');
			return await writeCall(tx, server, 'start', {});
		case 'pause':
			await follow(subject, 'Paused');
			return await writeCall(tx, server, 'pause', {});
		case 'unpause':
			await follow(subject, 'Running');
			return await writeCall(tx, server, 'unpause', {});
		case 'plug':
			await notePorts(deps, tx, sandbox, call.ports, true);
			return null;
		case 'attach-port':
			await notePorts(deps, tx, sandbox, [call.port], false);
			return null;
		case 'detach-port':
			await portGone(subject, call.portId);
			return null;
		case 'attach-volume':
			await noteVolumes(deps, tx, sandbox, [call.volume], false);
			return null;
		case 'detach-volume':
			await requireUnmounted(tx, sandbox, call.volumeId);
			await volumeGone(deps, tx, sandbox, call.volumeId);
			return null;
		default:
			return unreachable(call);
	}
}

async function spawn(
	deps: Deps,
	tx: StoreTransaction,
	hostname: string,
	call: { readonly server: ServerFacts; readonly ports: readonly ServerPort[]; readonly volumes: Parameters<typeof noteVolumes>[3] },
): Promise<ServerTaken> {
	const facts = call.server;
	const server = (await serverById(tx, facts.serverId)) ?? (await askedFor(deps, tx, facts)) ?? (await adopt(deps, tx, hostname, facts));
	const sandbox = await sandboxRow(tx, server.sandbox_id);
	if (sandbox === undefined || sandbox.desired_status === 'Deleted' || server.stage === 'failed') {
		throw fail('conflict', `Sandbox ${server.sandbox_id} of server ${facts.serverId} is being deleted.`);
	}
	await requireDataHere(tx, sandbox, hostname);
	const again = sandbox.host === hostname && server.goal === 'Running';
	if (!again) {
		await arrive(deps, tx, sandbox, hostname);
		await updateServer(tx, sandbox.id, { ready: 0, state: null });
	}
	await notePorts(deps, tx, sandbox, call.ports, true);
	await noteVolumes(deps, tx, sandbox, call.volumes, true);
	const callId = await writeCall(tx, server, 'create', {});
	await giveServerWork(tx, sandbox.id);
	failPoint('control.server-call.written');
	await touchSandbox(tx, sandbox.id);
	return { sandboxId: sandbox.id, callId };
}

/** The sandbox is on this host from now on, and so is what waits for it. */
async function arrive(deps: Deps, tx: StoreTransaction, sandbox: SandboxRow, hostname: string): Promise<void> {
	const zone = await tx.selectFrom('host').select('availability_zone').where('hostname', '=', hostname).executeTakeFirst();
	const availability_zone = sandbox.availability_zone ?? zone?.availability_zone ?? null;
	await updateSandbox(tx, sandbox.id, { host: hostname, availability_zone }, deps.now());
	await tx.updateTable('claim').set({ host: hostname }).where('sandbox_id', '=', sandbox.id).execute();
	await tx
		.updateTable('operation')
		.set({ host: hostname })
		.where('sandbox_id', '=', sandbox.id)
		.where('host', 'is', null)
		.where(isUnfinished)
		.execute();
}

/**
 * The sandbox that a server says it was made for. What a server says can be anybody's: it must be one whose server is
 * awaited, and of the server's own project. undefined = it names none.
 */
async function askedFor(deps: Deps, tx: StoreTransaction, facts: ServerFacts): Promise<ServerRow | undefined> {
	const named = facts.metadata[metadataKey];
	if (named === undefined || !isId(named)) return undefined;
	const row = await serverRow(tx, named);
	const awaited = row !== undefined && row.asked > 0 && row.stage === 'making' && row.origin === 'made' && row.server_id === null;
	if (!awaited || row.project_id !== facts.projectId) {
		throw fail('conflict', `Server ${facts.serverId} names sandbox ${named} in its metadata (${metadataKey}), which is not its own.`);
	}
	await knowServer(deps, tx, named, facts.serverId);
	return { ...row, server_id: facts.serverId };
}

/** Data of local volumes cannot go along; what is not made yet is made here. */
async function requireDataHere(tx: StoreTransaction, sandbox: SandboxRow, hostname: string): Promise<void> {
	const local = await tx
		.selectFrom('volume_attachment')
		.innerJoin('volume', 'volume.id', 'volume_attachment.volume_id')
		.select(['volume.id', 'volume.host'])
		.where('volume_attachment.sandbox_id', '=', sandbox.id)
		.where('volume.provider', '=', 'local')
		.execute();
	for (const { id, host } of local) {
		if (host === null) await tx.updateTable('volume').set({ host: hostname }).where('id', '=', id).execute();
		else if (host !== hostname) throw fail('conflict', `Volume ${id} of sandbox ${sandbox.id} has its data on host ${host}.`);
	}
}

/** What was done with the compute service's own tools is what is wanted. What a user asked us for says so itself. */
async function follow({ deps, tx, server, sandbox }: Subject, goal: SandboxGoal): Promise<void> {
	if (sandbox.desired_status === 'Deleted' || sandbox.desired_status === goal || server.stage !== 'standing') return;
	const asked = await tx
		.selectFrom('operation')
		.select('id')
		.where('target_id', '=', sandbox.id)
		.where('kind', 'not in', ['update', ...networkOperationKinds])
		.where(isUnfinished)
		.executeTakeFirst();
	if (asked !== undefined) return;
	await changeSandbox(tx, sandbox, { desired_status: goal, ...expiryAt(sandbox, goal, deps.now()) }, deps.now());
}

/** Seconds of grace that a user gave with the stop that this is; the compute service has no word for it. */
async function askedTimeout({ tx, sandbox }: Subject): Promise<number | null> {
	const stop = await tx
		.selectFrom('operation')
		.select('args')
		.where('target_id', '=', sandbox.id)
		.where('kind', '=', 'stop')
		.where(isUnfinished)
		.orderBy('seq')
		.executeTakeFirst();
	const timeout: unknown = stop === undefined ? null : JSON.parse(stop.args)['timeout'];
	return typeof timeout === 'number' ? timeout : null;
}

/** A device is not taken away from under a container: whoever asks for it is told at once. */
async function requireUnmounted(tx: StoreTransaction, sandbox: SandboxRow, volumeId: string): Promise<void> {
	const user = (await containersOf(tx, sandbox.id)).find(
		({ mounts, runtime_id, desired_status }) => runtime_id !== null && desired_status !== 'Deleted' && mounts.includes(`"${volumeId}"`),
	);
	if (user !== undefined) throw fail('conflict', `Volume ${volumeId} is mounted by container ${user.name} (${user.id}): delete it first.`);
}

/** Whoever asked for it, it is to go: the provisioner sees to the rest. */
async function portGone({ tx, sandbox }: Subject, portId: string): Promise<void> {
	const port = (await serverPorts(tx, sandbox.id)).find(({ port_id }) => port_id === portId);
	if (port === undefined) return;
	await updateServerPort(tx, port, { binding: null, active: 0, detaching: 1 });
	await giveServerWork(tx, sandbox.id);
}
