import type { CapsuleRestartPolicy, CapsuleStatus } from '../../model/capsule.ts';
import type { ImagePullPolicy } from '../../model/container.ts';
import type { Principal } from '../../model/principal.ts';
import type { AddressView } from '../../providers/network/network-provider.ts';
import type { ResolvedVolume } from '../../providers/volume/volume-service.ts';
import type { ContainerView, Idempotency, ListQuery, PublishRequest, SandboxPlacement } from '../control.ts';

/**
 * What the service does with capsules. A capsule is a sandbox and the containers of one template: its id is its
 * sandbox's. `ref` is an id or a name; a name that several bear is a `conflict`. Each throws ZunboxError.
 */
export interface CapsuleControl {
	/** Everything of the template in one transaction, with its quota and its claim. */
	create(principal: Principal, input: CreateCapsule, idempotency?: Idempotency): Promise<CapsuleView>;
	list(principal: Principal, query: ListQuery): Promise<readonly CapsuleView[]>;
	show(principal: Principal, ref: string): Promise<CapsuleView>;
	update(principal: Principal, ref: string, input: UpdateCapsule): Promise<CapsuleView>;
	/** Legal in every status: its sandbox goes, and all that is in it. */
	delete(principal: Principal, ref: string): Promise<void>;
	/** Starts its sandbox and what of it has ended or failed; what was left to initialise goes on from there. */
	start(principal: Principal, ref: string): Promise<void>;
	/** `timeout` in seconds; null = the default. */
	stop(principal: Principal, ref: string, options: { readonly timeout: number | null }): Promise<void>;
	/** As `ContainerControl.wait`. */
	wait(principal: Principal, ref: string, status: string, timeout: number, signal: AbortSignal): Promise<CapsuleView>;
}

/** A template in the newest form, with every name in it resolved. */
export interface CreateCapsule extends Pick<SandboxPlacement, 'nets' | 'securityGroups' | 'availabilityZone'> {
	readonly name?: string;
	readonly labels: Readonly<Record<string, string>>;
	readonly annotations: Readonly<Record<string, string>>;
	readonly restartPolicy: CapsuleRestartPolicy;
	readonly volumes: readonly CapsuleVolume[];
	/** Run one after another, each until it has ended well, before the containers. */
	readonly initContainers: readonly CapsuleContainer[];
	readonly containers: readonly CapsuleContainer[];
	readonly publish: readonly PublishRequest[];
}

export interface CapsuleVolume {
	/** What the mounts of the template call it. */
	readonly name: string;
	/** An existing volume, or the GiB of a new one. */
	readonly volume: { readonly id: string } | { readonly size: number };
	/** Whether a new one goes with the capsule. */
	readonly autoRemove: boolean;
	/** As that of a mount. */
	readonly resolved?: ResolvedVolume;
}

export interface CapsuleContainer {
	readonly name?: string;
	readonly image: string;
	readonly imagePullPolicy?: ImagePullPolicy;
	readonly command?: readonly string[];
	readonly environment?: Readonly<Record<string, string>>;
	readonly labels?: Readonly<Record<string, string>>;
	readonly workdir?: string;
	readonly cpu?: number;
	readonly memory?: number;
	readonly interactive: boolean;
	readonly tty: boolean;
	/** As of containers, such as `80/tcp`. */
	readonly exposedPorts: readonly string[];
	readonly mounts: readonly CapsuleMount[];
}

export interface CapsuleMount {
	/** Name of a volume of the template. */
	readonly volume: string;
	readonly destination: string;
	readonly readOnly: boolean;
}

export interface UpdateCapsule {
	readonly name?: string;
	readonly labels?: Readonly<Record<string, string>>;
	readonly annotations?: Readonly<Record<string, string>>;
}

export interface CapsuleView {
	readonly id: string;
	readonly name: string;
	readonly projectId: string;
	readonly userId: string;
	readonly host: string | null;
	readonly labels: Readonly<Record<string, string>>;
	readonly annotations: Readonly<Record<string, string>>;
	readonly restartPolicy: CapsuleRestartPolicy;
	readonly status: CapsuleStatus;
	readonly statusReason: string | null;
	/** What it is to become: a capsule whose containers have all ended stays Stopped. */
	readonly desiredStatus: string;
	/** Cores and MiB that it claims. */
	readonly cpu: number;
	readonly memory: number;
	readonly addresses: Readonly<Record<string, readonly AddressView[]>>;
	readonly initContainers: readonly ContainerView[];
	readonly containers: readonly ContainerView[];
	/** ms since the epoch. */
	readonly createdAt: number;
	readonly updatedAt: number;
}
