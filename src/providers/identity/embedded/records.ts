import type { Selectable } from 'kysely';
import type { ApplicationCredential, Project, RoleAssignment, User } from '../../../model/identity.ts';
import type { Role } from '../../../model/principal.ts';
import { fromJson } from '../../../store/json.ts';
import type { ApplicationCredentialTable, ProjectTable, UserTable } from '../../../store/schema.ts';
import { isRole } from './effective-roles.ts';

export function projectOf(row: Selectable<ProjectTable>): Project {
	return { id: row.id, name: row.name, description: row.description, enabled: row.enabled === 1, createdAt: row.created_at };
}

export function userOf(row: Selectable<UserTable>): User {
	return {
		id: row.id,
		name: row.name,
		description: row.description,
		email: row.email,
		enabled: row.enabled === 1,
		defaultProjectId: row.default_project_id,
		createdAt: row.created_at,
	};
}

export function credentialOf(row: Selectable<ApplicationCredentialTable>): ApplicationCredential {
	return {
		id: row.id,
		name: row.name,
		userId: row.user_id,
		projectId: row.project_id,
		description: row.description,
		roles: fromJson<Role[]>(row.roles),
		expiresAt: row.expires_at,
		createdAt: row.created_at,
	};
}

/** Nothing for a role that this version does not know. */
export function assignmentsOf(rows: readonly { user_id: string; project_id: string; role: string }[]): RoleAssignment[] {
	return rows.flatMap(({ user_id, project_id, role }) => (isRole(role) ? [{ userId: user_id, projectId: project_id, role }] : []));
}
