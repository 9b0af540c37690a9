import type { Selectable } from 'kysely';
import { ipSortKey, parseIp } from '../model/ip.ts';
import type { FixedIp, Port } from '../model/network.ts';
import { idList } from './id-list.ts';
import { fromJson } from './json.ts';
import type { PortTable } from './schema.ts';
import type { Queryable, StoreTransaction } from './store.ts';

/** What narrows a list of ports. Each list is "one of"; a missing one does not narrow. */
export interface PortFilter {
	readonly projectIds?: readonly string[];
	readonly ids?: readonly string[];
	readonly names?: readonly string[];
	readonly networkIds?: readonly string[];
	readonly sandboxIds?: readonly string[];
	readonly macAddresses?: readonly string[];
	readonly securityGroupIds?: readonly string[];
	/** Only ports of sandboxes that are placed on this host. */
	readonly host?: string;
}

/** Ports in the order of their sandboxes' interfaces, then by age. Three queries, however many there are. */
export async function ports(db: Queryable, filter: PortFilter): Promise<readonly Port[]> {
	const rows = await matching(db, filter).selectAll().orderBy('position').orderBy('created_at').orderBy('id').execute();
	if (rows.length === 0) return [];
	const addresses = await db
		.selectFrom('port_ip')
		.select(['port_id', 'subnet_id', 'ip_address'])
		.where('port_id', 'in', matching(db, filter).select('id'))
		.orderBy('sort_key')
		.execute();
	const groups = await db
		.selectFrom('port_security_group')
		.select(['port_id', 'security_group_id'])
		.where('port_id', 'in', matching(db, filter).select('id'))
		.orderBy('security_group_id')
		.execute();
	const addressesOf = Map.groupBy(addresses, (address) => address.port_id);
	const groupsOf = Map.groupBy(groups, (group) => group.port_id);
	return rows.map((row) => toPort(row, addressesOf.get(row.id) ?? [], groupsOf.get(row.id) ?? []));
}

function matching(db: Queryable, filter: PortFilter) {
	let query = db.selectFrom('port');
	if (filter.projectIds !== undefined) query = query.where('project_id', 'in', idList(filter.projectIds));
	if (filter.ids !== undefined) query = query.where('id', 'in', idList(filter.ids));
	if (filter.names !== undefined) query = query.where('name', 'in', idList(filter.names));
	if (filter.networkIds !== undefined) query = query.where('network_id', 'in', idList(filter.networkIds));
	if (filter.sandboxIds !== undefined) query = query.where('sandbox_id', 'in', idList(filter.sandboxIds));
	if (filter.macAddresses !== undefined) query = query.where('mac_address', 'in', idList(filter.macAddresses));
	if (filter.host !== undefined) query = query.where('host', '=', filter.host).where('sandbox_id', 'is not', null);
	const { securityGroupIds } = filter;
	if (securityGroupIds !== undefined) {
		query = query.where('id', 'in', (sub) =>
			sub.selectFrom('port_security_group').select('port_id').where('security_group_id', 'in', idList(securityGroupIds)),
		);
	}
	return query;
}

export async function insertPort(tx: StoreTransaction, port: Port): Promise<void> {
	await tx.insertInto('port').values(portRow(port)).execute();
	await insertAddresses(tx, port, port.fixedIps);
	await insertGroups(tx, port.id, port.securityGroupIds);
}

