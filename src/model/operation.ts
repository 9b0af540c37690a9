import type { ImageSource } from './image-source.ts';

export const sandboxOperationKinds = [
	'create',
	'start',
	'stop',
	'pause',
	'unpause',
	'update',
	'delete',
	'network_attach',
	'network_detach',
] as const;
export type SandboxOperationKind = (typeof sandboxOperationKinds)[number];

/** Changes of what a sandbox is attached to, asked of it or of a container in it. Agents are not told of them. */
export const networkOperationKinds = ['network_attach', 'network_detach', 'add_security_group', 'remove_security_group'] as const;
export type NetworkOperationKind = (typeof networkOperationKinds)[number];

export const containerOperationKinds = [
	'create',
	'start',
	'stop',
	'reboot',
	'pause',
	'unpause',
	'kill',
	'rebuild',
	'update',
	'delete',
	'commit',
	...networkOperationKinds,
] as const;
export type ContainerOperationKind = (typeof containerOperationKinds)[number];

export type OperationState = 'queued' | 'running' | 'done' | 'failed';

/** One durable, ordered step that a user or the system asked for. Zun's API shows it as a container action. */
export interface Operation {
	/** Order of acceptance, over everything. */
	readonly seq: number;
	readonly id: string;
	/** `req-<uuid>` of the request that asked for it. */
	readonly requestId: string;
	readonly projectId: string;
	readonly userId: string;
	readonly target: 'sandbox' | 'container';
	readonly targetId: string;
	readonly sandboxId: string;
	readonly kind: SandboxOperationKind | ContainerOperationKind;
	readonly args: OperationArgs;
	readonly host: string | null;
	readonly state: OperationState;
	readonly attempts: number;
	/** What went wrong, for a failed one. */
	readonly error: string | null;
	/** Times in ms since the epoch. `startedAt` is the agent's clock. */
	readonly createdAt: number;
	readonly startedAt: number | null;
	readonly finishedAt: number | null;
}

/** What an operation needs to know beside its kind. */
export interface OperationArgs {
	/** stop, reboot: seconds of grace before the kill; null = the driver's default of 10. */
	readonly timeout?: number | null;
	/** kill: canonical name such as `SIGHUP`. */
	readonly signal?: string;
	/** create: also start. delete: stop gently first. */
	readonly run?: boolean;
	readonly stop?: boolean;
	/** start: asked for by its capsule when its turn had come. */
	readonly turn?: boolean;
	/** rebuild: whether it ran before, and so runs again. */
	readonly wasRunning?: boolean;
	/** rebuild: what it was made from before, to return to when the new image cannot be had. */
	readonly previous?: { readonly image: string; readonly imageDriver: string; readonly imageSource?: ImageSource | null };
}
