import { type Static, Type } from 'typebox';
import type { ContainerView } from '../../control/control.ts';
import { fail } from '../../model/errors.ts';
import type { RequestedNet } from '../../providers/network/network-provider.ts';
import { defined } from '../http/defined.ts';
import { accepted, sendJson } from '../http/reply.ts';
import { responses } from '../http/responses.ts';
import { type Api, principalOf } from '../http/route.ts';
import type { Minor } from '../microversion/version.ts';
import type { RouteContext } from '../options.ts';
import { given } from '../parse/text.ts';
import { Empty, IdParams, Nullable, Reference } from '../schemas.ts';

const Text = Type.Optional(Nullable(Type.String({ maxLength: 255 })));
const Attach = Type.Object({ network: Text, port: Text, fixed_ip: Text }, { additionalProperties: false });
const Detach = Type.Object({ network: Text, port: Text }, { additionalProperties: false });
const Group = Type.Object({ name: Reference }, { additionalProperties: false });

/** The network of the container's sandbox, changed through the container as Zun does. */
export function containerNetworkRoutes(app: Api, context: RouteContext): void {
	const { containers } = context.control;

	app.route({
		method: 'POST',
		url: '/v1/containers/:id/network_attach',
		config: { rule: 'container:network_attach', merge: true, versions: { from: 8 } },
		schema: {
			summary: 'Attach its sandbox to a network or port; the default network when neither is named',
			params: IdParams,
			body: Attach,
			response: responses({ 200: Type.Null() }),
		},
		handler: async (request, reply) => {
			await containers.networkAttach(principalOf(request), request.params.id, readAttach(request.body));
			return sendJson(reply, 200, null);
		},
	});

	app.route({
		method: 'POST',
		url: '/v1/containers/:id/network_detach',
		config: { rule: 'container:network_detach', merge: true, versions: { from: 6 } },
		schema: { summary: 'Detach its sandbox from a network or port', params: IdParams, body: Detach, response: responses({ 202: Empty }) },
		handler: async (request, reply) => {
			const network = given(request.body.network) ?? undefined;
			const port = given(request.body.port) ?? undefined;
			if ((network === undefined) === (port === undefined)) throw fail('invalid-value', 'Give either network or port.');
			await containers.networkDetach(principalOf(request), request.params.id, defined({ network, port }));
			return accepted(reply);
		},
	});

	app.route({
		method: 'GET',
		url: '/v1/containers/:id/network_list',
		config: { rule: 'container:network_list', versions: { from: 13 } },
		schema: {
			summary: 'Networks of its sandbox',
			params: IdParams,
			response: responses({ 200: Type.Object({ networks: Type.Array(Type.Object({ net_id: Type.String(), port_id: Type.String() })) }) }),
		},
		handler: async (request, reply) => {
			const view = await containers.show(principalOf(request), request.params.id);
			return sendJson(reply, 200, { networks: renderNetworks(view.addresses, request.microversion) });
		},
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

function readAttach(body: Static<typeof Attach>): RequestedNet {
	const network = given(body.network) ?? undefined;
	const port = given(body.port) ?? undefined;
	const address = given(body.fixed_ip) ?? undefined;
	if (network !== undefined && port !== undefined) throw fail('invalid-value', 'Give either network or port.');
	const isV6 = address?.includes(':') ?? false;
	return defined({ network, port, v4FixedIp: isV6 ? undefined : address, v6FixedIp: isV6 ? address : undefined });
}

/** One row a port from version 1.18; before that one a fixed address. */
function renderNetworks(addresses: ContainerView['addresses'], version: Minor): object[] {
	return Object.entries(addresses).flatMap<object>(([netId, list]) => {
		if (version < 18) {
			return list.map(({ addr, version: ipVersion, port, subnet_id }) => ({
				net_id: netId,
				subnet_id,
				port_id: port,
				version: ipVersion,
				ip_address: addr,
			}));
		}
		return [...Map.groupBy(list, ({ port }) => port)].map(([port, ofPort]) => ({
			net_id: netId,
			port_id: port,
			fixed_ips: ofPort.map(({ addr, version: ipVersion, subnet_id }) => ({ ip_address: addr, version: ipVersion, subnet_id })),
		}));
	});
}
