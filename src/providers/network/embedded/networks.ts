import { newId } from '../../../model/ids.ts';
import { cidrsOverlap, formatCidr, formatIp, parseCidr, parseIp } from '../../../model/ip.ts';
import type { Network, Subnet } from '../../../model/network.ts';
import { failNetwork } from '../../../model/network-errors.ts';
import { planGateway, planPools, planSubnet, requireCidr, requireGatewayOutsidePools, type SubnetRequest } from '../../../model/subnet.ts';
import {
	deleteNetwork,
	deleteSubnet,
	insertNetwork,
	insertSubnet,
	subnetInUse,
	subnets,
	updateNetwork,
	updateSubnet,
} from '../../../store/networks.ts';
import { ports } from '../../../store/ports.ts';
import type { StoreTransaction } from '../../../store/store.ts';
import type { NetworkChanges } from './changes.ts';

export type NewNetwork = Omit<Network, 'id' | 'createdAt' | 'updatedAt'>;
export type NetworkChange = Partial<
	Pick<Network, 'name' | 'description' | 'shared' | 'external' | 'adminStateUp' | 'mtu' | 'portSecurityEnabled'>
>;

export interface NewSubnet
	extends SubnetRequest,
		Pick<Subnet, 'projectId' | 'name' | 'description' | 'dnsNameservers' | 'hostRoutes' | 'enableDhcp'> {
	/** Must be the block's; missing = taken from the block. */
	readonly ipVersion?: number;
}
export type SubnetChange = Partial<
	Pick<Subnet, 'name' | 'description' | 'gatewayIp' | 'allocationPools' | 'dnsNameservers' | 'hostRoutes' | 'enableDhcp'>
>;

/** Networks and their subnets. Who may do what is the caller's to check. */
export class Networks {
	readonly #changes: NetworkChanges;
	readonly #now: () => number;

	constructor(changes: NetworkChanges, now: () => number) {
		this.#changes = changes;
		this.#now = now;
	}

	async create(tx: StoreTransaction, request: NewNetwork): Promise<Network> {
		const now = this.#now();
		const network = { ...request, id: newId(), createdAt: now, updatedAt: now };
		await insertNetwork(tx, network);
		return network;
	}