/** Writes what of the port differs from `before`. */
export async function updatePort(tx: StoreTransaction, before: Port, port: Port): Promise<void> {
	await tx.updateTable('port').set(portRow(port)).where('id', '=', port.id).execute();
	const gone = before.fixedIps.filter((old) => !port.fixedIps.some((fixedIp) => fixedIp.ipAddress === old.ipAddress));
	const added = port.fixedIps.filter((fixedIp) => !before.fixedIps.some((old) => old.ipAddress === fixedIp.ipAddress));
	for (const fixedIp of gone) {
		await tx.deleteFrom('port_ip').where('port_id', '=', port.id).where('ip_address', '=', fixedIp.ipAddress).execute();
	}
	await insertAddresses(tx, port, added);
	const left = before.securityGroupIds.filter((id) => !port.securityGroupIds.includes(id));
	if (left.length > 0) {
		await tx.deleteFrom('port_security_group').where('port_id', '=', port.id).where('security_group_id', 'in', left).execute();
	}
	await insertGroups(
		tx,
		port.id,
		port.securityGroupIds.filter((id) => !before.securityGroupIds.includes(id)),
	);
}

/** Its addresses and memberships go with it. */
export async function deletePorts(tx: StoreTransaction, ids: readonly string[]): Promise<void> {
	if (ids.length > 0) await tx.deleteFrom('port').where('id', 'in', ids).execute();
}

export async function macAddressInUse(db: Queryable, networkId: string, macAddress: string): Promise<boolean> {
	const row = await db
		.selectFrom('port')
		.select('id')
		.where('network_id', '=', networkId)
		.where('mac_address', '=', macAddress)
		.executeTakeFirst();
	return row !== undefined;
}

async function insertAddresses(tx: StoreTransaction, port: Port, fixedIps: readonly FixedIp[]): Promise<void> {
	if (fixedIps.length === 0) return;
	const rows = fixedIps.map((fixedIp) => ({
		port_id: port.id,
		network_id: port.networkId,
		subnet_id: fixedIp.subnetId,
		ip_address: fixedIp.ipAddress,
		sort_key: ipSortKey(parseIp(fixedIp.ipAddress)?.value ?? 0n),
	}));
	await tx.insertInto('port_ip').values(rows).execute();
}

async function insertGroups(tx: StoreTransaction, portId: string, groupIds: readonly string[]): Promise<void> {
	if (groupIds.length === 0) return;
	await tx
		.insertInto('port_security_group')
		.values(groupIds.map((id) => ({ port_id: portId, security_group_id: id })))
		.execute();
}

function toPort(
	row: Selectable<PortTable>,
	addresses: readonly { readonly subnet_id: string; readonly ip_address: string }[],
	groups: readonly { readonly security_group_id: string }[],
): Port {
	return {
		id: row.id,
		name: row.name,
		projectId: row.project_id,
		networkId: row.network_id,
		description: row.description,
		macAddress: row.mac_address,
		fixedIps: addresses.map((address) => ({ subnetId: address.subnet_id, ipAddress: address.ip_address })),
		securityGroupIds: groups.map((group) => group.security_group_id),
		portSecurityEnabled: row.port_security_enabled === 1,
		allowedAddressPairs: fromJson(row.allowed_address_pairs),
		adminStateUp: row.admin_state_up === 1,
		status: toPortStatus(row.status),
		sandboxId: row.sandbox_id,
		position: row.position,
		preserveOnDelete: row.preserve_on_delete === 1,
		host: row.host,
		createdAt: row.created_at,
		updatedAt: row.updated_at,
	};
}

function toPortStatus(text: string): Port['status'] {
	return text === 'ACTIVE' || text === 'BUILD' || text === 'ERROR' ? text : 'DOWN';
}

function portRow(port: Port): PortTable {
	return {
		id: port.id,
		name: port.name,
		project_id: port.projectId,
		network_id: port.networkId,
		description: port.description,
		mac_address: port.macAddress,
		port_security_enabled: port.portSecurityEnabled ? 1 : 0,
		allowed_address_pairs: JSON.stringify(port.allowedAddressPairs),
		admin_state_up: port.adminStateUp ? 1 : 0,
		status: port.status,
		sandbox_id: port.sandboxId,
		position: port.position,
		preserve_on_delete: port.preserveOnDelete ? 1 : 0,
		host: port.host,
		created_at: port.createdAt,
		updated_at: port.updatedAt,
	};
}
