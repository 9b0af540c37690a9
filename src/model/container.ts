/** Zun's container statuses. */
export const containerStatuses = [
	'Creating',
	'Created',
	'Running',
	'Stopped',
	'Paused',
	'Restarting',
	'Rebuilding',
	'Deleting',
	'Deleted',
	'Error',
	'Dead',
	'Unknown',
] as const;
export type ContainerStatus = (typeof containerStatuses)[number];

/** What was asked for. `Created` = made and not started yet. */
export type ContainerGoal = 'Created' | 'Running' | 'Stopped' | 'Paused' | 'Deleted';

export type RestartPolicyName = 'no' | 'always' | 'on-failure' | 'unless-stopped';

export interface RestartPolicy {
	readonly name: RestartPolicyName;
	/** For `on-failure`: how often at most; 0 = without limit. */
	readonly maximumRetryCount: number;
}

/** A command that tells whether the container is healthy. Times in seconds. */
export interface HealthCheck {
	/** Run by the container's shell. */
	readonly test: string;
	readonly interval: number;
	readonly timeout: number;
	readonly retries: number;
}

export type Health = 'starting' | 'healthy' | 'unhealthy';

export type ImagePullPolicy = 'never' | 'always' | 'ifnotpresent';

/** What the container sees mounted. */
export interface ContainerMount {
	readonly type: 'volume' | 'bind';
	/** Id of the volume; for `bind`, the id of the injected file. */
	readonly volumeId: string;
	/** Absolute path in the container. */
	readonly destination: string;
	readonly readOnly: boolean;
}

/** Progress of the pull of its image. Bytes are those of the layers known so far. */
export interface PullProgress {
	readonly layersDone: number;
	readonly layersTotal: number;
	readonly bytesDone: number;
	readonly bytesTotal: number;
}

/** `container` = made through /containers; the others are members of a capsule. */
export type ContainerKind = 'container' | 'capsule' | 'capsule_init';

export interface Container {
	readonly id: string;
	readonly name: string;
	readonly projectId: string;
	readonly userId: string;
	readonly sandboxId: string;
	readonly kind: ContainerKind;
	/** Position in a capsule's template; 0 otherwise. */
	readonly ordinal: number;
	/** As it was given. */
	readonly image: string;
	readonly imageDriver: 'docker' | 'glance';
	readonly imagePullPolicy: ImagePullPolicy;
	readonly registryId: string | null;
	/** null = the image's own. */
	readonly command: readonly string[] | null;
	readonly entrypoint: readonly string[] | null;
	/** Cores; null = no limit. */
	readonly cpu: number | null;
	readonly cpuPolicy: 'shared' | 'dedicated';
	/** MiB; null = no limit. */
	readonly memory: number | null;
	/** GiB; null = no limit. */
	readonly disk: number | null;
	/** Largest number of processes. */
	readonly pids: number | null;
	readonly workdir: string | null;
	readonly hostname: string | null;
	readonly environment: Readonly<Record<string, string>>;
	readonly labels: Readonly<Record<string, string>>;
	readonly interactive: boolean;
	readonly tty: boolean;
	readonly privileged: boolean;
	readonly autoRemove: boolean;
	readonly autoHeal: boolean;
	readonly restartPolicy: RestartPolicy | null;
	readonly healthcheck: HealthCheck | null;
	/** As given, such as `{ "80/tcp": {} }`. */
	readonly exposedPorts: Readonly<Record<string, object>> | null;
	readonly mounts: readonly ContainerMount[];

	readonly status: ContainerStatus;
	readonly statusReason: string | null;
	readonly taskState: string | null;
	readonly desiredStatus: ContainerGoal;
	/** Grows with each rebuild: an engine container of an older revision is replaced. */
	readonly revision: number;
	/** Engine's id of what was made for it; null = nothing yet. */
	readonly runtimeId: string | null;
	/** Ports that the image and the request expose. */
	readonly ports: readonly number[];
	/** Of its last run; null = it has not ended yet. */
	readonly exitCode: number | null;
	readonly oomKilled: boolean;
	readonly health: Health | null;
	readonly restartCount: number;
	readonly pull: PullProgress | null;
	/** Times in ms since the epoch. */
	readonly startedAt: number | null;
	readonly finishedAt: number | null;
	readonly createdAt: number;
	readonly updatedAt: number;
	readonly version: number;
}
