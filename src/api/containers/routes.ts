import { type Static, Type } from 'typebox';
import type { ContainerView } from '../../control/control.ts';
import { containerStatuses } from '../../model/container.ts';
import type { Principal } from '../../model/principal.ts';
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
import { Flag, IdParams, Reference } from '../schemas.ts';
import { streamRoutes } from '../streams/routes.ts';
import { actionRoutes } from './action-routes.ts';
import { archiveRoutes } from './archive-routes.ts';
import { readCreate } from './create.ts';
import { hostRoutes } from './host-routes.ts';
import { lifeCycleRoutes } from './life-cycle-routes.ts';
import { containerNetworkRoutes } from './network-routes.ts';
import { containerRenderer } from './renderer.ts';
import { Container, ContainerCreate, ContainerList, ContainerUpdate } from './schemas.ts';
import { readUpdate } from './update.ts';

const filters = [
	'name',
	'image',
	'project_id',
	'user_id',
	'memory',
	'host',
	'task_state',
	'status',
	'sandbox_id',
	'name_contains',
	'image_contains',
] as const;

const ListParameters = Type.Object(
	{
		...pagingParameters,
		name: Type.Optional(Type.String()),
		image: Type.Optional(Type.String()),
		project_id: Type.Optional(Type.String()),
		user_id: Type.Optional(Type.String()),
		memory: Type.Optional(Type.String()),
		host: Type.Optional(Type.String()),
		task_state: Type.Optional(Type.String()),
		status: Type.Optional(Type.String()),
		auto_remove: Type.Optional(Flag),
		sandbox: Type.Optional(Reference),
		sandbox_id: Type.Optional(Reference),
		capsule: Type.Optional(Type.String({ minLength: 1, maxLength: 255, description: 'Members of the capsule, by its id or name.' })),
		name_contains: contains('name'),
		image_contains: contains('image'),
		label,
	},
	{ additionalProperties: false },
);

/** `/v1/containers` */
export function containerRoutes(app: Api, context: RouteContext): void {
	const { control, options, policy } = context;
	const lists = new RenderedJson<readonly ContainerView[]>();
	const shown = new RenderedJson<ContainerView>();

	/** Filters whose values are not simply those of the query. */
	async function derivedFilters(request: {
		readonly principal: Principal | null;
		readonly query: Static<typeof ListParameters>;
	}): Promise<Record<string, string>> {
		const { auto_remove: autoRemove } = request.query;
		// A capsule has the id and the name of its sandbox.
		const sandbox = request.query.capsule ?? request.query.sandbox;
		return {
			...(autoRemove === undefined ? {} : { auto_remove: flag(autoRemove) ? '1' : '0' }),
			...(sandbox === undefined ? {} : { sandbox_id: (await control.sandboxes.show(principalOf(request), sandbox)).id }),
		};
	}

	app.route({
		method: 'POST',
		url: '/v1/containers',
		config: { rule: 'container:create', merge: true, jsonOnly: true },
		schema: {
			summary: 'Create a container, and run it with run=true',
			description: 'Idempotency-Key: a repeated request with the same key gives the answer of the first.',
			body: ContainerCreate,
			response: responses({ 202: Container }),
		},
		handler: async (request, reply) => {
			const input = readCreate(request.body, request.microversion, principalOf(request), context);
			if (input.imageDriver !== 'glance') await context.registries.checkImage(principalOf(request), input.image);
			const view = await control.containers.create(principalOf(request), input, idempotency(request));
			const { base } = linkBase(request, options.publicUrl, options.pathPrefix);
			reply.header('location', `${base}/v1/containers/${view.id}`);
			return sendJson(reply, 202, containerRenderer(context, request).render(view, true));
		},
	});

	app.route({
		method: 'GET',
		url: '/v1/containers',
		config: { rule: 'container:get_all' },
		schema: { summary: 'List containers', querystring: ListParameters, response: responses({ 200: ContainerList }) },
		handler: async (request, reply) => {
			const principal = principalOf(request);
			const query = readListQuery(request.query, options.maxLimit, filters);
			if (query.allProjects) policy.enforce(principal, 'container:get_all_all_projects');
			if (query.filters['host'] !== undefined) policy.enforce(principal, 'container:get_all:host');
			const views = await control.containers.list(principal, {
				...query,
				filters: { ...query.filters, ...(await derivedFilters(request)) },
			});
			const { render, way } = containerRenderer(context, request, false);
			const last = views.length === query.limit ? views.at(-1) : undefined;
			const base = linkBase(request, options.publicUrl, options.pathPrefix);
			const next = last === undefined ? null : nextLink(base, '/v1/containers', request.query, last.id, query.limit);
			return sendRendered(
				reply,
				lists.of(views, `${way} ${next}`, () => ({ containers: views.map((view) => render(view)), next })),
			);
		},
	});

	app.route({
		method: 'GET',
		url: '/v1/containers/:id',
		config: { rule: 'container:get_one' },
		schema: {
			summary: 'Show a container, or wait until it has a status',
			params: IdParams,
			querystring: showParameters(containerStatuses),
			response: responses({ 200: Container }),
		},
		handler: async (request, reply) => {
			const principal = principalOf(request);
			const allProjects = flag(request.query.all_projects);
			if (allProjects) policy.enforce(principal, 'container:get_one_all_projects');
			const { wait } = request.query;
			const view =
				wait === undefined
					? await control.containers.show(principal, request.params.id, { allProjects })
					: await heldPlace(context.streams, principal.projectId, () =>
							control.containers.wait(
								principal,
								request.params.id,
								wait,
								waitTimeout(request.query.timeout, options.waitLimit),
								AbortSignal.any([clientGone(reply), context.stopping]),
							),
						);
			const { render, way } = containerRenderer(context, request);
			return sendRendered(
				reply,
				shown.of(view, way, () => render(view)),
			);
		},
	});

	app.route({
		method: 'PATCH',
		url: '/v1/containers/:id',
		config: { rule: 'container:update', merge: true },
		schema: {
			summary: 'Change name, limits, labels, restart policy and healing',
			params: IdParams,
			body: ContainerUpdate,
			response: responses({ 200: Container }),
		},
		handler: async (request, reply) => {
			const view = await control.containers.update(principalOf(request), request.params.id, readUpdate(request.body));
			return sendJson(reply, 200, containerRenderer(context, request).render(view));
		},
	});

	app.route({
		method: 'DELETE',
		url: '/v1/containers/:id',
		config: { rule: 'container:delete', merge: true },
		schema: {
			summary: 'Delete a container',
			params: IdParams,
			body: Type.Object(
				{ force: Type.Optional(Flag), stop: Type.Optional(Flag), all_projects: Type.Optional(Flag) },
				{ additionalProperties: false },
			),
			response: responses({ 204: Type.Null() }),
		},
		handler: async (request, reply) => {
			const principal = principalOf(request);
			const [force, stop, allProjects] = [flag(request.body.force), flag(request.body.stop), flag(request.body.all_projects)];
			if (force) policy.enforce(principal, 'container:delete_force');
			if (stop) policy.enforce(principal, 'container:stop');
			if (allProjects) policy.enforce(principal, 'container:delete_all_projects');
			await control.containers.delete(principal, request.params.id, { force, stop, allProjects });
			return reply.code(204).send();
		},
	});

	lifeCycleRoutes(app, context);
	hostRoutes(app, context);
	streamRoutes(app, context);
	archiveRoutes(app, context);
	containerNetworkRoutes(app, context);
	actionRoutes(app, context);
}
