import type { FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import type { SandboxView } from '../../control/control.ts';
import { sandboxStatuses } from '../../model/sandbox.ts';
import { idempotency } from '../http/idempotency.ts';
import { linkBase, nextLink } from '../http/links.ts';
import { contains, label, pagingParameters, readListQuery } from '../http/paging.ts';
import { RenderedJson } from '../http/rendered.ts';
import { clientGone, sendJson, sendRendered } from '../http/reply.ts';
import { responses } from '../http/responses.ts';
import { type Api, principalOf } from '../http/route.ts';
import { heldPlace, showParameters, waitTimeout } from '../http/wait.ts';
import type { RouteContext } from '../options.ts';
import { flag } from '../parse/flag.ts';
import { Flag, IdParams } from '../schemas.ts';
import { sandboxActionRoutes } from './action-routes.ts';
import { readCreate, readUpdate } from './input.ts';
import { networkRoutes } from './network-routes.ts';
import { renderSandbox } from './render.ts';
import { Sandbox, SandboxCreate, SandboxList, SandboxUpdate } from './schemas.ts';

const filters = [
	'name',
	'project_id',
	'user_id',
	'status',
	'task_state',
	'host',
	'created_by',
	'availability_zone',
	'name_contains',
] as const;

const ListParameters = Type.Object(
	{
		...pagingParameters,
		name: Type.Optional(Type.String()),
		project_id: Type.Optional(Type.String()),
		user_id: Type.Optional(Type.String()),
		status: Type.Optional(Type.String()),
		task_state: Type.Optional(Type.String()),
		host: Type.Optional(Type.String()),
		created_by: Type.Optional(Type.Enum(['user', 'container', 'capsule'])),
		availability_zone: Type.Optional(Type.String()),
		name_contains: contains('name'),
		label,
	},
	{ additionalProperties: false },
);

/** `/v1/sandboxes`: announced by version 1.41, served at every version. */
export function sandboxRoutes(app: Api, context: RouteContext): void {
	const { control, options, policy } = context;
	const lists = new RenderedJson<readonly SandboxView[]>();
	const base = (request: FastifyRequest) => linkBase(request, options.publicUrl, options.pathPrefix);
	const render = (request: FastifyRequest, view: SandboxView) =>
		renderSandbox(view, { links: base(request), admin: policy.allows(principalOf(request), 'sandbox:get_one:host') });

	app.route({
		method: 'POST',
		url: '/v1/sandboxes',
		config: { rule: 'sandbox:create', merge: true, jsonOnly: true },
		schema: {
			summary: 'Create a sandbox',
			description: 'Idempotency-Key: a repeated request with the same key gives the answer of the first.',
			body: SandboxCreate,
			response: responses({ 202: Sandbox }),
		},
		handler: async (request, reply) => {
			const input = readCreate(request.body, principalOf(request), context);
			const view = await control.sandboxes.create(principalOf(request), input, idempotency(request));
			reply.header('location', `${base(request).base}/v1/sandboxes/${view.id}`);
			return sendJson(reply, 202, render(request, view));
		},
	});

	app.route({
		method: 'GET',
		url: '/v1/sandboxes',
		config: { rule: 'sandbox:get_all' },
		schema: { summary: 'List sandboxes', querystring: ListParameters, response: responses({ 200: SandboxList }) },
		handler: async (request, reply) => {
			const principal = principalOf(request);
			const query = readListQuery(request.query, options.maxLimit, filters);
			if (query.allProjects) policy.enforce(principal, 'sandbox:get_all_all_projects');
			if (query.filters['host'] !== undefined) policy.enforce(principal, 'sandbox:get_all:host');
			const views = await control.sandboxes.list(principal, query);
			const admin = policy.allows(principal, 'sandbox:get_one:host');
			const last = views.length === query.limit ? views.at(-1) : undefined;
			const next = last === undefined ? null : nextLink(base(request), '/v1/sandboxes', request.query, last.id, query.limit);
			return sendRendered(
				reply,
				lists.of(views, `${admin} ${next}`, () => ({ sandboxes: views.map((view) => renderSandbox(view, { links: null, admin })), next })),
			);
		},
	});

	app.route({
		method: 'GET',
		url: '/v1/sandboxes/:id',
		config: { rule: 'sandbox:get_one' },
		schema: {
			summary: 'Show a sandbox, or wait until it has a status',
			params: IdParams,
			querystring: showParameters(sandboxStatuses),
			response: responses({ 200: Sandbox }),
		},
		handler: async (request, reply) => {
			const principal = principalOf(request);
			const allProjects = flag(request.query.all_projects);
			if (allProjects) policy.enforce(principal, 'sandbox:get_one_all_projects');
			const { wait } = request.query;
			const view =
				wait === undefined
					? await control.sandboxes.show(principal, request.params.id, { allProjects })
					: await heldPlace(context.streams, principal.projectId, () =>
							control.sandboxes.wait(
								principal,
								request.params.id,
								wait,
								waitTimeout(request.query.timeout, options.waitLimit),
								AbortSignal.any([clientGone(reply), context.stopping]),
							),
						);
			return sendJson(reply, 200, render(request, view));
		},
	});

	app.route({
		method: 'PATCH',
		url: '/v1/sandboxes/:id',
		config: { rule: 'sandbox:update', merge: true },
		schema: { summary: 'Change a sandbox', params: IdParams, body: SandboxUpdate, response: responses({ 200: Sandbox }) },
		handler: async (request, reply) => {
			const view = await control.sandboxes.update(principalOf(request), request.params.id, readUpdate(request.body));
			return sendJson(reply, 200, render(request, view));
		},
	});

	app.route({
		method: 'DELETE',
		url: '/v1/sandboxes/:id',
		config: { rule: 'sandbox:delete', merge: true },
		schema: {
			summary: 'Delete a sandbox; with force=true also the containers in it',
			params: IdParams,
			body: Type.Object({ force: Type.Optional(Flag) }, { additionalProperties: false }),
			response: responses({ 204: Type.Null() }),
		},
		handler: async (request, reply) => {
			await control.sandboxes.delete(principalOf(request), request.params.id, { force: flag(request.body.force) });
			return reply.code(204).send();
		},
	});

	sandboxActionRoutes(app, context);
	networkRoutes(app, control.sandboxes, { kind: 'sandbox', path: '/v1/sandboxes', subject: 'the sandbox' });
}
