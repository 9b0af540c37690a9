import { failPoint } from '../../faults/fail-point.ts';
import { isNotFound, type ProviderError } from '../../providers/provider-error.ts';
import { fromJson } from '../../store/json.ts';
import { updateSandbox } from '../../store/sandboxes.ts';
import { deleteServerPort, type ServerGroupRow, type ServerPortRow, updateServerPort } from '../../store/servers.ts';
import { mirrored } from './making-steps.ts';
import { done, lookAgain, type StepContext, type StepResult, serverIdOf } from './step-context.ts';

/** What somebody else put there keeps the groups that it has. */
export async function learnPort({ deps, compute, signal }: StepContext, port: ServerPortRow, portId: string): Promise<StepResult> {
	const facts = await compute.ports.port(portId, signal);
	const groups = facts === null ? [] : facts.groupIds;
	const known = facts === null ? { groups_set: '[]', secured: 0 } : mirrored(facts);
	await deps.store.transaction((tx) => updateServerPort(tx, port, { ...known, security_groups: JSON.stringify(groups) }));
	return done;
}

export async function setGroups(
	{ deps, compute, signal }: StepContext,
	port: ServerPortRow,
	portId: string,
	groupIds: readonly string[],
): Promise<StepResult> {
	await compute.ports.setGroups(portId, groupIds, signal);
	failPoint('control.server.groups-set');
	await deps.store.transaction((tx) => updateServerPort(tx, port, { groups_set: JSON.stringify(groupIds) }));
	return done;
}

/** The compute service plugs it; its host is told of it before this ends. */
export async function attachPort(context: StepContext, port: ServerPortRow, portId: string): Promise<StepResult> {
	const { deps, compute, sight, signal } = context;
	const serverId = serverIdOf(sight);
	const attached = await compute.provider.attachedPorts(serverId, signal);
	if (!attached.includes(portId)) await compute.provider.attachPort(serverId, portId, signal);
	failPoint('control.server.port-attached');
	await deps.store.transaction((tx) => updateServerPort(tx, port, { attached: 1 }));
	return done;
}

/** Asked for once, and again where nothing came of it for long. */
export async function detachPort(context: StepContext, port: ServerPortRow, portId: string): Promise<StepResult> {
	const { deps, compute, sight, looks, signal } = context;
	const serverId = serverIdOf(sight);
	const attached = await compute.provider.attachedPorts(serverId, signal);
	if (!attached.includes(portId)) {
		await deps.store.transaction((tx) => updateServerPort(tx, port, { attached: 0, binding: null, active: 0 }));
		return done;
	}
	if (looks % looksBeforeRepeat === 0) await compute.provider.detachPort(serverId, portId, signal);
	failPoint('control.server.port-detaching');
	return lookAgain(context);
}

const looksBeforeRepeat = 30;

/** Made by us, it goes, also if its making was never heard of; a user's own gets the groups back that are its own. */
export async function removePort({ deps, compute, sight, signal }: StepContext, port: ServerPortRow): Promise<StepResult> {
	if (port.made === 1) {
		const { project_id: projectId, position } = port;
		const found =
			port.port_id === null && port.asked === 1 ? await compute.ports.find(projectId, sight.sandbox.id, position, signal) : null;
		const portId = port.port_id ?? found?.portId ?? null;
		if (portId !== null) await compute.ports.remove(portId, signal);
	} else await giveGroupsBack({ compute, sight, signal }, port);
	failPoint('control.server.port-removed');
	await deps.store.transaction(async (tx) => {
		await deleteServerPort(tx, port);
		await updateSandbox(tx, sight.sandbox.id, {}, deps.now());
	});
	return done;
}

async function giveGroupsBack({ compute, sight, signal }: Pick<StepContext, 'compute' | 'sight' | 'signal'>, port: ServerPortRow) {
	const { port_id: portId, groups_set: set } = port;
	if (portId === null || set === null || port.secured === 0) return;
	const exposing = new Set(sight.groups.flatMap(({ group_id }) => group_id ?? []));
	if (!fromJson<string[]>(set).some((id) => exposing.has(id))) return;
	try {
		await compute.ports.setGroups(portId, fromJson<string[]>(port.security_groups), signal);
	} catch (error) {
		if (!isNotFound(error)) throw error;
	}
}

export async function removeGroup({ deps, compute, signal }: StepContext, group: ServerGroupRow): Promise<StepResult> {
	const id = group.group_id ?? (await compute.ports.findExposing(group.project_id, group.container_id, signal));
	if (id !== null) await compute.ports.removeGroup(id, signal);
	failPoint('control.server.group-removed');
	await deps.store.transaction((tx) => tx.deleteFrom('server_group').where('container_id', '=', group.container_id).execute());
	return done;
}

/** All that was asked of its networks is so. */
export async function endNetworkOperations({ deps, sight }: StepContext): Promise<StepResult> {
	await deps.store.transaction(async (tx) => {
		for (const { id } of sight.networkOperations) {
			await tx.updateTable('operation').set({ state: 'done', finished_at: deps.now() }).where('id', '=', id).execute();
		}
	});
	return done;
}

/**
 * What cannot be had of its networks is given up: the operations that asked for it fail with the reason, and what is
 * wanted is what there is.
 */
export async function giveUp(context: StepContext, error: ProviderError): Promise<void> {
	const { deps, sight } = context;
	await deps.store.transaction(async (tx) => {
		for (const { id } of sight.networkOperations) {
			await tx
				.updateTable('operation')
				.set({ state: 'failed', error: error.message, finished_at: deps.now() })
				.where('id', '=', id)
				.execute();
		}
		for (const port of sight.ports) {
			if (port.attached === 0) await updateServerPort(tx, port, { detaching: 1 });
			const exposing = new Set(sight.groups.flatMap(({ group_id }) => group_id ?? []));
			const set = port.groups_set === null ? null : fromJson<string[]>(port.groups_set).filter((id) => !exposing.has(id));
			if (set !== null) await updateServerPort(tx, port, { security_groups: JSON.stringify(set) });
		}
		for (const group of sight.groups) {
			if (group.rules_made === 1) continue;
			await tx.updateTable('server_group').set({ removing: 1 }).where('container_id', '=', group.container_id).execute();
		}
	});
}
