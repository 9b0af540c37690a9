import type { FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import type { CapsuleControl, CapsuleView } from '../../control/capsules/capsule-control.ts';
import { capsuleStatuses } from '../../model/capsule.ts';
import { defined } from '../http/defined.ts';
import { idempotency } from '../http/idempotency.ts';
import { linkBase, nextLink } from '../http/links.ts';
import { pagingParameters, readListQuery } from '../http/paging.ts';
import { accepted, clientGone, sendJson } from '../http/reply.ts';
import { responses } from '../http/responses.ts';
import { type Api, principalOf } from '../http/route.ts';
import { heldPlace, showParameters, waitTimeout } from '../http/wait.ts';
import type { RouteContext } from '../options.ts';
import { flag } from '../parse/flag.ts';
import { quantity, timeoutLimits } from '../parse/quantity.ts';
import { Empty, Flag, IdParams, IntegerText, labelTexts, NoParameters, Nullable } from '../schemas.ts';
import { renderCapsule } from './render.ts';
import { Capsule, CapsuleCreate, CapsuleList, CapsuleUpdate } from './schemas.ts';
import { readTemplate } from './template.ts';

/** `/v1/capsules` */
export function capsuleRoutes(app: Api, context: RouteContext, capsules: CapsuleControl): void {
	const { options, policy } = context;
	const base = (request: FastifyRequest) => linkBase(request, options.publicUrl, options.pathPrefix);
	const renderer = (request: FastifyRequest) => {
		const shown = {
			links: base(request),
			admin: policy.allows(principalOf(request), 'capsule:get:host'),
			containerAdmin: policy.allows(principalOf(request), 'container:get_one:host'),
			version: request.microversion,
		};
		return (view: CapsuleView) => renderCapsule(view, shown);
	};

	app.route({
		method: 'POST',
		url: '/v1/capsules',
		config: { rule: 'capsule:create', jsonOnly: true },
		schema: {
			summary: 'Create a capsule from a template, and run it',
			description: 'Idempotency-Key: a repeated request with the same key gives the answer of the first.',
			body: CapsuleCreate,
			response: responses({ 202: Capsule }),
		},
		handler: async (request, reply) => {
			const principal = principalOf(request);
			const input = readTemplate(request.body, request.microversion, principal, context);
			for (const { image } of [...input.initContainers, ...input.containers]) await context.registries.checkImage(principal, image);
			const view = await capsules.create(principal, input, idempotency(request));
			reply.header('location', `${base(request).base}/v1/capsules/${view.id}`);
			return sendJson(reply, 202, renderer(request)(view));
		},
	});

	app.route({
		method: 'GET',
		url: '/v1/capsules',
		config: { rule: 'capsule:get_all' },
		schema: {
			summary: 'List capsules',
			description: 'Unknown parameters are ignored.',
			querystring: Type.Object(pagingParameters),
			response: responses({ 200: CapsuleList }),
		},
		handler: async (request, reply) => {
			const principal = principalOf(request);
			const query = readListQuery(request.query, options.maxLimit, []);
			if (query.allProjects) policy.enforce(principal, 'capsule:get_all_all_projects');
			const views = await capsules.list(principal, { ...query, filters: {} });
			const last = views.length === query.limit ? views.at(-1) : undefined;
			const next = last === undefined ? null : nextLink(base(request), '/v1/capsules', request.query, last.id, query.limit);
			return sendJson(reply, 200, { capsules: views.map(renderer(request)), next });
		},
	});

	app.route({
		method: 'GET',
		url: '/v1/capsules/:id',
		config: { rule: 'capsule:get' },
		schema: {
			summary: 'Show a capsule, or wait until it has a status',
			params: IdParams,
			querystring: showParameters(capsuleStatuses),
			response: responses({ 200: Capsule }),
		},
		handler: async (request, reply) => {
			const principal = principalOf(request);
			const { id } = request.params;
			if (flag(request.query.all_projects)) policy.enforce(principal, 'capsule:get_one_all_projects');
			const { wait, timeout } = request.query;
			const left = () => AbortSignal.any([clientGone(reply), context.stopping]);
			const view =
				wait === undefined
					? await capsules.show(principal, id)
					: await heldPlace(context.streams, principal.projectId, () =>
							capsules.wait(principal, id, wait, waitTimeout(timeout, options.waitLimit), left()),
						);
			return sendJson(reply, 200, renderer(request)(view));
		},
	});

	app.route({
		method: 'PATCH',
		url: '/v1/capsules/:id',
		config: { rule: 'capsule:update', merge: true },
		schema: {
			summary: 'Change name, labels and annotations',
			description: 'Beyond Zun. Labels and annotations are replaced as a whole.',
			params: IdParams,
			body: CapsuleUpdate,
			response: responses({ 200: Capsule }),
		},
		handler: async (request, reply) => {
			const { name, labels, annotations } = request.body;
			const change = defined({
				name,
				labels: labels === undefined ? undefined : labelTexts(labels),
				annotations: annotations === undefined ? undefined : labelTexts(annotations),
			});
			return sendJson(reply, 200, renderer(request)(await capsules.update(principalOf(request), request.params.id, change)));
		},
	});

	app.route({
		method: 'DELETE',
		url: '/v1/capsules/:id',
		config: { rule: 'capsule:delete', merge: true },
		schema: {
			summary: 'Delete a capsule and all that is in it',
			params: IdParams,
			body: Type.Object({ all_projects: Type.Optional(Flag) }),
			response: responses({ 204: Type.Null() }),
		},
		handler: async (request, reply) => {
			const principal = principalOf(request);
			if (flag(request.body.all_projects)) policy.enforce(principal, 'capsule:delete_all_projects');
			await capsules.delete(principal, request.params.id);
			return reply.code(204).send();
		},
	});

	app.route({
		method: 'POST',
		url: '/v1/capsules/:id/start',
		config: { rule: 'capsule:start', merge: true },
		schema: {
			summary: 'Start the capsule',
			description: 'Beyond Zun. Containers that ended run again; an init container that failed is tried again.',
			params: IdParams,
			body: NoParameters,
			response: responses({ 202: Empty }),
		},
		handler: async (request, reply) => {
			await capsules.start(principalOf(request), request.params.id);
			return accepted(reply);
		},
	});

	app.route({
		method: 'POST',
		url: '/v1/capsules/:id/stop',
		config: { rule: 'capsule:stop', merge: true },
		schema: {
			summary: 'Stop the capsule and its containers',
			description: 'Beyond Zun.',
			params: IdParams,
			body: Type.Object({ timeout: Type.Optional(Nullable(IntegerText)) }, { additionalProperties: false }),
			response: responses({ 202: Empty }),
		},
		handler: async (request, reply) => {
			const timeout = quantity('timeout', request.body.timeout, timeoutLimits) ?? null;
			await capsules.stop(principalOf(request), request.params.id, { timeout });
			return accepted(reply);
		},
	});
}
