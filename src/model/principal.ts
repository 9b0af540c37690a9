import type { Secret } from './secret.ts';

/** Roles in rising order of power. Each includes the ones before it. */
export const roles = ['reader', 'member', 'admin'] as const;
export type Role = (typeof roles)[number];

/** Who makes a request, and for which project. Every function of `control` that a user reaches takes one. */
export interface Principal {
	readonly userId: string;
	readonly userName: string;
	readonly projectId: string;
	readonly projectName: string;
	readonly roles: readonly Role[];
	/** `req-<uuid>`: the id of the request, which the operations that it starts carry too. */
	readonly requestId: string;
	/** What the request was authenticated with, for work in this user's name elsewhere; missing = the service's own doing. */
	readonly token?: Secret;
}

/** Whether the principal has the role, or a more powerful one. */
export function hasRole(principal: Principal, role: Role): boolean {
	return principal.roles.some((held) => roles.indexOf(held) >= roles.indexOf(role));
}

export function isAdmin(principal: Principal): boolean {
	return hasRole(principal, 'admin');
}
