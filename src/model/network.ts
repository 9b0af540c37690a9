/** Networks in the terms of Neutron v2.0. Times in ms since the epoch. */
export type IpVersion = 4 | 6;

export interface Network {
	readonly id: string;
	readonly name: string;
	readonly projectId: string;
	readonly description: string;
	/** Seen and used by every project. */
	readonly shared: boolean;
	readonly isDefault: boolean;
	/** Whether its sandboxes reach the world beyond the host, by NAT. */
	readonly external: boolean;
	readonly adminStateUp: boolean;
	readonly mtu: number;
	readonly portSecurityEnabled: boolean;
	readonly createdAt: number;
	readonly updatedAt: number;
}

export interface AllocationPool {
	readonly start: string;
	readonly end: string;
}

export interface Subnet {
	readonly id: string;
	readonly name: string;
	readonly projectId: string;
	readonly networkId: string;
	readonly description: string;
	readonly ipVersion: IpVersion;
	/** Such as `10.88.0.0/16`. */
	readonly cidr: string;
	/** null = the network has no way out through it. */
	readonly gatewayIp: string | null;
	readonly allocationPools: readonly AllocationPool[];
	readonly dnsNameservers: readonly string[];
	readonly hostRoutes: readonly { readonly destination: string; readonly nexthop: string }[];
	readonly enableDhcp: boolean;
	readonly createdAt: number;
	readonly updatedAt: number;
}

export interface FixedIp {
	readonly subnetId: string;
	readonly ipAddress: string;
}

export interface Port {
	readonly id: string;
	readonly name: string;
	readonly projectId: string;
	readonly networkId: string;
	readonly description: string;
	/** Lower case, colons. Unique in its network. */
	readonly macAddress: string;
	readonly fixedIps: readonly FixedIp[];
	readonly securityGroupIds: readonly string[];
	readonly portSecurityEnabled: boolean;
	readonly allowedAddressPairs: readonly { readonly ipAddress: string; readonly macAddress: string | null }[];
	readonly adminStateUp: boolean;
	readonly status: 'ACTIVE' | 'DOWN' | 'BUILD' | 'ERROR';
	/** The sandbox it is attached to; null = none. */
	readonly sandboxId: string | null;
	/** Order among the sandbox's ports: its interface is `eth<position>`. */
	readonly position: number;
	/** Made by a user, so it outlives the sandbox; false = made with the sandbox, and goes with it. */
	readonly preserveOnDelete: boolean;
	readonly host: string | null;
	readonly createdAt: number;
	readonly updatedAt: number;
}

export interface SecurityGroup {
	readonly id: string;
	readonly name: string;
	readonly projectId: string;
	readonly description: string;
	/** Made for a container's `exposed_ports`; goes with it. */
	readonly ownerContainerId: string | null;
	readonly createdAt: number;
	readonly updatedAt: number;
}

export interface SecurityGroupRule {
	readonly id: string;
	readonly projectId: string;
	readonly securityGroupId: string;
	readonly description: string;
	readonly direction: 'ingress' | 'egress';
	readonly ethertype: 'IPv4' | 'IPv6';
	/** Name such as `tcp`, `udp`, `icmp`, `ipv6-icmp`, or a number as text; null = any. */
	readonly protocol: string | null;
	/** Ports; for ICMP the type. null = any. */
	readonly portRangeMin: number | null;
	/** Ports; for ICMP the code. null = any. */
	readonly portRangeMax: number | null;
	readonly remoteIpPrefix: string | null;
	readonly remoteGroupId: string | null;
	readonly createdAt: number;
}

/** A port of the host that leads to a port of a sandbox. */
export interface PublishedPort {
	readonly id: string;
	readonly sandboxId: string;
	readonly host: string;
	readonly protocol: 'tcp' | 'udp';
	readonly hostIp: string;
	readonly hostPort: number;
	readonly sandboxPort: number;
}
