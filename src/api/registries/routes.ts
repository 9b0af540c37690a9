import type { FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import type { RegistryControl, RegistryInput, RegistryView } from '../../control/registry-control.ts';
import { defined } from '../http/defined.ts';
import { linkBase, resourceLinks } from '../http/links.ts';
import { nextOf } from '../http/page-of.ts';
import { pagingParameters, readListQuery } from '../http/paging.ts';
import { sendJson } from '../http/reply.ts';
import { responses } from '../http/responses.ts';
import { type Api, principalOf } from '../http/route.ts';
import type { RouteContext } from '../options.ts';
import { zunTime } from '../parse/time.ts';
import { IdParams } from '../schemas.ts';
import { OneRegistry, RegistryCreate, RegistryList, RegistryUpdate } from './schemas.ts';

const filters = ['name', 'domain', 'username', 'project_id', 'user_id'] as const;

const ListParameters = Type.Object(
	{
		...pagingParameters,
		name: Type.Optional(Type.String()),
		domain: Type.Optional(Type.String()),
		username: Type.Optional(Type.String()),
		project_id: Type.Optional(Type.String()),
		user_id: Type.Optional(Type.String()),
	},
	{ additionalProperties: false },
);

/** Zun's `/registries`: logins of private registries. */
export function registryRoutes(app: Api, { options, policy, registries: guard }: RouteContext, registries: RegistryControl): void {
	const base = (request: FastifyRequest) => linkBase(request, options.publicUrl, options.pathPrefix);
	const render = (request: FastifyRequest, view: RegistryView) => ({
		uuid: view.id,
		links: resourceLinks(base(request), 'registries', view.id),
		name: view.name,
		domain: view.domain,
		username: view.username,
		password: '***',
		project_id: view.project_id,
		user_id: view.user_id,
		created_at: zunTime(view.created_at),
		updated_at: zunTime(view.updated_at),
	});

	app.route({
		method: 'POST',
		url: '/v1/registries',
		config: { rule: 'registry:create', jsonOnly: true },
		schema: { summary: 'Keep a login of a private registry', body: RegistryCreate, response: responses({ 201: OneRegistry }) },
		handler: async (request, reply) => {
			const { domain } = request.body.registry;
			await guard.checkDomain(principalOf(request), domain);
			const view = await registries.create(principalOf(request), { ...readInput(request.body.registry), domain });
			reply.header('location', `${base(request).base}/v1/registries/${view.id}`);
			return sendJson(reply, 201, { registry: render(request, view) });
		},
	});

	app.route({
		method: 'GET',
		url: '/v1/registries',
		config: { rule: 'registry:get_all' },
		schema: { summary: 'List registries', querystring: ListParameters, response: responses({ 200: RegistryList }) },
		handler: async (request, reply) => {
			const principal = principalOf(request);
			const query = readListQuery(request.query, options.maxLimit, filters);
			if (query.allProjects) policy.enforce(principal, 'registry:get_all_all_projects');
			const views = await registries.list(principal, query);
			const next = nextOf(base(request), '/v1/registries', request.query, query.limit, views, ({ id }) => id);
			return sendJson(reply, 200, { registries: views.map((view) => render(request, view)), next });
		},
	});

	app.route({
		method: 'GET',
		url: '/v1/registries/:id',
		config: { rule: 'registry:get_one' },
		schema: { summary: 'Show a registry', params: IdParams, response: responses({ 200: OneRegistry }) },
		handler: async (request, reply) =>
			sendJson(reply, 200, { registry: render(request, await registries.show(principalOf(request), request.params.id)) }),
	});

	app.route({
		method: 'PATCH',
		url: '/v1/registries/:id',
		config: { rule: 'registry:update' },
		schema: { summary: 'Change a registry', params: IdParams, body: RegistryUpdate, response: responses({ 200: OneRegistry }) },
		handler: async (request, reply) => {
			const { registry } = request.body;
			const input = { ...readInput(registry), ...defined({ domain: registry.domain ?? undefined }) };
			if (input.domain !== undefined) await guard.checkDomain(principalOf(request), input.domain);
			const view = await registries.update(principalOf(request), request.params.id, input);
			return sendJson(reply, 200, { registry: render(request, view) });
		},
	});

	app.route({
		method: 'DELETE',
		url: '/v1/registries/:id',
		config: { rule: 'registry:delete' },
		schema: { summary: 'Forget a registry that no container uses', params: IdParams, response: responses({ 204: Type.Null() }) },
		handler: async (request, reply) => {
			await registries.delete(principalOf(request), request.params.id);
			return reply.code(204).send();
		},
	});
}

function readInput(body: Static<typeof RegistryUpdate>['registry']): Omit<RegistryInput, 'domain'> {
	return defined({ name: body.name ?? undefined, username: body.username ?? undefined, password: body.password ?? undefined });
}
