/**
 * The sandbox: the isolated environment that owns what the infrastructure gives. Containers join it.
 * Three fields say how it stands: `desiredStatus` (what was asked for), `status` (what was seen) and
 * `taskState` (what is in progress).
 */
export const sandboxStatuses = ['Creating', 'Running', 'Stopped', 'Paused', 'Error', 'Deleting', 'Unknown'] as const;
export type SandboxStatus = (typeof sandboxStatuses)[number];

export type SandboxGoal = 'Running' | 'Stopped' | 'Paused' | 'Deleted';

/** Who made the sandbox: one made for a container or a capsule goes when that goes. */
export type SandboxCreator = 'user' | 'container' | 'capsule';

/** Which namespaces the containers share with the sandbox. The network is always shared. */
export interface SandboxNamespaces {
	readonly net: true;
	readonly ipc: boolean;
	readonly pid: boolean;
}

export interface Sandbox {
	readonly id: string;
	readonly name: string;
	readonly projectId: string;
	readonly userId: string;
	/** Name of the host it is placed on; null when no host was found. */
	readonly host: string | null;
	readonly availabilityZone: string | null;
	/** Driver that makes it, such as `docker`. */
	readonly driver: string;
	/** What providers call it, such as `{ "nova": "<server id>" }`. */
	readonly providerIds: Readonly<Record<string, string>>;
	readonly status: SandboxStatus;
	readonly statusReason: string | null;
	readonly taskState: string | null;
	readonly desiredStatus: SandboxGoal;
	readonly labels: Readonly<Record<string, string>>;
	readonly hostname: string;
	/** Cores that all its containers may use together; null = no limit of its own. */
	readonly cpu: number | null;
	/** MiB that all its containers may use together; null = no limit of its own. */
	readonly memory: number | null;
	/** GiB claimed on the host for its containers' layers; null = none. */
	readonly disk: number | null;
	readonly namespaces: SandboxNamespaces;
	/** OCI runtime, such as `runc`; null = the driver's default. */
	readonly runtime: string | null;
	/** Scheduler hints as they were given. */
	readonly hints: Readonly<Record<string, unknown>>;
	readonly createdBy: SandboxCreator;
	/** When it ends by itself, ms since the epoch; null = never. Meaningless while `expiresRemaining` is set. */
	readonly expiresAt: number | null;
	/** Remaining ms of its time while it is paused, when the clock does not run; null otherwise. */
	readonly expiresRemaining: number | null;
	/** Times in ms since the epoch. */
	readonly createdAt: number;
	readonly updatedAt: number;
	/** Grows by one with each change: the optimistic lock. */
	readonly version: number;
}
