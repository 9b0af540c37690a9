import type { Selectable } from 'kysely';
import type { SecurityGroup, SecurityGroupRule } from '../model/network.ts';
import { idList } from './id-list.ts';
import type { SecurityGroupRuleTable, SecurityGroupTable } from './schema.ts';
import type { Queryable, StoreTransaction } from './store.ts';

/** What narrows a list of groups or rules. Each list is "one of"; a missing one does not narrow. */
export interface SecurityGroupFilter {
	readonly projectIds?: readonly string[];
	readonly ids?: readonly string[];
	readonly names?: readonly string[];
	readonly ownerContainerIds?: readonly string[];
}

export interface SecurityGroupRuleFilter {
	readonly projectIds?: readonly string[];
	readonly ids?: readonly string[];
	readonly securityGroupIds?: readonly string[];
}

/** Groups by age, oldest first. */
export async function securityGroups(db: Queryable, filter: SecurityGroupFilter): Promise<readonly SecurityGroup[]> {
	let query = db.selectFrom('security_group').selectAll();
	if (filter.projectIds !== undefined) query = query.where('project_id', 'in', idList(filter.projectIds));
	if (filter.ids !== undefined) query = query.where('id', 'in', idList(filter.ids));
	if (filter.names !== undefined) query = query.where('name', 'in', idList(filter.names));
	if (filter.ownerContainerIds !== undefined) query = query.where('owner_container_id', 'in', idList(filter.ownerContainerIds));
	return (await query.orderBy('created_at').orderBy('id').execute()).map(toSecurityGroup);
}

/** Rules by age, oldest first. */
export async function securityGroupRules(db: Queryable, filter: SecurityGroupRuleFilter): Promise<readonly SecurityGroupRule[]> {
	let query = db.selectFrom('security_group_rule').selectAll();
	if (filter.projectIds !== undefined) query = query.where('project_id', 'in', idList(filter.projectIds));
	if (filter.ids !== undefined) query = query.where('id', 'in', idList(filter.ids));
	if (filter.securityGroupIds !== undefined) query = query.where('security_group_id', 'in', idList(filter.securityGroupIds));
	return (await query.orderBy('created_at').orderBy('id').execute()).map(toSecurityGroupRule);
}

export async function insertSecurityGroup(tx: StoreTransaction, group: SecurityGroup): Promise<void> {
	await tx.insertInto('security_group').values(securityGroupRow(group)).execute();
}

export async function updateSecurityGroup(tx: StoreTransaction, group: SecurityGroup): Promise<void> {
	await tx.updateTable('security_group').set(securityGroupRow(group)).where('id', '=', group.id).execute();
}

/** Its rules go with it, and those of other groups that name it. No port may be in it. */
export async function deleteSecurityGroup(tx: StoreTransaction, id: string): Promise<void> {
	await tx.deleteFrom('security_group_rule').where('remote_group_id', '=', id).execute();
	await tx.deleteFrom('security_group').where('id', '=', id).execute();
}

export async function insertSecurityGroupRules(tx: StoreTransaction, rules: readonly SecurityGroupRule[]): Promise<void> {
	if (rules.length > 0) await tx.insertInto('security_group_rule').values(rules.map(securityGroupRuleRow)).execute();
}

export async function deleteSecurityGroupRule(tx: StoreTransaction, id: string): Promise<void> {
	await tx.deleteFrom('security_group_rule').where('id', '=', id).execute();
}

/** Groups whose rules name this one, itself included where it does. */
export async function groupsNaming(db: Queryable, groupIds: readonly string[]): Promise<readonly string[]> {
	if (groupIds.length === 0) return [];
	const rows = await db
		.selectFrom('security_group_rule')
		.select('security_group_id')
		.distinct()
		.where('remote_group_id', 'in', idList(groupIds))
		.execute();
	return rows.map((row) => row.security_group_id);
}

function toSecurityGroup(row: Selectable<SecurityGroupTable>): SecurityGroup {
	return {
		id: row.id,
		name: row.name,
		projectId: row.project_id,
		description: row.description,
		ownerContainerId: row.owner_container_id,
		createdAt: row.created_at,
		updatedAt: row.updated_at,
	};
}

function securityGroupRow(group: SecurityGroup): SecurityGroupTable {
	return {
		id: group.id,
		name: group.name,
		project_id: group.projectId,
		description: group.description,
		owner_container_id: group.ownerContainerId,
		created_at: group.createdAt,
		updated_at: group.updatedAt,
	};
}

function toSecurityGroupRule(row: Selectable<SecurityGroupRuleTable>): SecurityGroupRule {
	return {
		id: row.id,
		projectId: row.project_id,
		securityGroupId: row.security_group_id,
		description: row.description,
		direction: row.direction === 'ingress' ? 'ingress' : 'egress',
		ethertype: row.ethertype === 'IPv6' ? 'IPv6' : 'IPv4',
		protocol: row.protocol,
		portRangeMin: row.port_range_min,
		portRangeMax: row.port_range_max,
		remoteIpPrefix: row.remote_ip_prefix,
		remoteGroupId: row.remote_group_id,
		createdAt: row.created_at,
	};
}

function securityGroupRuleRow(rule: SecurityGroupRule): SecurityGroupRuleTable {
	return {
		id: rule.id,
		project_id: rule.projectId,
		security_group_id: rule.securityGroupId,
		description: rule.description,
		direction: rule.direction,
		ethertype: rule.ethertype,
		protocol: rule.protocol,
		port_range_min: rule.portRangeMin,
		port_range_max: rule.portRangeMax,
		remote_ip_prefix: rule.remoteIpPrefix,
		remote_group_id: rule.remoteGroupId,
		created_at: rule.createdAt,
	};
}
