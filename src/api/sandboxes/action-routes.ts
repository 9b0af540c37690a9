import { Type } from 'typebox';
import { containerRenderer } from '../containers/renderer.ts';
import { Container } from '../containers/schemas.ts';
import { accepted, sendJson } from '../http/reply.ts';
import { responses } from '../http/responses.ts';
import { type Api, principalOf } from '../http/route.ts';
import { Action, renderAction } from '../operations.ts';
import type { RouteContext } from '../options.ts';
import { quantity, timeoutLimits } from '../parse/quantity.ts';
import { Empty, IdParams, IntegerText, NoParameters, Nullable } from '../schemas.ts';

const taken = responses({ 202: Empty });

/** What is done with a whole sandbox, and what is in it. */
export function sandboxActionRoutes(app: Api, context: RouteContext): void {
	const { sandboxes } = context.control;

	for (const action of ['start', 'pause', 'unpause'] as const) {
		app.route({
			method: 'POST',
			url: `/v1/sandboxes/:id/${action}`,
			config: { rule: `sandbox:${action}`, merge: true },
			schema: { summary: `${action} the sandbox and its containers`, params: IdParams, body: NoParameters, response: taken },
			handler: async (request, reply) => {
				await sandboxes[action](principalOf(request), request.params.id);
				return accepted(reply);
			},
		});
	}

	app.route({
		method: 'POST',
		url: '/v1/sandboxes/:id/stop',
		config: { rule: 'sandbox:stop', merge: true },
		schema: {
			summary: 'stop the sandbox and its containers',
			params: IdParams,
			body: Type.Object({ timeout: Type.Optional(Nullable(IntegerText)) }, { additionalProperties: false }),
			response: taken,
		},
		handler: async (request, reply) => {
			const timeout = quantity('timeout', request.body.timeout, timeoutLimits) ?? null;
			await sandboxes.stop(principalOf(request), request.params.id, { timeout });
			return accepted(reply);
		},
	});

	app.route({
		method: 'GET',
		url: '/v1/sandboxes/:id/containers',
		config: { rule: 'sandbox:containers' },
		schema: {
			summary: 'Containers in the sandbox',
			params: IdParams,
			response: responses({ 200: Type.Object({ containers: Type.Array(Container) }) }),
		},
		handler: async (request, reply) => {
			const views = await sandboxes.containers(principalOf(request), request.params.id);
			const { render } = containerRenderer(context, request, false);
			return sendJson(reply, 200, { containers: views.map((view) => render(view)) });
		},
	});

	app.route({
		method: 'GET',
		url: '/v1/sandboxes/:id/actions',
		config: { rule: 'sandbox:actions' },
		schema: {
			summary: 'Actions on the sandbox, newest first',
			params: IdParams,
			response: responses({ 200: Type.Object({ actions: Type.Array(Action) }) }),
		},
		handler: async (request, reply) => {
			const operations = await sandboxes.operations(principalOf(request), request.params.id);
			return sendJson(reply, 200, { actions: operations.map(renderAction) });
		},
	});
}
