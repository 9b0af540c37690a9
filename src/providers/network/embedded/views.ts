import { parseCidr, parseIp } from '../../../model/ip.ts';
import type { Network, Port, Subnet } from '../../../model/network.ts';
import type { PortSpec } from '../../../model/spec.ts';
import { networks, subnets } from '../../../store/networks.ts';
import { ports } from '../../../store/ports.ts';
import { publishedPorts } from '../../../store/published-ports.ts';
import type { Queryable } from '../../../store/store.ts';
import type { AddressView, SandboxNetworkView } from '../network-provider.ts';
import { shown } from './published-ports.ts';

/** What many sandboxes show of their networks, in a fixed number of queries. */
export async function sandboxViews(db: Queryable, sandboxIds: readonly string[]): Promise<ReadonlyMap<string, SandboxNetworkView>> {
	if (sandboxIds.length === 0) return new Map();
	const portsOf = Map.groupBy(await ports(db, { sandboxIds }), (port) => port.sandboxId);
	const publishedOf = Map.groupBy(await publishedPorts(db, { sandboxIds }), (port) => port.sandboxId);
	return new Map(
		sandboxIds.map((id) => {
			const own = portsOf.get(id) ?? [];
			const view: SandboxNetworkView = {
				addresses: addressesOf(own),
				securityGroupIds: [...new Set(own.flatMap((port) => port.securityGroupIds))],
				ports: own,
				publishedPorts: (publishedOf.get(id) ?? []).map(shown),
			};
			return [id, view];
		}),
	);
}

function addressesOf(own: readonly Port[]): Readonly<Record<string, readonly AddressView[]>> {
	const addresses: Record<string, AddressView[]> = {};
	for (const port of own) {
		const views = port.fixedIps.map((fixedIp) => ({
			addr: fixedIp.ipAddress,
			version: parseIp(fixedIp.ipAddress)?.version ?? 4,
			port: port.id,
			subnet_id: fixedIp.subnetId,
			preserve_on_delete: port.preserveOnDelete,
		}));
		addresses[port.networkId] = [...(addresses[port.networkId] ?? []), ...views];
	}
	return addresses;
}

/** The sandbox's ports as its agent makes them. */
export async function portSpecs(db: Queryable, sandboxId: string): Promise<readonly PortSpec[]> {
	const own = await ports(db, { sandboxIds: [sandboxId] });
	if (own.length === 0) return [];
	const networkIds = own.map((port) => port.networkId);
	return renderPorts(own, await networks(db, { ids: networkIds }), await subnets(db, { networkIds }));
}

/**
 * Each family has one default route: through the first port on a network with a way out, or, where there is none,
 * through the first that has a gateway. The gateways of the others lead to the other subnets of their network.
 */
function renderPorts(own: readonly Port[], networkList: readonly Network[], subnetList: readonly Subnet[]): readonly PortSpec[] {
	const networkOf = new Map(networkList.map((network) => [network.id, network]));
	const subnetOf = new Map(subnetList.map((subnet) => [subnet.id, subnet]));
	const gatewayPort = (version: 4 | 6): Port | undefined => {
		const capable = own.filter((port) =>
			port.fixedIps.some((fixedIp) => {
				const subnet = subnetOf.get(fixedIp.subnetId);
				return subnet?.ipVersion === version && subnet.gatewayIp !== null;
			}),
		);
		return capable.find((port) => networkOf.get(port.networkId)?.external === true) ?? capable[0];
	};
	const defaultPort = { 4: gatewayPort(4), 6: gatewayPort(6) };
	return own.map((port) => {
		const held = port.fixedIps.flatMap((fixedIp) => {
			const subnet = subnetOf.get(fixedIp.subnetId);
			return subnet === undefined ? [] : [{ address: fixedIp.ipAddress, subnet }];
		});
		const siblings = subnetList.filter(
			(subnet) => subnet.networkId === port.networkId && !held.some((address) => address.subnet.id === subnet.id),
		);
		return {
			id: port.id,
			networkId: port.networkId,
			interfaceName: `eth${port.position}`,
			macAddress: port.macAddress,
			mtu: networkOf.get(port.networkId)?.mtu ?? 1500,
			addresses: held.map(({ address, subnet }, index) => {
				const first = held.findIndex((other) => other.subnet.ipVersion === subnet.ipVersion && other.subnet.gatewayIp !== null) === index;
				return {
					address,
					prefixLength: parseCidr(subnet.cidr)?.prefixLength ?? 32,
					version: subnet.ipVersion,
					gateway: first && defaultPort[subnet.ipVersion] === port ? subnet.gatewayIp : null,
				};
			}),
			routes: held.flatMap(({ subnet }) => {
				const { gatewayIp } = subnet;
				const toSiblings =
					gatewayIp === null
						? []
						: siblings
								.filter((sibling) => sibling.ipVersion === subnet.ipVersion)
								.map((sibling) => ({ destination: sibling.cidr, nexthop: gatewayIp }));
				return [...toSiblings, ...subnet.hostRoutes];
			}),
			binding: { type: 'embedded' as const },
		};
	});
}

/** The names of a neighbourhood, as they are after a sandbox's own. */
export async function namesOf(
	db: Queryable,
	{ networkId, projectId }: { readonly networkId: string; readonly projectId: string },
	limit: number,
): Promise<readonly { readonly hostname: string; readonly ip_address: string }[]> {
	return await db
		.selectFrom('port')
		.innerJoin('sandbox', 'sandbox.id', 'port.sandbox_id')
		.innerJoin('port_ip', 'port_ip.port_id', 'port.id')
		.where('port.network_id', '=', networkId)
		.where('port.project_id', '=', projectId)
		.select(['sandbox.hostname', 'port_ip.ip_address'])
		.orderBy('sandbox.created_at')
		.orderBy('sandbox.id')
		.orderBy('port_ip.sort_key')
		.limit(limit)
		.execute();
}

/** Nameservers of the sandbox's subnets, in the order of its interfaces. */
export async function nameservers(db: Queryable, sandboxId: string): Promise<readonly string[]> {
	const subnetIds = (await ports(db, { sandboxIds: [sandboxId] })).flatMap((port) => port.fixedIps.map((fixedIp) => fixedIp.subnetId));
	if (subnetIds.length === 0) return [];
	const byId = new Map((await subnets(db, { ids: subnetIds })).map((subnet) => [subnet.id, subnet]));
	return [...new Set(subnetIds.flatMap((id) => byId.get(id)?.dnsNameservers ?? []))];
}
