import type { FixedIp } from '../../model/network.ts';
import type { Delegation } from '../delegation.ts';

/** What a network service outside is asked to do for sandboxes. Each call fails with a ProviderError, or with the signal's reason. */
export interface PortService {
	/** Makes a port in the user's name. Not to be repeated without looking with `find` first. */
	create(order: PortOrder, user: Delegation, signal: AbortSignal): Promise<PortFacts>;
	/** The port of the project that was made for this place of the sandbox; null = there is none. */
	find(projectId: string, sandboxId: string, position: number, signal: AbortSignal): Promise<PortFacts | null>;
	/** null = there is none, or not any more. */
	port(portId: string, signal: AbortSignal): Promise<PortFacts | null>;
	setGroups(portId: string, groupIds: readonly string[], signal: AbortSignal): Promise<void>;
	/** What is gone already is no error. */
	remove(portId: string, signal: AbortSignal): Promise<void>;
	/** The group that opens a container's exposed ports, made if it is not there. Answers its id. */
	ensureExposing(order: ExposingOrder, signal: AbortSignal): Promise<string>;
	/** Id of that group; null = there is none. */
	findExposing(projectId: string, containerId: string, signal: AbortSignal): Promise<string | null>;
	/** What is gone already is no error. `conflict` while a port is in it. */
	removeGroup(groupId: string, signal: AbortSignal): Promise<void>;
}

export interface PortOrder {
	readonly sandboxId: string;
	readonly position: number;
	readonly projectId: string;
	readonly networkId: string;
	/** Chosen addresses; those of other families are the network service's choice. */
	readonly addresses: readonly string[];
	readonly macAddress: string | null;
	/** null = the network has no port security. */
	readonly groupIds: readonly string[] | null;
	readonly requestId: string;
}

export interface PortFacts {
	readonly portId: string;
	readonly projectId: string;
	readonly networkId: string;
	readonly macAddress: string;
	readonly fixedIps: readonly FixedIp[];
	readonly groupIds: readonly string[];
	/** Id of what has it; empty = nothing. */
	readonly deviceId: string;
}

export interface ExposingOrder {
	readonly containerId: string;
	readonly projectId: string;
	readonly ports: readonly { readonly port: number; readonly protocol: string }[];
}
