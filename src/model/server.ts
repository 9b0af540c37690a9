import type { IpVersion } from './network.ts';

/**
 * Where a compute service provisions sandboxes, a sandbox is one of its *servers*. The compute service's driver on the
 * host hands each of its calls to the agent, which tells control: plain JSON, since it may cross a network.
 */

/** A server as the compute service knows it. Nothing in it but `metadata` can be changed by its user later. */
export interface ServerFacts {
	readonly serverId: string;
	readonly name: string;
	/** Host name inside. */
	readonly hostname: string;
	readonly projectId: string;
	readonly userId: string;
	/** What the server's creator wrote on it; `zunbox_sandbox` names the sandbox that it was asked for. Not to be trusted: see ServerTaken. */
	readonly metadata: Readonly<Record<string, string>>;
	readonly vcpus: number;
	readonly memoryMib: number;
	readonly diskGib: number;
}

/** A port of a server, wired by the network service's own means: a link called `device` goes into `bridge`. */
export interface ServerPort {
	readonly portId: string;
	readonly networkId: string;
	readonly macAddress: string;
	readonly mtu: number;
	readonly bridge: string;
	readonly device: string;
	readonly addresses: readonly {
		readonly address: string;
		readonly prefixLength: number;
		readonly version: IpVersion;
		readonly gateway: string | null;
		readonly subnetId: string | null;
	}[];
	readonly routes: readonly { readonly destination: string; readonly nexthop: string }[];
	readonly nameservers: readonly string[];
}

/** A volume that the compute service has connected to the host: a block device. */
export interface ServerVolume {
	readonly volumeId: string;
	/** Path of the block device on the host. */
	readonly device: string;
	readonly readOnly: boolean;
}

/** What the compute service wants of one server on this host. */
export type ServerCall =
	/** Build it with these ports and volumes. Its containers do not start before `ready`. */
	| {
			readonly kind: 'spawn';
			readonly server: ServerFacts;
			readonly ports: readonly ServerPort[];
			readonly volumes: readonly ServerVolume[];
	  }
	/** The network service has wired all ports of a server that was spawned. */
	| { readonly kind: 'ready'; readonly serverId: string }
	/** Nothing of it shall stay on this host. Volumes are unmounted first; their devices are the caller's. */
	| { readonly kind: 'destroy'; readonly serverId: string }
	| { readonly kind: 'power-off'; readonly serverId: string; readonly timeout: number | null }
	| {
			readonly kind: 'power-on';
			readonly serverId: string;
			readonly ports: readonly ServerPort[];
			readonly volumes: readonly ServerVolume[];
	  }
	| { readonly kind: 'pause'; readonly serverId: string }
	| { readonly kind: 'unpause'; readonly serverId: string }
	/** All its ports, as they are after a restart of the compute service; nothing is waited for. */
	| { readonly kind: 'plug'; readonly serverId: string; readonly ports: readonly ServerPort[] }
	| { readonly kind: 'attach-port'; readonly serverId: string; readonly port: ServerPort }
	| { readonly kind: 'detach-port'; readonly serverId: string; readonly portId: string }
	| { readonly kind: 'attach-volume'; readonly serverId: string; readonly volume: ServerVolume }
	| { readonly kind: 'detach-volume'; readonly serverId: string; readonly volumeId: string };

/** Control's answer to a call that it has written down. */
export interface ServerTaken {
	/** The sandbox that the server is; null = none: there is nothing of it on the host. */
	readonly sandboxId: string | null;
	/**
	 * Id of the operation that the call became, as the sandbox's next spec carries it (`operation.id`) and the agent's
	 * report ends it; null = nothing to be done but what the spec says (ports, volumes) or nothing at all.
	 */
	readonly callId: string | null;
}
