import { fail } from '../../model/errors.ts';
import type { Api } from '../http/route.ts';
import { allow, isAdministrator, tokenOf } from './access.ts';
import { isOurDomain } from './catalog-routes.ts';
import { renderList, renderProject, renderUser } from './render.ts';
import type { IdentityContext } from './routes.ts';
import { changePassword, createUser, isOn, listFilter, updateUser, userPath } from './schemas.ts';

const tags = ['identity'];

/** Users: administrators see and change all of them; others see themselves and change their own password. */
export function userRoutes(app: Api, { identity, base }: IdentityContext): void {
	app.get(
		'/identity/v3/users',
		{ config: allow('token'), schema: { summary: 'List users', tags, querystring: listFilter } },
		async (request) => {
			const { name, enabled, domain_id } = request.query;
			const token = tokenOf(request);
			const all = isOurDomain(domain_id)
				? await identity.users.list({
						...(name === undefined ? {} : { name }),
						...(enabled === undefined ? {} : { enabled: isOn(enabled) }),
					})
				: [];
			const seen = isAdministrator(token) ? all : all.filter((user) => user.id === token.user.id);
			return renderList(
				'users',
				seen.map((user) => renderUser(user, base())),
				base(),
				'/users',
			);
		},
	);

	app.get(
		'/identity/v3/users/:userId',
		{ config: allow('token'), schema: { summary: 'Show a user', tags, params: userPath } },
		async (request) => {
			const token = tokenOf(request);
			const { userId } = request.params;
			if (userId !== token.user.id && !isAdministrator(token)) throw fail('user-not-found', `Could not find user: ${userId}.`);
			return { user: renderUser(await identity.users.get(userId), base()) };
		},
	);

	app.get(
		'/identity/v3/users/:userId/projects',
		{ config: allow('self-or-admin'), schema: { summary: "List a user's projects", tags, params: userPath } },
		async (request) => {
			const { userId } = request.params;
			await identity.users.get(userId);
			const projects = await identity.projects.list({ userId });
			return renderList(
				'projects',
				projects.map((project) => renderProject(project, base())),
				base(),
				`/users/${userId}/projects`,
			);
		},
	);

	app.post(
		'/identity/v3/users',
		{ config: allow('admin'), schema: { summary: 'Create a user', tags, body: createUser } },
		async (request, reply) => {
			const { name, password, description, email, enabled, default_project_id } = request.body.user;
			const user = await identity.users.create({
				name,
				password: password ?? null,
				description: description ?? '',
				email: email ?? null,
				enabled: enabled ?? true,
				defaultProjectId: default_project_id ?? null,
			});
			reply.code(201);
			return { user: renderUser(user, base()) };
		},
	);

	app.patch(
		'/identity/v3/users/:userId',
		{ config: allow('admin'), schema: { summary: 'Change a user', tags, params: userPath, body: updateUser } },
		async (request) => {
			const { name, password, description, email, enabled, default_project_id } = request.body.user;
			const user = await identity.users.update(request.params.userId, {
				name,
				password,
				description: description === null ? '' : description,
				email,
				enabled,
				defaultProjectId: default_project_id,
			});
			return { user: renderUser(user, base()) };
		},
	);

	app.post(
		'/identity/v3/users/:userId/password',
		{ config: allow('self'), schema: { summary: 'Change the own password', tags, params: userPath, body: changePassword } },
		async (request, reply) => {
			const { original_password, password } = request.body.user;
			if (tokenOf(request).applicationCredential !== null) {
				throw fail('policy-not-authorized', 'An application credential cannot change the password of its user.');
			}
			await identity.users.changePassword(request.params.userId, original_password, password, request.ip);
			return reply.code(204).send();
		},
	);

	app.delete(
		'/identity/v3/users/:userId',
		{ config: allow('admin'), schema: { summary: 'Delete a user', tags, params: userPath } },
		async (request, reply) => {
			await identity.users.delete(request.params.userId);
			return reply.code(204).send();
		},
	);
}
