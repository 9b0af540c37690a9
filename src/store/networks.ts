import type { Selectable } from 'kysely';
import type { Network, Subnet } from '../model/network.ts';
import { idList } from './id-list.ts';
import { fromJson } from './json.ts';
import type { NetworkTable, SubnetTable } from './schema.ts';
import type { Queryable, StoreTransaction } from './store.ts';

/** What narrows a list of networks or subnets. Each list is "one of"; a missing one does not narrow. */
export interface NetworkFilter {
	/** Only what this project owns or may use; missing = everything. */
	readonly visibleTo?: string;
	readonly ids?: readonly string[];
	readonly names?: readonly string[];
	readonly projectIds?: readonly string[];
}

export interface SubnetFilter extends NetworkFilter {
	readonly networkIds?: readonly string[];
}

/** Networks by age, oldest first. */
export async function networks(db: Queryable, filter: NetworkFilter): Promise<readonly Network[]> {
	let query = db.selectFrom('network').selectAll();
	const { visibleTo } = filter;
	if (visibleTo !== undefined) query = query.where((is) => is.or([is('project_id', '=', visibleTo), is('shared', '=', 1)]));
	if (filter.ids !== undefined) query = query.where('id', 'in', idList(filter.ids));
	if (filter.names !== undefined) query = query.where('name', 'in', idList(filter.names));
	if (filter.projectIds !== undefined) query = query.where('project_id', 'in', idList(filter.projectIds));
	return (await query.orderBy('created_at').orderBy('id').execute()).map(toNetwork);
}

/** Subnets by age, oldest first. Those of a shared network are seen by all. */
export async function subnets(db: Queryable, filter: SubnetFilter): Promise<readonly Subnet[]> {
	let query = db.selectFrom('subnet').innerJoin('network', 'network.id', 'subnet.network_id').selectAll('subnet');
	const { visibleTo } = filter;
	if (visibleTo !== undefined) {
		query = query.where((is) => is.or([is('subnet.project_id', '=', visibleTo), is('network.shared', '=', 1)]));
	}
	if (filter.ids !== undefined) query = query.where('subnet.id', 'in', idList(filter.ids));
	if (filter.names !== undefined) query = query.where('subnet.name', 'in', idList(filter.names));
	if (filter.projectIds !== undefined) query = query.where('subnet.project_id', 'in', idList(filter.projectIds));
	if (filter.networkIds !== undefined) query = query.where('subnet.network_id', 'in', idList(filter.networkIds));
	return (await query.orderBy('subnet.created_at').orderBy('subnet.ip_version').orderBy('subnet.id').execute()).map(toSubnet);
}

export async function insertNetwork(tx: StoreTransaction, network: Network): Promise<void> {
	await tx.insertInto('network').values(networkRow(network)).execute();
}

export async function updateNetwork(tx: StoreTransaction, network: Network): Promise<void> {
	await tx.updateTable('network').set(networkRow(network)).where('id', '=', network.id).execute();
}

/** The network must have no ports; its subnets go with it. */
export async function deleteNetwork(tx: StoreTransaction, id: string): Promise<void> {
	await tx.deleteFrom('subnet').where('network_id', '=', id).execute();
	await tx.deleteFrom('network').where('id', '=', id).execute();
}

export async function insertSubnet(tx: StoreTransaction, subnet: Subnet): Promise<void> {
	await tx.insertInto('subnet').values(subnetRow(subnet)).execute();
}

export async function updateSubnet(tx: StoreTransaction, subnet: Subnet): Promise<void> {
	await tx.updateTable('subnet').set(subnetRow(subnet)).where('id', '=', subnet.id).execute();
}

export async function deleteSubnet(tx: StoreTransaction, id: string): Promise<void> {
	await tx.deleteFrom('subnet').where('id', '=', id).execute();
}

/** Whether a port has an address of the subnet. */
export async function subnetInUse(db: Queryable, id: string): Promise<boolean> {
	return (await db.selectFrom('port_ip').select('port_id').where('subnet_id', '=', id).limit(1).executeTakeFirst()) !== undefined;
}

function toNetwork(row: Selectable<NetworkTable>): Network {
	return {
		id: row.id,
		name: row.name,
		projectId: row.project_id,
		description: row.description,
		shared: row.shared === 1,
		isDefault: row.is_default === 1,
		external: row.external === 1,
		adminStateUp: row.admin_state_up === 1,
		mtu: row.mtu,
		portSecurityEnabled: row.port_security_enabled === 1,
		createdAt: row.created_at,
		updatedAt: row.updated_at,
	};
}

function networkRow(network: Network): NetworkTable {
	return {
		id: network.id,
		name: network.name,
		project_id: network.projectId,
		description: network.description,
		shared: network.shared ? 1 : 0,
		is_default: network.isDefault ? 1 : 0,
		external: network.external ? 1 : 0,
		admin_state_up: network.adminStateUp ? 1 : 0,
		mtu: network.mtu,
		port_security_enabled: network.portSecurityEnabled ? 1 : 0,
		created_at: network.createdAt,
		updated_at: network.updatedAt,
	};
}

function toSubnet(row: Selectable<SubnetTable>): Subnet {
	return {
		id: row.id,
		name: row.name,
		projectId: row.project_id,
		networkId: row.network_id,
		description: row.description,
		ipVersion: row.ip_version === 4 ? 4 : 6,
		cidr: row.cidr,
		gatewayIp: row.gateway_ip,
		allocationPools: fromJson(row.allocation_pools),
		dnsNameservers: fromJson(row.dns_nameservers),
		hostRoutes: fromJson(row.host_routes),
		enableDhcp: row.enable_dhcp === 1,
		createdAt: row.created_at,
		updatedAt: row.updated_at,
	};
}

function subnetRow(subnet: Subnet): SubnetTable {
	return {
		id: subnet.id,
		name: subnet.name,
		project_id: subnet.projectId,
		network_id: subnet.networkId,
		description: subnet.description,
		ip_version: subnet.ipVersion,
		cidr: subnet.cidr,
		gateway_ip: subnet.gatewayIp,
		allocation_pools: JSON.stringify(subnet.allocationPools),
		dns_nameservers: JSON.stringify(subnet.dnsNameservers),
		host_routes: JSON.stringify(subnet.hostRoutes),
		enable_dhcp: subnet.enableDhcp ? 1 : 0,
		created_at: subnet.createdAt,
		updated_at: subnet.updatedAt,
	};
}
