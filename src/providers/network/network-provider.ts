import type { Network, Port, PublishedPort } from '../../model/network.ts';
import type { Principal } from '../../model/principal.ts';
import type { HostNetworkSpec, PortSpec } from '../../model/spec.ts';
import type { Queryable, StoreTransaction } from '../../store/store.ts';
import type { PortFacts } from './port-service.ts';

/** One entry of `nets` in a create request: a network or a port, by id or name, and chosen addresses. */
export interface RequestedNet {
	readonly network?: string;
	readonly port?: string;
	readonly v4FixedIp?: string;
	readonly v6FixedIp?: string;
	/** Chosen hardware address; null or missing = made up. */
	readonly macAddress?: string | null;
	/** What a NetworkResolver has found it to be. */
	readonly resolved?: ResolvedNet;
}

/** A network, or a port of the user's own, that the principal may use. */
export interface ResolvedNet {
	readonly networkId: string;
	/** Whether security groups apply. */
	readonly portSecurity: boolean;
	/** null = a port is made. */
	readonly port: PortFacts | null;
}

/**
 * Finds what a request names, with its user's rights. Where a network provider has one, control asks it before its
 * transaction, and hands on what it answered. Throws as the provider does for what is not there or may not be used.
 */
export interface NetworkResolver {
	/** Nothing asked for = what the project gets by default. `securityGroups` null = the project's default group. */
	nets(
		principal: Principal,
		nets: readonly RequestedNet[],
		securityGroups: readonly string[] | null,
		signal: AbortSignal,
	): Promise<{ readonly nets: readonly RequestedNet[]; readonly securityGroups: readonly string[] }>;
	/** The ids of what is meant by an id or a name. */
	network(principal: Principal, idOrName: string, signal: AbortSignal): Promise<string>;
	port(principal: Principal, idOrName: string, signal: AbortSignal): Promise<string>;
	securityGroup(principal: Principal, idOrName: string, signal: AbortSignal): Promise<string>;
}

/** An address as Zun's container object shows it. */
export interface AddressView {
	readonly addr: string;
	readonly version: 4 | 6;
	readonly port: string;
	readonly subnet_id: string;
	readonly preserve_on_delete: boolean;
}

/** Where sandboxes get their ports, addresses and security groups from. */
export interface NetworkProvider {
	/** Missing = whatever is named is found in the transaction. */
	readonly resolver?: NetworkResolver;
	/** At each start: the `default` network, the default groups of projects and whatever else must be there. */
	initialize(tx: StoreTransaction): Promise<void>;
	/**
	 * Resolves what was asked for (nothing = the project's own network created first, else the default one) and attaches
	 * the ports to the sandbox, in the transaction that creates it. Throws network-not-found, port-not-found, port-in-use,
	 * invalid-value (address outside the subnet, taken, or none left), conflict (ambiguous name).
	 * `securityGroups` are ids or names; null = the project's default group.
	 */
	attach(
		tx: StoreTransaction,
		principal: Principal,
		sandbox: { readonly id: string; readonly host: string | null; readonly projectId: string },
		nets: readonly RequestedNet[],
		securityGroups: readonly string[] | null,
	): Promise<readonly Port[]>;
	/** Detaches every port of the sandbox that is on the network (or is the port); deletes those made with it. Throws invalid when there is none. */
	detach(
		tx: StoreTransaction,
		principal: Principal,
		sandboxId: string,
		what: { readonly network?: string; readonly port?: string },
	): Promise<void>;
	/** When the sandbox goes: deletes the ports made with it, detaches the user's own, drops published ports and owned groups. */
	release(tx: StoreTransaction, sandboxId: string): Promise<void>;
	/** After the sandbox was placed on another host, or lost its host. */
	setHost(tx: StoreTransaction, sandboxId: string, host: string | null): Promise<void>;
	/** What the agent reported as plugged: sets port status ACTIVE or DOWN. */
	setActive(tx: StoreTransaction, sandboxId: string, activePortIds: readonly string[]): Promise<void>;
	/** Security groups of all ports of the sandbox. Throws security-group-not-found. */
	addSecurityGroup(tx: StoreTransaction, principal: Principal, sandboxId: string, group: string): Promise<void>;
	removeSecurityGroup(tx: StoreTransaction, principal: Principal, sandboxId: string, group: string): Promise<void>;
	/** A group made for the container's `exposed_ports` that opens them; it goes with the container. Answers its id. */
	exposePorts(
		tx: StoreTransaction,
		principal: Principal,
		container: { readonly id: string; readonly sandboxId: string },
		exposedPorts: readonly string[],
	): Promise<string>;
	unexposePorts(tx: StoreTransaction, containerId: string): Promise<void>;
	publish(
		tx: StoreTransaction,
		principal: Principal,
		sandboxId: string,
		ports: readonly Omit<PublishedPort, 'id' | 'sandboxId' | 'host'>[],
	): Promise<readonly PublishedPort[]>;

	/** Addresses (by network id) and group ids of many sandboxes at once, for lists. */
	views(db: Queryable, sandboxIds: readonly string[]): Promise<ReadonlyMap<string, SandboxNetworkView>>;
	/** Ports as the agent needs them, in the order of their interfaces. */
	portSpecs(db: Queryable, sandboxId: string): Promise<readonly PortSpec[]>;
	/** Names that the sandbox's hosts file must hold: sandboxes that share a network with it. Bounded to `limit` entries. */
	hostNames(
		db: Queryable,
		sandboxId: string,
		limit: number,
	): Promise<readonly { readonly address: string; readonly names: readonly string[] }[]>;
	/** Nameservers for the sandbox; empty = the host's own. */
	nameservers(db: Queryable, sandboxId: string): Promise<readonly string[]>;
	/** Everything that the host's kernel must hold. Cheap when nothing changed. */
	hostSpec(db: Queryable, hostname: string): Promise<HostNetworkSpec>;
	/** Grows with each change that hostSpec of any host could show; kept in the process. */
	readonly version: number;
	findNetwork(db: Queryable, principal: Principal, idOrName: string): Promise<Network>;
}

export interface SandboxNetworkView {
	readonly addresses: Readonly<Record<string, readonly AddressView[]>>;
	readonly securityGroupIds: readonly string[];
	readonly ports: readonly Port[];
	readonly publishedPorts: readonly PublishedPort[];
}
