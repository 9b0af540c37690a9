import { type Role, roles } from '../../../model/principal.ts';

/** The roles with the weaker ones that each includes, the most powerful first. */
export function effectiveRoles(held: readonly Role[]): readonly Role[] {
	const highest = Math.max(-1, ...held.map((role) => roles.indexOf(role)));
	return roles.slice(0, highest + 1).reverse();
}

/** Those of `wanted` that `held` includes. */
export function includedRoles(wanted: readonly Role[], held: readonly Role[]): readonly Role[] {
	const effective = effectiveRoles(held);
	return wanted.filter((role) => effective.includes(role));
}

export function isRole(text: string): text is Role {
	return roles.some((role) => role === text);
}
