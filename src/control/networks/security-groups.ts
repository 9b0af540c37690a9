import type { SecurityGroup, SecurityGroupRule } from '../../model/network.ts';
import { failNetwork } from '../../model/network-errors.ts';
import type { Principal } from '../../model/principal.ts';
import type { RuleContent } from '../../model/security-group-rule.ts';
import { defaultGroup, defaultGroupName } from '../../providers/network/embedded/security-groups.ts';
import { securityGroupRules, securityGroups } from '../../store/security-groups.ts';
import type { Queryable } from '../../store/store.ts';
import { type Collection, type NetworkControlDeps, overLimit, ownOnly, projectOf } from './collection.ts';

export interface SecurityGroupView extends SecurityGroup {
	readonly rules: readonly SecurityGroupRule[];
}

export interface SecurityGroupChange {
	readonly name?: string;
	readonly description?: string;
}

export interface CreateSecurityGroup extends SecurityGroupChange {
	readonly projectId?: string;
}

export interface CreateSecurityGroupRule extends RuleContent {
	readonly securityGroupId: string;
	readonly description: string;
	readonly projectId?: string;
}

/** Rules do not change: a new one is made instead. */
export type SecurityGroupRuleChange = { readonly description?: string };

export function securityGroupCollection(deps: NetworkControlDeps): Collection<SecurityGroupView, CreateSecurityGroup, SecurityGroupChange> {
	const { store, provider } = deps;
	return {
		list: async (principal, filter) => {
			await ensureDefault(deps, principal);
			const own = ownOnly(principal, filter);
			return own === null ? [] : await views(store.db, await securityGroups(store.db, own));
		},
		show: async (principal, id) => await view(store.db, await visibleGroup(store.db, principal, id)),
		create: async (principal, inputs) =>
			await store.transaction(async (tx) => {
				const created: SecurityGroup[] = [];
				for (const input of inputs) {
					const projectId = projectOf(principal, input.projectId);
					await provider.securityGroups.ensureDefault(tx, projectId);
					requireNotDefault(input.name);
					const group = { projectId, name: input.name ?? '', description: input.description ?? '', ownerContainerId: null };
					created.push(await provider.securityGroups.create(tx, group));
					const all = (await securityGroups(tx, { projectIds: [projectId] })).filter((other) => other.ownerContainerId === null);
					if (all.length > deps.limits.securityGroups) throw overLimit('security_group');
				}
				return await views(tx, created);
			}),
		update: async (principal, id, change) =>
			await store.transaction(async (tx) => {
				const group = await visibleGroup(tx, principal, id);
				if (change.name !== group.name) requireNotDefault(change.name);
				return await view(tx, await provider.securityGroups.update(tx, group, change));
			}),
		delete: async (principal, id) =>
			await store.transaction(async (tx) => {
				const group = await visibleGroup(tx, principal, id);
				if (group.name === defaultGroupName) {
					throw failNetwork('SecurityGroupCannotRemoveDefault', 'Insufficient rights for removing default security group.');
				}
				await provider.securityGroups.remove(tx, group);
			}),
	};
}

export function securityGroupRuleCollection(
	deps: NetworkControlDeps,
): Collection<SecurityGroupRule, CreateSecurityGroupRule, SecurityGroupRuleChange> {
	const { store, provider } = deps;
	return {
		list: async (principal, filter) => {
			await ensureDefault(deps, principal);
			const own = ownOnly(principal, filter);
			return own === null ? [] : await securityGroupRules(store.db, own);
		},
		show: async (principal, id) => await visibleRule(store.db, principal, id),
		create: async (principal, inputs) =>
			await store.transaction(async (tx) => {
				const created: SecurityGroupRule[] = [];
				for (const { securityGroupId, ...input } of inputs) {
					const group = await visibleGroup(tx, principal, securityGroupId);
					if (input.remoteGroupId !== null) await requireRemoteGroup(tx, group.projectId, input.remoteGroupId);
					created.push(await provider.securityGroups.addRule(tx, group, input));
					const all = await securityGroupRules(tx, { projectIds: [group.projectId] });
					if (all.length > deps.limits.securityGroupRules) throw overLimit('security_group_rule');
				}
				return created;
			}),
		update: async () => {
			throw failNetwork('BadRequest', 'A rule cannot be changed: delete it and make a new one.');
		},
		delete: async (principal, id) =>
			await store.transaction(async (tx) => await provider.securityGroups.removeRule(tx, await visibleRule(tx, principal, id))),
	};
}

/** Reads first, so that a list does not wait for writers once the group is there. */
async function ensureDefault({ store, provider }: NetworkControlDeps, principal: Principal): Promise<void> {
	if ((await defaultGroup(store.db, principal.projectId)) !== undefined) return;
	await store.transaction((tx) => provider.securityGroups.ensureDefault(tx, principal.projectId));
}

async function visibleGroup(db: Queryable, principal: Principal, id: string): Promise<SecurityGroup> {
	const own = ownOnly(principal, { ids: [id] });
	const [group] = own === null ? [] : await securityGroups(db, own);
	if (group === undefined) throw failNetwork('SecurityGroupNotFound', `Security group ${id} does not exist.`);
	return group;
}

async function visibleRule(db: Queryable, principal: Principal, id: string): Promise<SecurityGroupRule> {
	const own = ownOnly(principal, { ids: [id] });
	const [rule] = own === null ? [] : await securityGroupRules(db, own);
	if (rule === undefined) throw failNetwork('SecurityGroupRuleNotFound', `Security group rule ${id} does not exist.`);
	return rule;
}

/** A rule names groups of its own project only: another's members are not to be learnt from what gets through. */
async function requireRemoteGroup(db: Queryable, projectId: string, id: string): Promise<void> {
	const [group] = await securityGroups(db, { projectIds: [projectId], ids: [id] });
	if (group === undefined) throw failNetwork('SecurityGroupNotFound', `Security group ${id} does not exist.`);
}

function requireNotDefault(name: string | undefined): void {
	if (name === defaultGroupName) throw failNetwork('SecurityGroupDefaultAlreadyExists', 'Default security group already exists.');
}

async function views(db: Queryable, groups: readonly SecurityGroup[]): Promise<readonly SecurityGroupView[]> {
	if (groups.length === 0) return [];
	const rules = await securityGroupRules(db, { securityGroupIds: groups.map((group) => group.id) });
	const byGroup = Map.groupBy(rules, (rule) => rule.securityGroupId);
	return groups.map((group) => ({ ...group, rules: byGroup.get(group.id) ?? [] }));
}

async function view(db: Queryable, group: SecurityGroup): Promise<SecurityGroupView> {
	const [seen] = await views(db, [group]);
	return seen ?? { ...group, rules: [] };
}
