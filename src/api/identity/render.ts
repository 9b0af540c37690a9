import { type ApplicationCredential, defaultDomain, type Project, type User } from '../../model/identity.ts';
import type { Role } from '../../model/principal.ts';
import type { TokenDetails } from '../../providers/identity/management.ts';
import type { CatalogService } from './catalog.ts';
import { keystoneTime } from './time.ts';

/** Things in Keystone's form. `base` is the URL of the v3 API, for links. */

export function renderProject(project: Project, base: string) {
	return {
		id: project.id,
		name: project.name,
		description: project.description,
		enabled: project.enabled,
		domain_id: defaultDomain.id,
		parent_id: defaultDomain.id,
		is_domain: false,
		tags: [],
		options: {},
		links: { self: `${base}/projects/${project.id}` },
	};
}

export function renderUser(user: User, base: string) {
	return {
		id: user.id,
		name: user.name,
		description: user.description,
		...(user.email === null ? {} : { email: user.email }),
		enabled: user.enabled,
		domain_id: defaultDomain.id,
		...(user.defaultProjectId === null ? {} : { default_project_id: user.defaultProjectId }),
		password_expires_at: null,
		options: {},
		links: { self: `${base}/users/${user.id}` },
	};
}

const roleDescriptions: Record<Role, string> = {
	admin: 'Everything, in every project, and users and projects themselves',
	member: "Make, change and delete a project's things",
	reader: "See a project's things",
};

/** Roles are fixed; the id of each is its name. */
export function renderRole(role: Role, base: string) {
	return {
		id: role,
		name: role,
		domain_id: null,
		description: roleDescriptions[role],
		options: {},
		links: { self: `${base}/roles/${role}` },
	};
}

export function renderCredential(credential: ApplicationCredential, base: string) {
	return {
		id: credential.id,
		name: credential.name,
		description: credential.description,
		project_id: credential.projectId,
		user_id: credential.userId,
		roles: credential.roles.map((role) => ({ id: role, name: role, domain_id: null })),
		expires_at: credential.expiresAt === null ? null : keystoneTime(credential.expiresAt),
		unrestricted: false,
		system: null,
		links: { self: `${base}/users/${credential.userId}/application_credentials/${credential.id}` },
	};
}

export function renderDomain(base: string) {
	return {
		...defaultDomain,
		description: 'The only domain',
		enabled: true,
		tags: [],
		options: {},
		links: { self: `${base}/domains/${defaultDomain.id}` },
	};
}

/** `catalog` null = left out, as the client asked. */
export function renderToken(token: TokenDetails, catalog: readonly CatalogService[] | null) {
	const project = token.project === null ? {} : projectPart(token, token.project, catalog);
	return {
		methods: token.methods,
		user: { ...token.user, domain: defaultDomain, password_expires_at: null },
		audit_ids: [token.auditId],
		issued_at: keystoneTime(token.issuedAt),
		expires_at: keystoneTime(token.expiresAt),
		...project,
		...(token.applicationCredential === null ? {} : { application_credential: { ...token.applicationCredential, restricted: true } }),
	};
}

function projectPart(token: TokenDetails, project: { id: string; name: string }, catalog: readonly CatalogService[] | null) {
	return {
		project: { ...project, domain: defaultDomain },
		is_domain: false,
		roles: token.roles.map((role) => ({ id: role, name: role })),
		...(catalog === null ? {} : { catalog }),
	};
}

/** A list with its links. All lists are whole: no page follows. */
export function renderList(name: string, items: readonly object[], base: string, path: string) {
	return { [name]: items, links: { self: `${base}${path}`, previous: null, next: null } };
}
