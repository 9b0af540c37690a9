import { Type } from 'typebox';
import { sendJson } from '../http/reply.ts';
import { responses } from '../http/responses.ts';
import { type Api, principalOf } from '../http/route.ts';
import { Action, renderAction, renderActionEvents } from '../operations.ts';
import type { RouteContext } from '../options.ts';
import { IdParams } from '../schemas.ts';

/** What was done with a container, by the id of the request that asked for it. */
export function actionRoutes(app: Api, { control, policy }: RouteContext): void {
	app.route({
		method: 'GET',
		url: '/v1/containers/:id/container_actions',
		config: { rule: 'container:actions' },
		schema: {
			summary: 'Actions on the container, newest first',
			params: IdParams,
			response: responses({ 200: Type.Object({ containerActions: Type.Array(Action) }) }),
		},
		handler: async (request, reply) => {
			const operations = await control.containers.operations(principalOf(request), request.params.id);
			return sendJson(reply, 200, { containerActions: operations.map(renderAction) });
		},
	});

	app.route({
		method: 'GET',
		url: '/v1/containers/:id/container_actions/:request_id',
		config: { rule: 'container:actions' },
		schema: {
			summary: 'One action with its events',
			params: Type.Object({ ...IdParams.properties, request_id: Type.String({ minLength: 1, maxLength: 255 }) }),
			response: responses({ 200: Action }),
		},
		handler: async (request, reply) => {
			const principal = principalOf(request);
			const operation = await control.containers.operation(principal, request.params.id, request.params.request_id);
			const admin = policy.allows(principal, 'container:actions:events');
			return sendJson(reply, 200, { ...renderAction(operation), events: renderActionEvents(operation, admin) });
		},
	});
}