	async update(tx: StoreTransaction, network: Network, change: NetworkChange): Promise<Network> {
		if (network.shared && change.shared === false) await requireOnlyOwnPorts(tx, network);
		const updated = { ...network, ...change, updatedAt: Math.max(this.#now(), network.updatedAt + 1) };
		await updateNetwork(tx, updated);
		await this.#markNetwork(tx, network.id);
		return updated;
	}

	/** Throws NetworkInUse while it has ports, or is the default one. */
	async remove(tx: StoreTransaction, network: Network): Promise<void> {
		if (network.isDefault) {
			throw failNetwork(
				'NetworkInUse',
				`Unable to complete operation on network ${network.id}. It is the default network, which is always there.`,
			);
		}
		const used = await ports(tx, { networkIds: [network.id] });
		if (used.length > 0) {
			const ids = used.slice(0, 10).map((port) => port.id);
			throw failNetwork(
				'NetworkInUse',
				`Unable to complete operation on network ${network.id}. There are one or more ports still in use on the network, id for these ports is ${ids.join(',')}.`,
			);
		}
		await deleteNetwork(tx, network.id);
		await this.#changes.mark(tx, { networks: [network.id] });
	}

	async createSubnet(tx: StoreTransaction, network: Network, request: NewSubnet): Promise<Subnet> {
		const plan = planSubnet(request);
		if (request.ipVersion !== undefined && request.ipVersion !== plan.cidr.version) {
			throw failNetwork('InvalidInput', `Invalid input for cidr. Reason: '${request.cidr}' is not of ip_version ${request.ipVersion}.`);
		}
		const existing = await subnets(tx, { networkIds: [network.id] });
		const overlap = existing.find((subnet) => cidrsOverlap(requireCidr(subnet.cidr), plan.cidr));
		if (overlap !== undefined) {
			throw failNetwork(
				'InvalidInput',
				`Invalid input for operation: Requested subnet with cidr: ${formatCidr(plan.cidr)} for network: ${network.id} overlaps with subnet ${overlap.id} (${overlap.cidr}).`,
			);
		}
		const now = this.#now();
		const subnet: Subnet = {
			id: newId(),
			name: request.name,
			projectId: request.projectId,
			networkId: network.id,
			description: request.description,
			ipVersion: plan.cidr.version,
			cidr: formatCidr(plan.cidr),
			gatewayIp: plan.gatewayIp,
			allocationPools: plan.allocationPools,
			dnsNameservers: checkNameservers(request.dnsNameservers),
			hostRoutes: checkRoutes(request.hostRoutes, plan.cidr.version),
			enableDhcp: request.enableDhcp,
			createdAt: now,
			updatedAt: now,
		};
		await insertSubnet(tx, subnet);
		await this.#markNetwork(tx, network.id);
		return subnet;
	}

	async updateSubnet(tx: StoreTransaction, subnet: Subnet, change: SubnetChange): Promise<Subnet> {
		const cidr = requireCidr(subnet.cidr);
		const gatewayIp = change.gatewayIp === undefined ? subnet.gatewayIp : planGateway(cidr, change.gatewayIp);
		const allocationPools = change.allocationPools === undefined ? subnet.allocationPools : planPools(cidr, change.allocationPools);
		requireGatewayOutsidePools(gatewayIp, allocationPools);
		if (gatewayIp !== null && gatewayIp !== subnet.gatewayIp) await requireFree(tx, subnet, gatewayIp);
		const updated: Subnet = {
			...subnet,
			...change,
			gatewayIp,
			allocationPools,
			dnsNameservers: checkNameservers(change.dnsNameservers ?? subnet.dnsNameservers),
			hostRoutes: checkRoutes(change.hostRoutes ?? subnet.hostRoutes, subnet.ipVersion),
			updatedAt: Math.max(this.#now(), subnet.updatedAt + 1),
		};
		await updateSubnet(tx, updated);
		await this.#markNetwork(tx, subnet.networkId);
		return updated;
	}

	/** Throws SubnetInUse while a port has an address of it. */
	async removeSubnet(tx: StoreTransaction, subnet: Subnet): Promise<void> {
		if (await subnetInUse(tx, subnet.id)) {
			throw failNetwork(
				'SubnetInUse',
				`Unable to complete operation on subnet ${subnet.id}: One or more ports have an IP allocation from this subnet.`,
			);
		}
		await deleteSubnet(tx, subnet.id);
		await this.#markNetwork(tx, subnet.networkId);
	}

	/** Hosts that hold the network, and sandboxes whose routes, MTU or nameservers come from it. */
	async #markNetwork(tx: StoreTransaction, id: string): Promise<void> {
		const rows = await tx
			.selectFrom('port')
			.select('sandbox_id')
			.where('network_id', '=', id)
			.where('sandbox_id', 'is not', null)
			.execute();
		await this.#changes.mark(tx, { networks: [id], sandboxes: rows.flatMap((row) => row.sandbox_id ?? []) });
	}
}

async function requireOnlyOwnPorts(tx: StoreTransaction, network: Network): Promise<void> {
	const foreign = (await ports(tx, { networkIds: [network.id] })).some((port) => port.projectId !== network.projectId);
	if (foreign || network.isDefault) {
		throw failNetwork('NetworkInUse', `Unable to reconfigure sharing settings for network ${network.id}. Multiple tenants are using it.`);
	}
}

async function requireFree(tx: StoreTransaction, subnet: Subnet, ipAddress: string): Promise<void> {
	const row = await tx
		.selectFrom('port_ip')
		.select('port_id')
		.where('subnet_id', '=', subnet.id)
		.where('ip_address', '=', ipAddress)
		.executeTakeFirst();
	if (row !== undefined)
		throw failNetwork('GatewayIpInUse', `Current gateway ip ${ipAddress} already in use by port ${row.port_id}. Unable to update.`);
}

function checkNameservers(nameservers: readonly string[]): readonly string[] {
	return nameservers.map((text) => {
		const ip = parseIp(text);
		if (ip === null) throw failNetwork('InvalidInput', `Invalid input for dns_nameservers. Reason: '${text}' is not a valid nameserver.`);
		return formatIp(ip);
	});
}

function checkRoutes(routes: Subnet['hostRoutes'], version: 4 | 6): Subnet['hostRoutes'] {
	return routes.map((route) => {
		const destination = parseCidr(route.destination);
		const nexthop = parseIp(route.nexthop);
		if (destination?.version !== version || nexthop?.version !== version) {
			throw failNetwork(
				'InvalidInput',
				`Invalid input for host_routes. Reason: '${route.destination} via ${route.nexthop}' is not an IPv${version} route.`,
			);
		}
		return { destination: formatCidr(destination), nexthop: formatIp(nexthop) };
	});
}
