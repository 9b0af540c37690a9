import type {
	ContainerGoal,
	ContainerKind,
	ContainerStatus,
	Health,
	HealthCheck,
	ImagePullPolicy,
	PullProgress,
	RestartPolicy,
} from './container.ts';
import type { ImageSource } from './image-source.ts';
import type { IpVersion } from './network.ts';
import type { OperationArgs } from './operation.ts';
import type { SandboxGoal, SandboxNamespaces } from './sandbox.ts';

/**
 * What control tells an agent and what the agent tells back: plain JSON, since it may cross a network.
 * Control computes the goals; the agent makes them true and reports what it sees.
 */

/** The operation that a goal comes from: the first unfinished one of its target. */
export interface OperationSpec {
	readonly id: string;
	readonly kind: string;
	readonly args: OperationArgs;
	/**
	 * When an agent first took it up, ms on the host's clock; null = control does not know that it was. What the engine
	 * did after this moment was done for this operation, which is how a repeated reboot or kill is told from a new one.
	 */
	readonly startedAt: number | null;
}

export interface SandboxSpec {
	readonly id: string;
	readonly name: string;
	readonly projectId: string;
	/** Version of the sandbox and all in it; grows with every change. */
	readonly version: number;
	readonly driver: string;
	readonly goal: SandboxGoal;
	readonly operation: OperationSpec | null;
	readonly hostname: string;
	readonly namespaces: SandboxNamespaces;
	readonly runtime: string | null;
	/** Cores; null = no limit. */
	readonly cpu: number | null;
	/** MiB; null = no limit. */
	readonly memory: number | null;
	readonly labels: Readonly<Record<string, string>>;
	/** Ports in the order of their interfaces. */
	readonly ports: readonly PortSpec[];
	readonly volumes: readonly VolumeSpec[];
	/** The compute service's server that it is; missing where sandboxes are placed by our own scheduler. */
	readonly serverId?: string;
	/** Lines of its hosts file beside localhost. */
	readonly hosts: readonly { readonly address: string; readonly names: readonly string[] }[];
	readonly dns: { readonly nameservers: readonly string[]; readonly search: readonly string[] };
	readonly containers: readonly ContainerSpec[];
	/** Control does not know how it stands: it is to be told also what is no news. */
	readonly tellAgain?: boolean;
}

export interface PortSpec {
	readonly id: string;
	readonly networkId: string;
	/** Name of the interface in the sandbox, such as `eth0`. */
	readonly interfaceName: string;
	readonly macAddress: string;
	readonly mtu: number;
	readonly addresses: readonly {
		readonly address: string;
		readonly prefixLength: number;
		readonly version: IpVersion;
		/** null = no default route through this address's subnet. */
		readonly gateway: string | null;
	}[];
	readonly routes: readonly { readonly destination: string; readonly nexthop: string }[];
	/** How it is wired on the host: by our own bridges, or a way that another network service prescribes. */
	readonly binding: PortBinding;
}

export type PortBinding = { readonly type: 'embedded' } | { readonly type: 'bridge'; readonly bridge: string; readonly device: string };

export interface VolumeSpec {
	readonly id: string;
	readonly provider: 'local' | 'file' | 'cinder';
	/** GiB. */
	readonly size: number;
	readonly readOnly: boolean;
	/** Base64 content of an injected file. */
	readonly contents: string | null;
	/** Block device on the host (cinder); null or missing = not connected yet, or another provider's. */
	readonly device?: string | null;
	/** It was seen on the host, so its data must be there: what is not there is lost, and is never made anew. */
	readonly made?: boolean;
	/** true = the sandbox no longer has it: unmount. Its data stays unless `destroy`. */
	readonly detached: boolean;
}

export interface ContainerMountSpec {
	readonly volumeId: string;
	readonly destination: string;
	readonly readOnly: boolean;
}

export interface RegistryAuth {
	/** Host and port of the registry, such as `127.0.0.1:5000`. */
	readonly domain: string;
	readonly username: string;
	readonly password: string;
}

export interface ContainerSpec {
	readonly id: string;
	readonly name: string;
	readonly kind: ContainerKind;
	readonly goal: ContainerGoal;
	readonly operation: OperationSpec | null;
	readonly revision: number;
	readonly image: string;
	readonly imageDriver: 'docker' | 'glance';
	/** The archive that `image` is made of, which control gives; missing = it is pulled from a registry. */
	readonly imageSource?: ImageSource;
	readonly imagePullPolicy: ImagePullPolicy;
	readonly registryAuth: RegistryAuth | null;
	readonly command: readonly string[] | null;
	readonly entrypoint: readonly string[] | null;
	readonly cpu: number | null;
	readonly memory: number | null;
	readonly disk: number | null;
	readonly pids: number | null;
	readonly workdir: string | null;
	readonly hostname: string | null;
	readonly environment: Readonly<Record<string, string>>;
	readonly labels: Readonly<Record<string, string>>;
	readonly interactive: boolean;
	readonly tty: boolean;
	readonly privileged: boolean;
	readonly restartPolicy: RestartPolicy | null;
	readonly healthcheck: HealthCheck | null;
	readonly exposedPorts: readonly string[];
	readonly mounts: readonly ContainerMountSpec[];
	/** How often the agent restarted it so far, so that back-off and limits outlive an agent. */
	readonly restartCount: number;
}

