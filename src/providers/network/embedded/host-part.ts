import type { Network, Port } from '../../../model/network.ts';
import type { HostNetwork, HostPort, HostPublishedPort } from '../../../model/spec.ts';
import { networks, subnets } from '../../../store/networks.ts';
import { ports } from '../../../store/ports.ts';
import { publishedPorts } from '../../../store/published-ports.ts';
import type { Queryable } from '../../../store/store.ts';
import { byPosition, entrance } from './published-ports.ts';

/** The networks and published ports of one host, and the ports that they were made from. */
export interface HostPart {
	readonly networks: readonly HostNetwork[];
	readonly publishedPorts: readonly HostPublishedPort[];
	readonly placed: ReadonlyMap<string, PlacedPort>;
}

interface PlacedPort {
	readonly port: Port;
	readonly rendered: HostPort;
}

/** More changed ports than this are not looked up one by one: all are read. */
const manyPorts = 200;

/** Reads the host's part; of its ports only those in `changed`, where there is a part to go on from. */
export async function readHostPart(
	db: Queryable,
	hostname: string,
	before: HostPart | null,
	changed: readonly string[],
): Promise<HostPart> {
	const placed = await placedPorts(db, hostname, before, changed);
	const portsOf = Map.groupBy(placed.values(), ({ port }) => port.networkId);
	const networkIds = [...portsOf.keys()];
	if (networkIds.length === 0) return { networks: [], publishedPorts: [], placed };
	const found = await networks(db, { ids: networkIds });
	const subnetsOf = Map.groupBy(await subnets(db, { networkIds }), (subnet) => subnet.networkId);
	const hostNetworks = found.map((network) => ({
		id: network.id,
		mtu: network.mtu,
		external: network.external,
		subnets: (subnetsOf.get(network.id) ?? []).map((subnet) => ({
			id: subnet.id,
			version: subnet.ipVersion,
			cidr: subnet.cidr,
			gateway: subnet.gatewayIp,
		})),
		ports: (portsOf.get(network.id) ?? []).map(({ rendered }) => (network.adminStateUp ? rendered : { ...rendered, adminStateUp: false })),
	}));
	return { networks: hostNetworks, publishedPorts: await publishedOn(db, hostname, placed, found), placed };
}

async function placedPorts(
	db: Queryable,
	hostname: string,
	before: HostPart | null,
	changed: readonly string[],
): Promise<ReadonlyMap<string, PlacedPort>> {
	if (before === null || changed.length > manyPorts) return new Map((await ports(db, { host: hostname })).flatMap(placedPort));
	const placed = new Map(before.placed);
	for (const id of changed) placed.delete(id);
	const now = changed.length === 0 ? [] : await ports(db, { ids: changed });
	for (const [id, port] of now.filter((candidate) => candidate.host === hostname).flatMap(placedPort)) placed.set(id, port);
	return placed;
}

function placedPort(port: Port): readonly [string, PlacedPort][] {
	if (port.sandboxId === null) return [];
	const rendered: HostPort = {
		id: port.id,
		sandboxId: port.sandboxId,
		macAddress: port.macAddress,
		addresses: port.fixedIps.map((fixedIp) => fixedIp.ipAddress),
		allowedAddressPairs: port.allowedAddressPairs.map((pair) => ({ address: pair.ipAddress, macAddress: pair.macAddress })),
		portSecurity: port.portSecurityEnabled,
		adminStateUp: port.adminStateUp,
		securityGroupIds: port.securityGroupIds,
	};
	return [[port.id, { port, rendered }]];
}

async function publishedOn(
	db: Queryable,
	hostname: string,
	placed: ReadonlyMap<string, PlacedPort>,
	found: readonly Network[],
): Promise<readonly HostPublishedPort[]> {
	const published = await publishedPorts(db, { host: hostname });
	if (published.length === 0) return [];
	const external = new Set(found.filter((network) => network.external).map((network) => network.id));
	const portsOf = Map.groupBy(
		[...placed.values()].map(({ port }) => port),
		(port) => port.sandboxId,
	);
	return published.flatMap((port) => {
		const target = entrance((portsOf.get(port.sandboxId) ?? []).sort(byPosition), external, port.hostIp);
		if (target === null) return [];
		return [
			{ id: port.id, protocol: port.protocol, hostIp: port.hostIp, hostPort: port.hostPort, sandboxPort: port.sandboxPort, ...target },
		];
	});
}
