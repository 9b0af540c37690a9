import { randomUUID } from 'node:crypto';
import { eventually } from '../../support/eventually.ts';
import { type Account, type Fields, fieldsIn } from '../cloud/account.ts';
import type { Lifetime } from './networks.ts';

/** A security group without rules for what comes in, for as long as the test runs. */
export async function makeGroup(t: Lifetime, account: Account): Promise<{ readonly id: string; readonly name: string }> {
	const name = `group-${randomUUID().slice(0, 8)}`;
	const group = fieldsIn(await account.ok('neutron', 'POST /v2.0/security-groups', { security_group: { name } }), 'security_group');
	const id = String(group['id']);
	// A port that is going may still have it.
	t.after(() =>
		eventually(
			`group ${name} is deleted`,
			async () => (await account.call('neutron', `DELETE /v2.0/security-groups/${id}`)).status !== 409,
		),
	);
	return { id, name };
}

/** Lets something in. Answers the rule's id. */
export async function allow(account: Account, groupId: string, rule: Fields): Promise<string> {
	const body = { security_group_rule: { security_group_id: groupId, direction: 'ingress', ethertype: 'IPv4', ...rule } };
	return String(fieldsIn(await account.ok('neutron', 'POST /v2.0/security-group-rules', body), 'security_group_rule')['id']);
}

export async function forbid(account: Account, ruleId: string): Promise<void> {
	await account.ok('neutron', `DELETE /v2.0/security-group-rules/${ruleId}`);
}
