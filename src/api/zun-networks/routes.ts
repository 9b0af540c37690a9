import { Type } from 'typebox';
import type { Network } from '../../model/network.ts';
import type { Principal } from '../../model/principal.ts';
import { sendJson } from '../http/reply.ts';
import { responses } from '../http/responses.ts';
import { type Api, principalOf } from '../http/route.ts';
import type { RouteContext } from '../options.ts';
import { IdParams, Reference } from '../schemas.ts';

/** Finds a network by id or name; throws network-not-found. */
export type FindNetwork = (principal: Principal, ref: string) => Promise<Network>;

const NetworkCreate = Type.Object(
	{ name: Type.String({ minLength: 1, maxLength: 255 }), neutron_net_id: Reference },
	{ additionalProperties: false },
);

const NetworkBody = Type.Object(
	{
		uuid: Type.String(),
		name: Type.String(),
		project_id: Type.String(),
		user_id: Type.String(),
		network_id: Type.String(),
		neutron_net_id: Type.String(),
	},
	{ title: 'ZunNetwork' },
);

/**
 * Zun's own `/networks`, by which its administrators make and remove the engine's side of a network. Here a network
 * needs none before a sandbox is on it, and has none after: what is asked for is true already, and networks
 * themselves are never made or removed by these calls.
 */
export function zunNetworkRoutes(app: Api, _context: RouteContext, findNetwork: FindNetwork): void {
	app.route({
		method: 'POST',
		url: '/v1/networks',
		config: { rule: 'network:create', merge: true, jsonOnly: true },
		schema: {
			summary: 'Make a network known to the hosts',
			description: 'Nothing is to be done for it: hosts set networks up when a sandbox needs them.',
			body: NetworkCreate,
			response: responses({ 200: NetworkBody }),
		},
		handler: async (request, reply) => {
			const principal = principalOf(request);
			const network = await findNetwork(principal, request.body.neutron_net_id);
			return sendJson(reply, 200, {
				uuid: network.id,
				name: request.body.name,
				project_id: principal.projectId,
				user_id: principal.userId,
				network_id: network.id,
				neutron_net_id: network.id,
			});
		},
	});

	app.route({
		method: 'DELETE',
		url: '/v1/networks/:id',
		config: { rule: 'network:delete', versions: { from: 27 } },
		schema: {
			summary: 'Remove the hosts’ side of a network; the network itself stays',
			params: IdParams,
			response: responses({ 204: Type.Null() }),
		},
		handler: async (request, reply) => {
			await findNetwork(principalOf(request), request.params.id);
			return reply.code(204).send();
		},
	});
}
