import { parseIp } from '../../../model/ip.ts';
import type { FixedIp, Port } from '../../../model/network.ts';
import type { ServerPort } from '../../../model/server.ts';
import type { PortSpec } from '../../../model/spec.ts';
import { idList } from '../../../store/id-list.ts';
import { fromJson, fromNullableJson } from '../../../store/json.ts';
import type { ServerPortRow } from '../../../store/servers.ts';
import type { Queryable } from '../../../store/store.ts';
import type { AddressView, SandboxNetworkView } from '../network-provider.ts';

/** Its groups, those of exposed ports aside. */
export function groupIdsOf(port: ServerPortRow): readonly string[] {
	return fromJson(port.security_groups);
}

/** What many sandboxes show of their networks, in a fixed number of queries. */
export async function sandboxViews(db: Queryable, sandboxIds: readonly string[]): Promise<ReadonlyMap<string, SandboxNetworkView>> {
	if (sandboxIds.length === 0) return new Map();
	const rows = await db
		.selectFrom('server_port')
		.selectAll()
		.where('sandbox_id', 'in', idList(sandboxIds))
		.orderBy('sandbox_id')
		.orderBy('position')
		.execute();
	const groups = await db
		.selectFrom('server_group')
		.select(['sandbox_id', 'group_id'])
		.where('sandbox_id', 'in', idList(sandboxIds))
		.where('removing', '=', 0)
		.execute();
	const portsOf = Map.groupBy(rows, (row) => row.sandbox_id);
	const exposedOf = Map.groupBy(groups, (row) => row.sandbox_id);
	return new Map(
		sandboxIds.map((id) => {
			const own = portsOf.get(id) ?? [];
			const exposed = (exposedOf.get(id) ?? []).flatMap(({ group_id }) => group_id ?? []);
			const view: SandboxNetworkView = {
				addresses: addressesOf(own),
				securityGroupIds: [...new Set([...own.flatMap(groupIdsOf), ...exposed])],
				ports: own.map(toPort),
				publishedPorts: [],
			};
			return [id, view];
		}),
	);
}

function addressesOf(own: readonly ServerPortRow[]): Readonly<Record<string, readonly AddressView[]>> {
	const addresses: Record<string, AddressView[]> = {};
	for (const row of own) {
		const { port_id } = row;
		if (port_id === null) continue;
		const shown = fixedIpsOf(row).map((fixedIp) => ({
			addr: fixedIp.ipAddress,
			version: parseIp(fixedIp.ipAddress)?.version ?? 4,
			port: port_id,
			subnet_id: fixedIp.subnetId,
			preserve_on_delete: row.made === 0,
		}));
		addresses[row.network_id] = [...(addresses[row.network_id] ?? []), ...shown];
	}
	return addresses;
}

function fixedIpsOf(row: ServerPortRow): readonly FixedIp[] {
	return fromJson(row.fixed_ips);
}

export function toPort(row: ServerPortRow): Port {
	return {
		id: row.port_id ?? '',
		name: '',
		projectId: row.project_id,
		networkId: row.network_id,
		description: '',
		macAddress: row.mac_address ?? '',
		fixedIps: fixedIpsOf(row),
		securityGroupIds: groupIdsOf(row),
		portSecurityEnabled: row.secured === 1,
		allowedAddressPairs: [],
		adminStateUp: true,
		status: row.active === 1 ? 'ACTIVE' : row.port_id === null ? 'BUILD' : 'DOWN',
		sandboxId: row.sandbox_id,
		position: row.position,
		preserveOnDelete: row.made === 0,
		host: null,
		createdAt: row.created_at,
		updatedAt: row.created_at,
	};
}

function bindingOf(row: ServerPortRow): ServerPort | null {
	return fromNullableJson(row.binding);
}

/** The ports that the host was told of, as the agent makes them. Each family has one default route, the first that there is. */
export function portSpecs(rows: readonly ServerPortRow[]): readonly PortSpec[] {
	const routed = new Set<number>();
	return rows.flatMap((row): PortSpec[] => {
		const port = bindingOf(row);
		if (port === null) return [];
		const addresses = port.addresses.map(({ address, prefixLength, version, gateway }) => {
			const first = gateway !== null && !routed.has(version);
			if (first) routed.add(version);
			return { address, prefixLength, version, gateway: first ? gateway : null };
		});
		return [
			{
				id: port.portId,
				networkId: port.networkId,
				interfaceName: `eth${row.position}`,
				macAddress: port.macAddress,
				mtu: port.mtu,
				addresses,
				routes: port.routes,
				binding: { type: 'bridge', bridge: port.bridge, device: port.device },
			},
		];
	});
}

/** Those of its ports, in the order of its interfaces. */
export function nameservers(rows: readonly ServerPortRow[]): readonly string[] {
	return [...new Set(rows.flatMap((row) => bindingOf(row)?.nameservers ?? []))];
}
