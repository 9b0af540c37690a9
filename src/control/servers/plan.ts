import type { SandboxOperationKind } from '../../model/operation.ts';
import type { ServerAction, ServerState } from '../../providers/compute/compute-provider.ts';
import { fromJson } from '../../store/json.ts';
import type { ServerGroupRow, ServerPortRow, ServerVolumeSight } from '../../store/servers.ts';
import type { ServerSight } from './sight.ts';

/** One thing to do about a sandbox's server at other services, or to look for there. Each is an ensure. */
export type ServerStep =
	| { readonly kind: 'make-group'; readonly group: ServerGroupRow }
	| { readonly kind: 'make-port'; readonly port: ServerPortRow; readonly groupIds: readonly string[] | null }
	/** A port that somebody else put there: its groups are not known. */
	| { readonly kind: 'learn-port'; readonly port: ServerPortRow; readonly portId: string }
	| { readonly kind: 'set-groups'; readonly port: ServerPortRow; readonly portId: string; readonly groupIds: readonly string[] }
	| { readonly kind: 'make-volume'; readonly volume: ServerVolumeSight }
	/** What becomes of its making. */
	| { readonly kind: 'follow-volume'; readonly volume: ServerVolumeSight; readonly volumeId: string }
	| { readonly kind: 'attach-volume'; readonly volume: ServerVolumeSight; readonly volumeId: string }
	| { readonly kind: 'detach-volume'; readonly volume: ServerVolumeSight; readonly volumeId: string }
	/** Made by us, and not to be kept: the volume goes; any other is only forgotten. */
	| { readonly kind: 'remove-volume'; readonly volume: ServerVolumeSight }
	| { readonly kind: 'make-server' }
	/** What becomes of its making. */
	| { readonly kind: 'follow-making' }
	| { readonly kind: 'attach-port'; readonly port: ServerPortRow; readonly portId: string }
	| { readonly kind: 'detach-port'; readonly port: ServerPortRow; readonly portId: string }
	/** Made by us: the port goes; a user's own is only forgotten. */
	| { readonly kind: 'remove-port'; readonly port: ServerPortRow }
	| { readonly kind: 'remove-group'; readonly group: ServerGroupRow }
	| { readonly kind: 'end-network-operations' }
	| { readonly kind: 'act'; readonly operationId: string; readonly action: ServerAction; readonly wanted: ServerState }
	/** It is on no host, and nobody said why. */
	| { readonly kind: 'look' }
	| { readonly kind: 'remove-server' }
	/** The compute service has nothing of it any more, and its host still has. */
	| { readonly kind: 'leave-host' }
	/** Nothing is left of it anywhere: the sandbox goes, or stays in Error with nothing. */
	| { readonly kind: 'finish' };

/**
 * What to do next about a sandbox that is a server; null = nothing until something changes. Pure. What is to go goes in
 * the order opposite to its making, and only what is known to be gone is forgotten.
 */
export function nextStep(sight: ServerSight): ServerStep | null {
	const { sandbox, server } = sight;
	if (sandbox.desired_status === 'Deleted' || server.stage === 'failed') return removal(sight);
	return server.stage === 'making' ? making(sight) : standing(sight);
}

function removal({ sandbox, server, ports, groups, volumes }: ServerSight): ServerStep {
	const mayBeThere = server.server_id !== null || server.asked > 0;
	if (mayBeThere && server.state !== 'gone') return { kind: 'remove-server' };
	if (sandbox.host !== null) return { kind: 'leave-host' };
	const [port] = ports;
	if (port !== undefined) return { kind: 'remove-port', port };
	const [group] = groups;
	if (group !== undefined) return { kind: 'remove-group', group };
	const [volume] = volumes;
	if (volume !== undefined) return { kind: 'remove-volume', volume };
	return { kind: 'finish' };
}

function making(sight: ServerSight): ServerStep | null {
	const { server, ports, groups, volumes } = sight;
	if (server.server_id !== null) return { kind: 'follow-making' };
	const unmade = groups.find((group) => group.removing === 0 && !isMade(group));
	if (unmade !== undefined) return { kind: 'make-group', group: unmade };
	if (server.asked === 0) {
		const leaving = ports.find((port) => port.detaching === 1);
		if (leaving !== undefined) return { kind: 'remove-port', port: leaving };
	}
	const unwanted = volumes.find((volume) => volume.leaving === 1);
	if (unwanted !== undefined) return { kind: 'remove-volume', volume: unwanted };
	return portToMake(sight) ?? groupsToSet(sight) ?? volumeToMake(sight) ?? { kind: 'make-server' };
}

