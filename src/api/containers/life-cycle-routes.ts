import { type Static, Type } from 'typebox';
import { fail } from '../../model/errors.ts';
import { accepted, sendJson } from '../http/reply.ts';
import { responses } from '../http/responses.ts';
import { type Api, principalOf } from '../http/route.ts';
import type { RouteContext } from '../options.ts';
import { quantity, timeoutLimits } from '../parse/quantity.ts';
import { requestedSignal } from '../parse/signal-name.ts';
import { given } from '../parse/text.ts';
import { Empty, IdParams, IntegerText, Name, NoParameters, Nullable } from '../schemas.ts';
import { containerRenderer } from './renderer.ts';
import { Container, ContainerUpdate } from './schemas.ts';
import { readUpdate } from './update.ts';

const Timeout = Type.Object(
	{ timeout: Type.Optional(Nullable(Type.Union([IntegerText, Type.Literal('None')], { description: 'Seconds until it is killed.' }))) },
	{ additionalProperties: false },
);

const taken = responses({ 202: Empty });

function seconds(body: Static<typeof Timeout>): { timeout: number | null } {
	return { timeout: quantity('timeout', body.timeout, timeoutLimits) ?? null };
}

/** Actions that change a container's life: taken on with 202, done by the host. */
export function lifeCycleRoutes(app: Api, context: RouteContext): void {
	const { containers } = context.control;

	for (const action of ['start', 'pause', 'unpause'] as const) {
		app.route({
			method: 'POST',
			url: `/v1/containers/:id/${action}`,
			config: { rule: `container:${action}`, merge: true },
			schema: { summary: `${action} the container`, params: IdParams, body: NoParameters, response: taken },
			handler: async (request, reply) => {
				await containers[action](principalOf(request), request.params.id);
				return accepted(reply);
			},
		});
	}

	for (const action of ['stop', 'reboot'] as const) {
		app.route({
			method: 'POST',
			url: `/v1/containers/:id/${action}`,
			config: { rule: `container:${action}`, merge: true },
			schema: { summary: `${action} the container`, params: IdParams, body: Timeout, response: taken },
			handler: async (request, reply) => {
				await containers[action](principalOf(request), request.params.id, seconds(request.body));
				return accepted(reply);
			},
		});
	}

	app.route({
		method: 'POST',
		url: '/v1/containers/:id/kill',
		config: { rule: 'container:kill', merge: true },
		schema: {
			summary: 'Send a signal to the first process',
			params: IdParams,
			body: Type.Object(
				{
					signal: Type.Optional(
						Nullable(Type.Union([Type.String({ maxLength: 40 }), Type.Integer()], { description: 'Name or number; KILL when missing.' })),
					),
				},
				{ additionalProperties: false },
			),
			response: taken,
		},
		handler: async (request, reply) => {
			await containers.kill(principalOf(request), request.params.id, { signal: requestedSignal(request.body.signal) });
			return accepted(reply);
		},
	});

	app.route({
		method: 'POST',
		url: '/v1/containers/:id/rebuild',
		config: { rule: 'container:rebuild', merge: true },
		schema: {
			summary: 'Make the container anew, also from another image',
			params: IdParams,
			body: Type.Object({
				image: Type.Optional(Nullable(Type.String({ maxLength: 255 }))),
				image_driver: Type.Optional(Nullable(Type.String({ maxLength: 255 }))),
			}),
			response: taken,
		},
		handler: async (request, reply) => {
			const imageDriver = given(request.body.image_driver);
			if (imageDriver !== null && imageDriver !== 'docker' && imageDriver !== 'glance') {
				throw fail(
					'validation-error',
					`Invalid input for field 'image_driver'. Value: ${JSON.stringify(imageDriver)}. It must be docker or glance.`,
				);
			}
			if (imageDriver !== 'glance') await context.registries.checkImage(principalOf(request), request.body.image);
			await containers.rebuild(principalOf(request), request.params.id, { image: given(request.body.image), imageDriver });
			return accepted(reply);
		},
	});

	app.route({
		method: 'POST',
		url: '/v1/containers/:id/rename',
		config: { rule: 'container:rename', merge: true, versions: { to: 13 } },
		schema: {
			summary: 'Rename the container (later versions: PATCH)',
			params: IdParams,
			body: Type.Object({ name: Name }, { additionalProperties: false }),
			response: responses({ 200: Container }),
		},
		handler: async (request, reply) => {
			const current = await containers.show(principalOf(request), request.params.id);
			if (current.name === request.body.name)
				throw fail('conflict', 'Conflict: the new name for the container is the same as the old name.');
			const view = await containers.update(principalOf(request), current.id, { name: request.body.name });
			return sendJson(reply, 200, containerRenderer(context, request).render(view));
		},
	});

	app.route({
		method: 'POST',
		url: '/v1/containers/:id/resize_container',
		config: { rule: 'container:resize_container', merge: true, versions: { from: 19 } },
		schema: {
			summary: 'Change the limits of the container',
			params: IdParams,
			body: ContainerUpdate,
			response: responses({ 202: Container }),
		},
		handler: async (request, reply) => {
			const view = await containers.update(principalOf(request), request.params.id, readUpdate(request.body));
			return sendJson(reply, 202, containerRenderer(context, request).render(view));
		},
	});
}
