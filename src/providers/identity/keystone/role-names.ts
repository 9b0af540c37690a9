import type { Role } from '../../../model/principal.ts';

/** Which of Keystone's roles are ours. Names are compared without regard to case, as Keystone does. */
export type RoleNames = { readonly [Name in Role]: readonly string[] };

/** Our roles, strongest first, among those of a token; roles that are not named give nothing. */
export function rolesOf(names: readonly string[], known: RoleNames): readonly Role[] {
	const held = new Set(names.map((name) => name.toLowerCase()));
	const order: readonly Role[] = ['admin', 'member', 'reader'];
	return order.filter((role) => known[role].some((name) => held.has(name.toLowerCase())));
}
