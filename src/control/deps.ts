import type { Bus } from '../bus/bus.ts';
import type { ImagePullPolicy } from '../model/container.ts';
import { defaultHostDownAfter } from '../model/host.ts';
import type { NetworkProvider } from '../providers/network/network-provider.ts';
import type { Store } from '../store/store.ts';
import type { Hub } from './hub.ts';
import type { ImageService } from './image-service/image-service.ts';
import type { Placement } from './placement.ts';
import type { Quotas } from './quotas.ts';
import type { Registries } from './registries.ts';
import type { Compute } from './servers/compute.ts';
import type { Volumes } from './volumes.ts';

/** A log that takes a message and its facts. Secrets never go in. */
export interface Log {
	info(facts: object, message: string): void;
	warn(facts: object, message: string): void;
	error(facts: object, message: string): void;
}

export interface ControlOptions {
	/** Driver that new sandboxes are made with. */
	readonly driver: string;
	/** For containers that give none: cores and MiB, as Zun does. */
	readonly defaultCpu: number;
	readonly defaultMemory: number;
	/** Processes; a container without a limit of them could take all that the host has. */
	readonly defaultPids: number;
	readonly defaultPullPolicy: ImagePullPolicy;
	/** Largest and default length of a page. */
	readonly maxLimit: number;
	/** Limit of `execute`, in ms. */
	readonly executeTimeout: number;
	/** Bytes of output that `execute` keeps. */
	readonly executeMaxOutput: number;
	/** Sandboxes and containers, of each, whose answers are kept until the next commit. */
	readonly maxKeptViews: number;
	/** Names in a sandbox's hosts file at the most. */
	readonly maxHostNames: number;
	/** Images that a project may have made of its containers. */
	readonly maxCommits: number;
	/** A host that was silent for longer is down, in ms. */
	readonly hostDownAfter: number;
	/** Operations are kept this long after their end, and events after they happened, in ms. */
	readonly operationRetention: number;
	readonly eventRetention: number;
	/** Idempotency keys are remembered this long, in ms. */
	readonly idempotencyRetention: number;
	/** Containers' names unique in their project: refused with container-already-exists. */
	readonly uniqueContainerNames: boolean;
	/** Resolvers of sandboxes whose networks name none. */
	readonly nameservers: readonly string[];
}

export const defaultControlOptions: ControlOptions = {
	driver: 'docker',
	defaultCpu: 1,
	defaultMemory: 512,
	defaultPids: 4096,
	defaultPullPolicy: 'ifnotpresent',
	maxLimit: 1000,
	executeTimeout: 60_000,
	executeMaxOutput: 4 << 20,
	maxKeptViews: 2000,
	maxHostNames: 200,
	maxCommits: 50,
	hostDownAfter: defaultHostDownAfter,
	operationRetention: 30 * 24 * 3_600_000,
	eventRetention: 30 * 24 * 3_600_000,
	idempotencyRetention: 24 * 3_600_000,
	uniqueContainerNames: false,
	nameservers: [],
};

/** What the parts of control work with. */
export interface Deps {
	readonly store: Store;
	readonly bus: Bus;
	readonly hub: Hub;
	readonly network: NetworkProvider;
	readonly placement: Placement;
	/** Missing = sandboxes are placed by our own scheduler, and made by the agents alone. */
	readonly compute?: Compute;
	/** Missing = images come from registries only. */
	readonly imageService?: ImageService;
	readonly quotas: Quotas;
	readonly volumes: Volumes;
	readonly registries: Registries;
	readonly options: ControlOptions;
	/** ms since the epoch. */
	readonly now: () => number;
	readonly log: Log;
}