/** What the agent saw of one container. */
export interface ContainerReport {
	readonly id: string;
	/** Missing = the engine does not have it. */
	readonly status: ContainerStatus | 'Missing';
	readonly statusReason: string | null;
	readonly runtimeId: string | null;
	readonly revision: number;
	readonly exitCode: number | null;
	readonly oomKilled: boolean;
	readonly startedAt: number | null;
	readonly finishedAt: number | null;
	readonly health: Health | null;
	readonly restartCount: number;
	/** What the image filled in. */
	readonly command: readonly string[] | null;
	readonly entrypoint: readonly string[] | null;
	readonly workdir: string | null;
	readonly hostname: string | null;
	readonly ports: readonly number[];
	readonly pull: PullProgress | null;
	/** The image that was pulled for it with a login, by its name: others are to show that they may have it. */
	readonly pulledWithLogin?: string | null;
	/**
	 * It ended by itself and its policy does not start it again: control writes that Stopped is now what is wanted.
	 * Never true for what was lost with its sandbox or with the engine.
	 */
	readonly ended: boolean;
}

/** How an operation went. `retry` = an outside failure; it stays queued, and the reason is shown meanwhile. */
export interface OperationReport {
	readonly id: string;
	readonly outcome: 'started' | 'done' | 'failed' | 'retry';
	readonly error: string | null;
	/** ms on the host's clock. */
	readonly at: number;
}

export interface SandboxReport {
	readonly sandboxId: string;
	/** The spec's version that the agent acted on. */
	readonly version: number;
	readonly status: 'Missing' | 'Creating' | 'Running' | 'Stopped' | 'Paused' | 'Error' | 'Unknown';
	readonly statusReason: string | null;
	readonly containers: readonly ContainerReport[];
	/** Containers that are gone from the host as was wanted: their rows can go. */
	readonly removedContainers: readonly string[];
	/** Nothing of the sandbox is left on the host: its row can go. */
	readonly removed: boolean;
	readonly operations: readonly OperationReport[];
	/** Ids of ports that are plugged and ready. */
	readonly activePorts: readonly string[];
	/** Ids of volumes that were to be detached, and that the sandbox has no more. */
	readonly detachedVolumes: readonly string[];
	/** Ids of volumes of the host's own that are attached, and so have their data here. */
	readonly madeVolumes?: readonly string[];
}

/** All that a host's kernel must hold for its networks. The agent renders links, bridges and rules from this alone. */
export interface HostNetworkSpec {
	/** Grows with every change that concerns it. */
	readonly version: number;
	readonly networks: readonly HostNetwork[];
	readonly securityGroups: readonly HostSecurityGroup[];
	readonly publishedPorts: readonly HostPublishedPort[];
}

export interface HostNetwork {
	readonly id: string;
	readonly mtu: number;
	/** Whether sandboxes reach the world through NAT on the host. */
	readonly external: boolean;
	readonly subnets: readonly {
		readonly id: string;
		readonly version: IpVersion;
		readonly cidr: string;
		readonly gateway: string | null;
	}[];
	/** Ports of this host's sandboxes on the network. */
	readonly ports: readonly HostPort[];
}

export interface HostPort {
	readonly id: string;
	readonly sandboxId: string;
	readonly macAddress: string;
	readonly addresses: readonly string[];
	readonly allowedAddressPairs: readonly { readonly address: string; readonly macAddress: string | null }[];
	/** false = neither groups nor anti-spoofing apply. */
	readonly portSecurity: boolean;
	readonly adminStateUp: boolean;
	readonly securityGroupIds: readonly string[];
}

export interface HostSecurityGroup {
	readonly id: string;
	readonly rules: readonly HostSecurityGroupRule[];
	/** Addresses of every port that is in the group, on any host: what `remoteGroupId` means. */
	readonly members: readonly string[];
	/**
	 * The same by network id. Where it is there, only these count on a network: ranges of networks may overlap, and a
	 * member of the group elsewhere must not open the way to a stranger who has its address here.
	 */
	readonly membersByNetwork?: Readonly<Record<string, readonly string[]>>;
}

export interface HostSecurityGroupRule {
	readonly direction: 'ingress' | 'egress';
	readonly version: IpVersion;
	/** Lower-case name or number; null = any. */
	readonly protocol: string | null;
	readonly portRangeMin: number | null;
	readonly portRangeMax: number | null;
	readonly remoteIpPrefix: string | null;
	readonly remoteGroupId: string | null;
}

export interface HostPublishedPort {
	readonly id: string;
	readonly protocol: 'tcp' | 'udp';
	readonly hostIp: string;
	readonly hostPort: number;
	readonly networkId: string;
	/** IPv4 or IPv6 address of the sandbox. */
	readonly address: string;
	readonly sandboxPort: number;
}
