import { fail } from '../../model/errors.ts';
import type { Api } from '../http/route.ts';
import { allow, isAdministrator, tokenOf } from './access.ts';
import { isOurDomain } from './catalog-routes.ts';
import { renderList, renderProject } from './render.ts';
import type { IdentityContext } from './routes.ts';
import { createProject, isOn, listFilter, projectPath, updateProject } from './schemas.ts';

const tags = ['identity'];

/** Projects: administrators see and change all of them; others see those in which they have a role. */
export function projectRoutes(app: Api, { identity, base }: IdentityContext): void {
	app.get(
		'/identity/v3/projects',
		{ config: allow('token'), schema: { summary: 'List projects', tags, querystring: listFilter } },
		async (request) => {
			const { name, enabled, domain_id } = request.query;
			const token = tokenOf(request);
			const found = isOurDomain(domain_id)
				? await identity.projects.list({
						...(name === undefined ? {} : { name }),
						...(enabled === undefined ? {} : { enabled: isOn(enabled) }),
						...(isAdministrator(token) ? {} : { userId: token.user.id }),
					})
				: [];
			return renderList(
				'projects',
				found.map((project) => renderProject(project, base())),
				base(),
				'/projects',
			);
		},
	);

	app.get(
		'/identity/v3/projects/:projectId',
		{ config: allow('token'), schema: { summary: 'Show a project', tags, params: projectPath } },
		async (request) => {
			const token = tokenOf(request);
			const project = await identity.projects.get(request.params.projectId);
			const theirs =
				isAdministrator(token) || (await identity.assignments.list({ userId: token.user.id, projectId: project.id })).length > 0;
			if (!theirs) throw fail('project-not-found', `Could not find project: ${request.params.projectId}.`);
			return { project: renderProject(project, base()) };
		},
	);

	app.post(
		'/identity/v3/projects',
		{ config: allow('admin'), schema: { summary: 'Create a project', tags, body: createProject } },
		async (request, reply) => {
			const { name, description, enabled } = request.body.project;
			const project = await identity.projects.create({ name, description: description ?? '', enabled: enabled ?? true });
			reply.code(201);
			return { project: renderProject(project, base()) };
		},
	);

	app.patch(
		'/identity/v3/projects/:projectId',
		{ config: allow('admin'), schema: { summary: 'Change a project', tags, params: projectPath, body: updateProject } },
		async (request) => {
			const { name, description, enabled } = request.body.project;
			const project = await identity.projects.update(request.params.projectId, {
				name,
				description: description === null ? '' : description,
				enabled,
			});
			return { project: renderProject(project, base()) };
		},
	);

	app.delete(
		'/identity/v3/projects/:projectId',
		{ config: allow('admin'), schema: { summary: 'Delete a project', tags, params: projectPath } },
		async (request, reply) => {
			await identity.projects.delete(request.params.projectId);
			return reply.code(204).send();
		},
	);
}
