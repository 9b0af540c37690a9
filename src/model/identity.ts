import type { Role } from './principal.ts';

/** The embedded identity's own records, in the terms of Keystone v3. Times in ms since the epoch. */
export interface Project {
	readonly id: string;
	readonly name: string;
	readonly description: string;
	readonly enabled: boolean;
	readonly createdAt: number;
}

export interface User {
	readonly id: string;
	readonly name: string;
	readonly description: string;
	readonly email: string | null;
	readonly enabled: boolean;
	readonly defaultProjectId: string | null;
	readonly createdAt: number;
}

export interface RoleAssignment {
	readonly userId: string;
	readonly projectId: string;
	readonly role: Role;
}

export interface ApplicationCredential {
	readonly id: string;
	readonly name: string;
	readonly userId: string;
	readonly projectId: string;
	readonly description: string;
	readonly roles: readonly Role[];
	readonly expiresAt: number | null;
	readonly createdAt: number;
}

/** The one domain of the embedded identity. */
export const defaultDomain = { id: 'default', name: 'Default' } as const;