function standing(sight: ServerSight): ServerStep | null {
	const { server, sandbox, ports, groups, networkOperations } = sight;
	// What is in error on no host stays so until its maker does something about it.
	if (sandbox.host === null && server.call_id === null && server.state !== 'error') return { kind: 'look' };
	const unmade = groups.find((group) => group.removing === 0 && !isMade(group));
	if (unmade !== undefined) return { kind: 'make-group', group: unmade };
	const ofPorts = portToMake(sight) ?? groupsToSet(sight);
	if (ofPorts !== null) return ofPorts;
	const leaving = ports.find((port) => port.detaching === 1);
	if (leaving !== undefined) {
		const { port_id: portId } = leaving;
		return leaving.attached === 1 && portId !== null
			? { kind: 'detach-port', port: leaving, portId }
			: { kind: 'remove-port', port: leaving };
	}
	for (const port of ports) {
		if (port.attached === 0 && port.port_id !== null) return { kind: 'attach-port', port, portId: port.port_id };
	}
	const removed = groups.find((group) => group.removing === 1);
	if (removed !== undefined) return { kind: 'remove-group', group: removed };
	if (networkOperations.length > 0) return { kind: 'end-network-operations' };
	return action(sight) ?? volumeToMake(sight) ?? volumeToConnect(sight) ?? volumeToRemove(sight);
}

function isMade(group: ServerGroupRow): boolean {
	return group.group_id !== null && group.rules_made === 1;
}

function portToMake(sight: ServerSight): ServerStep | null {
	for (const port of sight.ports) {
		if (port.detaching === 1) continue;
		if (port.port_id === null) return { kind: 'make-port', port, groupIds: port.secured === 1 ? wantedGroups(sight, port) : null };
		if (port.groups_set === null && port.secured === 1) return { kind: 'learn-port', port, portId: port.port_id };
	}
	return null;
}

function groupsToSet(sight: ServerSight): ServerStep | null {
	for (const port of sight.ports) {
		if (port.secured === 0 || port.port_id === null || port.detaching === 1 || port.groups_set === null) continue;
		const groupIds = wantedGroups(sight, port);
		if (JSON.stringify(groupIds) !== port.groups_set) return { kind: 'set-groups', port, portId: port.port_id, groupIds };
	}
	return null;
}

function volumeToMake({ volumes }: ServerSight): ServerStep | null {
	for (const volume of volumes) {
		if (volume.leaving === 1) continue;
		if (volume.volume_id === null) return { kind: 'make-volume', volume };
		if (volume.ready === 0) return { kind: 'follow-volume', volume, volumeId: volume.volume_id };
	}
	return null;
}

function volumeToConnect({ volumes }: ServerSight): ServerStep | null {
	for (const volume of volumes) {
		if (volume.leaving === 1 || volume.volume_id === null || volume.device !== null) continue;
		return { kind: 'attach-volume', volume, volumeId: volume.volume_id };
	}
	return null;
}

function volumeToRemove({ volumes }: ServerSight): ServerStep | null {
	const volume = volumes.find(({ leaving }) => leaving === 1);
	if (volume === undefined) return null;
	return volume.volume_id !== null && volume.attached === 1
		? { kind: 'detach-volume', volume, volumeId: volume.volume_id }
		: { kind: 'remove-volume', volume };
}

/** Sorted: its own, and those that open exposed ports. */
export function wantedGroups({ groups }: Pick<ServerSight, 'groups'>, port: ServerPortRow): readonly string[] {
	const exposing = groups.flatMap(({ group_id, removing }) => (group_id === null || removing === 1 ? [] : group_id));
	return [...new Set([...fromJson<string[]>(port.security_groups), ...exposing])].sort();
}

const actions: Partial<Record<SandboxOperationKind, { readonly action: ServerAction; readonly wanted: ServerState }>> = {
	start: { action: 'start', wanted: 'running' },
	stop: { action: 'stop', wanted: 'stopped' },
	pause: { action: 'pause', wanted: 'paused' },
	unpause: { action: 'unpause', wanted: 'running' },
};

function action({ operation }: ServerSight): ServerStep | null {
	if (operation === null || !Object.hasOwn(actions, operation.kind)) return null;
	const found = Object.entries(actions).find(([kind]) => kind === operation.kind)?.[1];
	return found === undefined ? null : { kind: 'act', operationId: operation.id, ...found };
}
