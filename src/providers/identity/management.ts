import type { ApplicationCredential, Project, RoleAssignment, User } from '../../model/identity.ts';
import type { Role } from '../../model/principal.ts';
import type { Identity } from './identity.ts';

/**
 * An identity that keeps projects, users and roles itself. It decides what is consistent, not who may ask: that is the
 * API's. Names are unique; ids and names are not looked up in one another's place.
 *
 * What is taken away takes effect at once: tokens end with their user, project, role, application credential or
 * password. The last administrator cannot be taken away (`conflict`).
 */
export interface IdentityManagement extends Identity {
	/**
	 * Checks who someone is and issues a token. Throws `unauthorized`, which never tells what was wrong; and
	 * `too-many-requests` with Retry-After. `source` is the address that the request came from.
	 */
	login(request: LoginRequest, source: string): Promise<IssuedToken>;
	/** Throws `unauthorized` when the token is unknown, expired or revoked. A token without a project is valid here. */
	inspect(token: string): Promise<TokenDetails>;
	/** Succeeds also when there is no such token. */
	revoke(token: string): Promise<void>;
	readonly projects: ProjectManagement;
	readonly users: UserManagement;
	readonly assignments: AssignmentManagement;
	readonly applicationCredentials: ApplicationCredentialManagement;
}

/** What a token is for. `default` = the user's default project, if there is one and the user has a role in it. */
export type TokenScope =
	| { readonly type: 'project'; readonly id: string }
	| { readonly type: 'project'; readonly name: string }
	| { readonly type: 'default' }
	| { readonly type: 'none' };

export type Named = { readonly id: string } | { readonly name: string };

export type LoginRequest =
	| { readonly method: 'password'; readonly user: Named; readonly password: string; readonly scope: TokenScope }
	| { readonly method: 'token'; readonly token: string; readonly scope: TokenScope }
	| { readonly method: 'application_credential'; readonly credential: CredentialReference; readonly secret: string };

export type CredentialReference = { readonly id: string } | { readonly name: string; readonly user: Named };

export interface IssuedToken {
	/** What the client sends from now on. It is nowhere stored. */
	readonly token: string;
	readonly details: TokenDetails;
}

/** All that a token says. Times in ms since the epoch. */
export interface TokenDetails {
	readonly auditId: string;
	readonly user: { readonly id: string; readonly name: string };
	readonly project: { readonly id: string; readonly name: string } | null;
	/** With the weaker roles that each includes. */
	readonly roles: readonly Role[];
	readonly methods: readonly string[];
	readonly applicationCredential: { readonly id: string; readonly name: string } | null;
	readonly issuedAt: number;
	readonly expiresAt: number;
}

export interface ProjectManagement {
	list(filter: { readonly name?: string; readonly enabled?: boolean; readonly userId?: string }): Promise<readonly Project[]>;
	/** Throws `project-not-found`. */
	get(id: string): Promise<Project>;
	/** Throws `conflict` when the name is taken. */
	create(input: { readonly name: string; readonly description: string; readonly enabled: boolean }): Promise<Project>;
	update(
		id: string,
		input: { readonly name?: string | undefined; readonly description?: string | undefined; readonly enabled?: boolean | undefined },
	): Promise<Project>;
	/** Throws `conflict` while the project has sandboxes, volumes, ports or networks. */
	delete(id: string): Promise<void>;
}

export interface CreateUser {
	readonly name: string;
	/** null = cannot log in with a password. */
	readonly password: string | null;
	readonly description: string;
	readonly email: string | null;
	readonly enabled: boolean;
	readonly defaultProjectId: string | null;
}

export type UpdateUser = { readonly [Key in keyof CreateUser]?: CreateUser[Key] | undefined };

export interface UserManagement {
	list(filter: { readonly name?: string; readonly enabled?: boolean }): Promise<readonly User[]>;
	/** Throws `user-not-found`. */
	get(id: string): Promise<User>;
	/** Throws `conflict` when the name is taken, `project-not-found` for the default project. */
	create(input: CreateUser): Promise<User>;
	/** A new password ends all tokens of the user. */
	update(id: string, input: UpdateUser): Promise<User>;
	/** For users themselves. Throws `unauthorized` when the original is wrong, `too-many-requests`. */
	changePassword(id: string, original: string, password: string, source: string): Promise<void>;
	delete(id: string): Promise<void>;
}

export interface AssignmentManagement {
	/** As they were given, without the weaker roles that each includes. */
	list(filter: { readonly userId?: string; readonly projectId?: string; readonly role?: Role }): Promise<readonly RoleAssignment[]>;
	/** Succeeds also when it is there. Throws `user-not-found`, `project-not-found`. */
	add(assignment: RoleAssignment): Promise<void>;
	/** Throws `not-found` when it is not there. */
	remove(assignment: RoleAssignment): Promise<void>;
}

export interface CreateApplicationCredential {
	readonly name: string;
	readonly description: string;
	readonly userId: string;
	readonly projectId: string;
	/** null = all that the user has in the project. */
	readonly roles: readonly Role[] | null;
	/** null = a random one is made. */
	readonly secret: string | null;
	readonly expiresAt: number | null;
}

export interface ApplicationCredentialManagement {
	list(userId: string, filter: { readonly name?: string }): Promise<readonly ApplicationCredential[]>;
	/** Throws `not-found`, also for another user's. */
	get(userId: string, id: string): Promise<ApplicationCredential>;
	/** The secret is told this once. Throws `conflict` when the user has one of that name, `policy-not-authorized` for a role that the user has not. */
	create(input: CreateApplicationCredential): Promise<{ readonly credential: ApplicationCredential; readonly secret: string }>;
	delete(userId: string, id: string): Promise<void>;
}
