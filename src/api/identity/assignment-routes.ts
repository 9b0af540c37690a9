import { fail } from '../../model/errors.ts';
import { defaultDomain, type RoleAssignment } from '../../model/identity.ts';
import { type Role, roles } from '../../model/principal.ts';
import type { Api } from '../http/route.ts';
import { allow, isAdministrator, tokenOf } from './access.ts';
import { renderList, renderRole } from './render.ts';
import type { IdentityContext } from './routes.ts';
import { assignmentFilter, assignmentPath, isOn, memberPath } from './schemas.ts';

const tags = ['identity'];
const path = '/identity/v3/projects/:projectId/users/:userId/roles';

/** Which user has which role in which project. */
export function assignmentRoutes(app: Api, { identity, base }: IdentityContext): void {
	app.get(
		path,
		{ config: allow('self-or-admin'), schema: { summary: "List a user's roles in a project", tags, params: memberPath } },
		async (request) => {
			const { projectId, userId } = request.params;
			await identity.projects.get(projectId);
			await identity.users.get(userId);
			const found = await identity.assignments.list({ projectId, userId });
			const rendered = found.map(({ role }) => renderRole(role, base()));
			return renderList('roles', rendered, base(), `/projects/${projectId}/users/${userId}/roles`);
		},
	);

	app.route({
		method: ['GET', 'HEAD'],
		url: `${path}/:roleId`,
		config: allow('self-or-admin'),
		schema: { summary: 'Check whether a user has a role in a project', tags, params: assignmentPath },
		handler: async (request, reply) => {
			const assignment = assignmentIn(request.params);
			const found = await identity.assignments.list(assignment);
			if (found.length === 0) {
				throw fail('not-found', `User ${assignment.userId} does not have the role ${assignment.role} in project ${assignment.projectId}.`);
			}
			return reply.code(204).send();
		},
	});

	app.put(
		`${path}/:roleId`,
		{ config: allow('admin'), schema: { summary: 'Give a user a role in a project', tags, params: assignmentPath } },
		async (request, reply) => {
			await identity.assignments.add(assignmentIn(request.params));
			return reply.code(204).send();
		},
	);

	app.delete(
		`${path}/:roleId`,
		{ config: allow('admin'), schema: { summary: 'Take a role in a project from a user', tags, params: assignmentPath } },
		async (request, reply) => {
			await identity.assignments.remove(assignmentIn(request.params));
			return reply.code(204).send();
		},
	);

	app.get(
		'/identity/v3/role_assignments',
		{ config: allow('token'), schema: { summary: 'List role assignments', tags, querystring: assignmentFilter } },
		async (request) => {
			const token = tokenOf(request);
			const query = request.query;
			const userId = isAdministrator(token) ? query['user.id'] : token.user.id;
			if ((query['user.id'] ?? userId) !== userId) throw fail('policy-not-authorized', 'Only administrators see the roles of others.');
			const elsewhere = [query['group.id'], query['scope.domain.id'], query['scope.system']].some((value) => value !== undefined);
			const found = elsewhere
				? []
				: await identity.assignments.list({
						...(userId === undefined ? {} : { userId }),
						...(query['scope.project.id'] === undefined ? {} : { projectId: query['scope.project.id'] }),
						...(query['role.id'] === undefined ? {} : { role: roleNamed(query['role.id']) }),
					});
			const names = isOn(query.include_names) ? await readNames() : null;
			return renderList(
				'role_assignments',
				found.map((assignment) => render(assignment, names)),
				base(),
				'/role_assignments',
			);
		},
	);

	async function readNames(): Promise<ReadonlyMap<string, string>> {
		const [projects, users] = await Promise.all([identity.projects.list({}), identity.users.list({})]);
		return new Map([...projects, ...users].map(({ id, name }) => [id, name]));
	}

	function render({ userId, projectId, role }: RoleAssignment, names: ReadonlyMap<string, string> | null) {
		const named = (id: string) => (names === null ? { id } : { id, name: names.get(id) ?? '', domain: defaultDomain });
		return {
			role: names === null ? { id: role } : { id: role, name: role },
			user: named(userId),
			scope: { project: named(projectId) },
			links: { assignment: `${base()}/projects/${projectId}/users/${userId}/roles/${role}` },
		};
	}
}

function assignmentIn({ projectId, userId, roleId }: { projectId: string; userId: string; roleId: string }): RoleAssignment {
	return { projectId, userId, role: roleNamed(roleId) };
}

/** Throws `not-found`. */
export function roleNamed(text: string): Role {
	const role = roles.find((known) => known === text);
	if (role === undefined) throw fail('not-found', `Could not find role: ${text}. There are ${roles.join(', ')}.`);
	return role;
}
