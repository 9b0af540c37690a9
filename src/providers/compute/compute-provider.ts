import type { Principal } from '../../model/principal.ts';
import type { Delegation } from '../delegation.ts';

/**
 * A compute service that provisions sandboxes as its servers: it schedules them, and its driver on the chosen host hands
 * them to the agent. Each call fails with a ProviderError, or with the signal's reason.
 */
export interface ComputeProvider {
	/** What a server for such a sandbox is made of, found with the user's rights. Throws ZunboxError for what the user got wrong. */
	choose(principal: Principal, wish: ServerWish, signal: AbortSignal): Promise<ServerChoice>;
	/** Answers its id. Not to be repeated without looking with `find` first. */
	create(order: ServerOrder, user: Delegation, signal: AbortSignal): Promise<string>;
	/** Servers that were made for the sandbox. */
	find(sandboxId: string, signal: AbortSignal): Promise<readonly ServerView[]>;
	/** null = there is none, or not any more. */
	server(serverId: string, signal: AbortSignal): Promise<ServerView | null>;
	/** All servers, or those that changed since then (ms since the epoch), deleted ones included. */
	servers(changedSince: number | null, signal: AbortSignal): Promise<readonly ServerView[]>;
	/** What is in that state already, or on its way there, may be a `conflict`. */
	act(serverId: string, action: ServerAction, signal: AbortSignal): Promise<void>;
	/** What is gone already is no error. It is not gone yet when this answers. `force` = also where it is stuck in something else. */
	remove(serverId: string, force: boolean, signal: AbortSignal): Promise<void>;
	attachPort(serverId: string, portId: string, signal: AbortSignal): Promise<void>;
	/** What is not attached is no error. It is not detached yet when this answers. */
	detachPort(serverId: string, portId: string, signal: AbortSignal): Promise<void>;
	/** Ids of the ports that it has. */
	attachedPorts(serverId: string, signal: AbortSignal): Promise<readonly string[]>;
	/** Its host has it some time after this answers. */
	attachVolume(serverId: string, volumeId: string, signal: AbortSignal): Promise<void>;
	/** What is not attached is no error. It is not detached yet when this answers. */
	detachVolume(serverId: string, volumeId: string, signal: AbortSignal): Promise<void>;
	/** Ids of the volumes that it has, or is given at this moment. */
	attachedVolumes(serverId: string, signal: AbortSignal): Promise<readonly string[]>;
}

/** `reboot` also brings back a server that is in state `error`. */
export type ServerAction = 'start' | 'stop' | 'pause' | 'unpause' | 'reboot';

/** What is asked of a server for a sandbox. Sizes in MiB and GiB. */
export interface ServerWish {
	readonly cpu: number;
	readonly memoryMib: number;
	readonly diskGib: number;
	/** Id or name; null = the smallest that fits. */
	readonly flavor: string | null;
}

export interface ServerChoice {
	readonly flavorId: string;
	readonly imageId: string;
	readonly vcpus: number;
	readonly memoryMib: number;
	readonly diskGib: number;
}

/** A server to be made. */
export interface ServerOrder {
	readonly sandboxId: string;
	readonly name: string;
	readonly flavorId: string;
	readonly imageId: string;
	/** As the compute service reads it: `zone`, or `zone:host`; null = any. */
	readonly availabilityZone: string | null;
	readonly hints: Readonly<Record<string, unknown>>;
	/** In the order of their interfaces. */
	readonly portIds: readonly string[];
	/** `req-<uuid>` of the request that it is made for. */
	readonly requestId: string;
}

/**
 * `busy` = something is being done to it; `other` = a state of the compute service that has no counterpart here;
 * `gone` = deleted.
 */
export type ServerState = 'building' | 'running' | 'stopped' | 'paused' | 'error' | 'other' | 'gone';

export interface ServerView {
	readonly serverId: string;
	readonly projectId: string;
	readonly state: ServerState;
	/** Something is being done to it at this moment. */
	readonly busy: boolean;
	/** Why it is in state `error`, or what went wrong last; null = nothing is said. */
	readonly fault: string | null;
	readonly host: string | null;
	readonly availabilityZone: string | null;
}
