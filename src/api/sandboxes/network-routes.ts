import { type Static, Type } from 'typebox';
import type { ContainerControl, SandboxControl, SandboxView } from '../../control/control.ts';
import { fail } from '../../model/errors.ts';
import type { RequestedNet } from '../../providers/network/network-provider.ts';
import { defined } from '../http/defined.ts';
import { accepted, sendJson } from '../http/reply.ts';
import { responses } from '../http/responses.ts';
import { type Api, principalOf } from '../http/route.ts';
import { type Minor, maximumMinor, type VersionRange } from '../microversion/version.ts';
import { given } from '../parse/text.ts';
import { Empty, IdParams, Nullable } from '../schemas.ts';

const Text = Type.Optional(Nullable(Type.String({ maxLength: 255 })));
const Attach = Type.Object({ network: Text, port: Text, fixed_ip: Text }, { additionalProperties: false });
const Detach = Type.Object({ network: Text, port: Text }, { additionalProperties: false });

/** Of what the routes are, and how they differ. */
export interface NetworkRouteOptions {
	readonly kind: 'sandbox' | 'container';
	/** Such as `/v1/sandboxes`. */
	readonly path: string;
	/** What the documents call the sandbox. */
	readonly subject: string;
	/** Zun's versions; missing = every version has them, and lists are in the newest form at each. */
	readonly versions?: { readonly attach: VersionRange; readonly detach: VersionRange; readonly list: VersionRange };
}

/** What a sandbox is attached to, changed and listed by itself or, as Zun does, through a container in it. */
export function networkRoutes(
	app: Api,
	control: Pick<ContainerControl | SandboxControl, 'networkAttach' | 'networkDetach' | 'show'>,
	{ kind, path, subject, versions }: NetworkRouteOptions,
): void {
	app.route({
		method: 'POST',
		url: `${path}/:id/network_attach`,
		config: { rule: `${kind}:network_attach`, merge: true, ...defined({ versions: versions?.attach }) },
		schema: {
			summary: `Attach ${subject} to a network or port; the default network when neither is named`,
			params: IdParams,
			body: Attach,
			response: responses({ 200: Type.Null() }),
		},
		handler: async (request, reply) => {
			await control.networkAttach(principalOf(request), request.params.id, readAttach(request.body));
			return sendJson(reply, 200, null);
		},
	});

	app.route({
		method: 'POST',
		url: `${path}/:id/network_detach`,
		config: { rule: `${kind}:network_detach`, merge: true, ...defined({ versions: versions?.detach }) },
		schema: {
			summary: `Detach ${subject} from a network or port`,
			params: IdParams,
			body: Detach,
			response: responses({ 202: Empty }),
		},
		handler: async (request, reply) => {
			const network = given(request.body.network) ?? undefined;
			const port = given(request.body.port) ?? undefined;
			if ((network === undefined) === (port === undefined)) throw fail('invalid-value', 'Give either network or port.');
			await control.networkDetach(principalOf(request), request.params.id, defined({ network, port }));
			return accepted(reply);
		},
	});

	app.route({
		method: 'GET',
		url: `${path}/:id/network_list`,
		config: { rule: `${kind}:network_list`, ...defined({ versions: versions?.list }) },
		schema: {
			summary: `Networks of ${subject}`,
			params: IdParams,
			response: responses({ 200: Type.Object({ networks: Type.Array(Type.Object({ net_id: Type.String(), port_id: Type.String() })) }) }),
		},
		handler: async (request, reply) => {
			const { addresses } = await control.show(principalOf(request), request.params.id);
			const version = versions === undefined ? maximumMinor : request.microversion;
			return sendJson(reply, 200, { networks: renderNetworks(addresses, version) });
		},
	});
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
function renderNetworks(addresses: SandboxView['addresses'], version: Minor): object[] {
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
