import { newId } from '../../../model/ids.ts';
import type { SecurityGroup, SecurityGroupRule } from '../../../model/network.ts';
import { failNetwork } from '../../../model/network-errors.ts';
import { canonicalRule, type RuleContent, sameRule } from '../../../model/security-group-rule.ts';
import {
	deleteSecurityGroup,
	deleteSecurityGroupRule,
	insertSecurityGroup,
	insertSecurityGroupRules,
	securityGroupRules,
	securityGroups,
	updateSecurityGroup,
} from '../../../store/security-groups.ts';
import type { Queryable, StoreTransaction } from '../../../store/store.ts';
import type { NetworkChanges } from './changes.ts';

/** Name of the group that every project has, and that nothing else may bear. */
export const defaultGroupName = 'default';

const anything = { protocol: null, portRangeMin: null, portRangeMax: null, remoteIpPrefix: null, remoteGroupId: null } as const;
const everythingOut: readonly RuleContent[] = [
	{ ...anything, direction: 'egress', ethertype: 'IPv4' },
	{ ...anything, direction: 'egress', ethertype: 'IPv6' },
];

export interface NewRule extends RuleContent {
	readonly description: string;
}

/** Groups and their rules. Who may do what is the caller's to check. */
export class SecurityGroups {
	readonly #changes: NetworkChanges;
	readonly #now: () => number;

	constructor(changes: NetworkChanges, now: () => number) {
		this.#changes = changes;
		this.#now = now;
	}

	/** The project's default group, made at first need: everything out, and only itself in. */
	async ensureDefault(tx: StoreTransaction, projectId: string): Promise<SecurityGroup> {
		const existing = await defaultGroup(tx, projectId);
		if (existing !== undefined) return existing;
		const group = await this.create(tx, {
			projectId,
			name: defaultGroupName,
			description: 'Default security group',
			ownerContainerId: null,
		});
		const fromItself = { ...anything, direction: 'ingress' as const, remoteGroupId: group.id };
		await this.#insertRules(tx, group, [
			{ ...fromItself, ethertype: 'IPv4' },
			{ ...fromItself, ethertype: 'IPv6' },
		]);
		return group;
	}

	/** A new group lets everything out and nothing in. */
	async create(
		tx: StoreTransaction,
		group: Pick<SecurityGroup, 'projectId' | 'name' | 'description' | 'ownerContainerId'>,
	): Promise<SecurityGroup> {
		const now = this.#now();
		const created = { ...group, id: newId(), createdAt: now, updatedAt: now };
		await insertSecurityGroup(tx, created);
		await this.#insertRules(tx, created, everythingOut);
		return created;
	}

	async update(
		tx: StoreTransaction,
		group: SecurityGroup,
		change: Partial<Pick<SecurityGroup, 'name' | 'description'>>,
	): Promise<SecurityGroup> {
		if (change.name !== undefined && change.name !== group.name && group.name === defaultGroupName) {
			throw failNetwork('SecurityGroupCannotUpdateDefault', 'Updating the default security group is not allowed.');
		}
		const updated = { ...group, ...change, updatedAt: Math.max(this.#now(), group.updatedAt + 1) };
		await updateSecurityGroup(tx, updated);
		return updated;
	}

	/** Throws SecurityGroupInUse while a port is in it. */
	async remove(tx: StoreTransaction, group: SecurityGroup): Promise<void> {
		const port = await tx
			.selectFrom('port_security_group')
			.select('port_id')
			.where('security_group_id', '=', group.id)
			.limit(1)
			.executeTakeFirst();
		if (port !== undefined) throw failNetwork('SecurityGroupInUse', `Security Group ${group.id} in use.`);
		const naming = await tx.selectFrom('security_group_rule').select('security_group_id').where('remote_group_id', '=', group.id).execute();
		await deleteSecurityGroup(tx, group.id);
		await this.#changes.mark(tx, { groupRules: [group.id, ...naming.map((rule) => rule.security_group_id)] });
	}

	/** Checks and adds a rule. Throws SecurityGroupRuleExists naming the equal one. */
	async addRule(tx: StoreTransaction, group: SecurityGroup, rule: NewRule): Promise<SecurityGroupRule> {
		const canonical = { ...rule, ...canonicalRule(rule) };
		const existing = await securityGroupRules(tx, { securityGroupIds: [group.id] });
		const equal = existing.find((other) => sameRule(other, canonical));
		if (equal !== undefined) throw failNetwork('SecurityGroupRuleExists', `Security group rule already exists. Rule id is ${equal.id}.`);
		const [added] = await this.#insertRules(tx, group, [canonical]);
		if (added === undefined) throw new Error('a rule was written and is not there');
		return added;
	}

	/** Opens a new group for these ports, to all. No port may be there twice. */
	async openPorts(
		tx: StoreTransaction,
		group: SecurityGroup,
		ports: readonly { readonly port: number; readonly protocol: string }[],
	): Promise<void> {
		const rules = ports.flatMap(({ port, protocol }) =>
			(['IPv4', 'IPv6'] as const).map((ethertype) =>
				canonicalRule({ ...anything, direction: 'ingress', ethertype, protocol, portRangeMin: port, portRangeMax: port }),
			),
		);
		await this.#insertRules(tx, group, rules);
	}

	async removeRule(tx: StoreTransaction, rule: SecurityGroupRule): Promise<void> {
		await deleteSecurityGroupRule(tx, rule.id);
		await this.#changes.mark(tx, { groupRules: [rule.securityGroupId] });
	}

	async #insertRules(
		tx: StoreTransaction,
		group: SecurityGroup,
		contents: readonly (RuleContent & { readonly description?: string })[],
	): Promise<readonly SecurityGroupRule[]> {
		const rules = contents.map((content) => ({
			...content,
			id: newId(),
			projectId: group.projectId,
			securityGroupId: group.id,
			description: content.description ?? '',
			createdAt: this.#now(),
		}));
		await insertSecurityGroupRules(tx, rules);
		await this.#changes.mark(tx, { groupRules: [group.id] });
		return rules;
	}
}

/** The project's default group, where it has been made. */
export async function defaultGroup(db: Queryable, projectId: string): Promise<SecurityGroup | undefined> {
	const [group] = await securityGroups(db, { projectIds: [projectId], names: [defaultGroupName] });
	return group;
}
