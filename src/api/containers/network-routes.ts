import { Type } from 'typebox';
import { accepted } from '../http/reply.ts';
import { responses } from '../http/responses.ts';
import { type Api, principalOf } from '../http/route.ts';
import type { RouteContext } from '../options.ts';
import { networkRoutes } from '../sandboxes/network-routes.ts';
import { Empty, IdParams, Reference } from '../schemas.ts';

const Group = Type.Object({ name: Reference }, { additionalProperties: false });

/** The network of the container's sandbox, changed through the container as Zun does. */
export function containerNetworkRoutes(app: Api, context: RouteContext): void {
	const { containers } = context.control;

	networkRoutes(app, containers, {
		kind: 'container',
		path: '/v1/containers',
		subject: 'its sandbox',
		versions: { attach: { from: 8 }, detach: { from: 6 }, list: { from: 13 } },
	});

	for (const action of ['add_security_group', 'remove_security_group'] as const) {
		app.route({
			method: 'POST',
			url: `/v1/containers/:id/${action}`,
			config: { rule: `container:${action}`, merge: true, versions: { to: 14 } },
			schema: { summary: `${action} of its sandbox`, params: IdParams, body: Group, response: responses({ 202: Empty }) },
			handler: async (request, reply) => {
				const change = action === 'add_security_group' ? containers.addSecurityGroup : containers.removeSecurityGroup;
				await change.call(containers, principalOf(request), request.params.id, request.body.name);
				return accepted(reply);
			},
		});
	}
}
