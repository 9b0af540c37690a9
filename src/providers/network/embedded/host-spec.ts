import type { Port } from '../../../model/network.ts';
import type { HostNetwork, HostNetworkSpec, HostPort, HostPublishedPort, HostSecurityGroup } from '../../../model/spec.ts';
import { networks, subnets } from '../../../store/networks.ts';
import { ports } from '../../../store/ports.ts';
import { publishedPorts } from '../../../store/published-ports.ts';
import { securityGroupRules } from '../../../store/security-groups.ts';
import type { Queryable } from '../../../store/store.ts';
import type { CommittedMarks, NetworkChanges } from './changes.ts';
import { entrance } from './published-ports.ts';

/** What is the same for all networks of a host. */
interface HostPart {
	readonly networks: readonly HostNetwork[];
	readonly publishedPorts: readonly HostPublishedPort[];
}

/** One value for "none", so that it is the same as before. */
const nothing: readonly never[] = [];

/**
 * What each host's kernel must hold, kept in parts that only a change of theirs makes anew: the networks of a host,
 * and each security group. A host for which no part changed keeps the spec that it has, version and all.
 */
export class HostSpecs {
	readonly #changes: NetworkChanges;
	readonly #specs = new Map<string, { readonly checkedAt: number; readonly spec: HostNetworkSpec }>();
	readonly #hosts = new Map<string, HostPart>();
	readonly #rules = new Map<string, HostSecurityGroup['rules']>();
	readonly #members = new Map<string, readonly string[]>();
	readonly #groups = new Map<string, HostSecurityGroup>();

	constructor(changes: NetworkChanges) {
		this.#changes = changes;
		changes.onCommitted((marks) => this.#forget(marks));
	}

	async spec(db: Queryable, hostname: string): Promise<HostNetworkSpec> {
		// What an open transaction wrote is nobody else's to see yet.
		if (db.isTransaction) return await new HostSpecs(this.#changes).#build(db, hostname, () => false);
		const version = this.#changes.version;
		const known = this.#specs.get(hostname);
		if (known?.checkedAt === version) return known.spec;
		// What was read while another change was committed may be older than that change: it is not kept.
		const current = () => this.#changes.version === version;
		const built = await this.#build(db, hostname, current);
		const spec = known !== undefined && sameParts(known.spec, built) ? known.spec : built;
		if (current()) this.#specs.set(hostname, { checkedAt: version, spec });
		return spec;
	}

	#forget(marks: CommittedMarks): void {
		for (const host of marks.hosts) this.#hosts.delete(host);
		for (const [host, part] of this.#hosts) {
			if (part.networks.some((network) => marks.networks.has(network.id))) this.#hosts.delete(host);
		}
		for (const group of marks.groupRules) this.#rules.delete(group);
		for (const group of marks.groupMembers) this.#members.delete(group);
		for (const group of [...marks.groupRules, ...marks.groupMembers]) {
			for (const used of [true, false]) for (const named of [true, false]) this.#groups.delete(groupKey(group, used, named));
		}
	}

	async #build(db: Queryable, hostname: string, keep: () => boolean): Promise<HostNetworkSpec> {
		const version = this.#changes.version;
		let part = this.#hosts.get(hostname);
		if (part === undefined) {
			part = await hostPart(db, hostname);
			if (keep()) this.#hosts.set(hostname, part);
		}
		const used = new Set(part.networks.flatMap((network) => network.ports.flatMap((port) => port.securityGroupIds)));
		const rules = await partsOf(this.#rules, [...used], (ids) => rulesOf(db, ids), keep);
		const named = new Set([...rules.values()].flatMap((list) => list.flatMap((rule) => rule.remoteGroupId ?? [])));
		// Only groups that a rule names are asked for their members; the others' would be of no use to the host.
		const members = await partsOf(this.#members, [...named], (ids) => membersOf(db, ids), keep);
		const securityGroups = [...new Set([...used, ...named])].sort().map((id) => {
			const group = { id, rules: rules.get(id) ?? nothing, members: members.get(id) ?? nothing };
			const key = groupKey(id, used.has(id), named.has(id));
			const known = this.#groups.get(key);
			if (known !== undefined && known.rules === group.rules && known.members === group.members) return known;
			if (keep()) this.#groups.set(key, group);
			return group;
		});
		return { version, networks: part.networks, securityGroups, publishedPorts: part.publishedPorts };
	}
}

/** A group is told to a host with its rules where a port is in it, and with its members where a rule names it. */
function groupKey(id: string, used: boolean, named: boolean): string {
	return `${id} ${used} ${named}`;
}

function sameParts(one: HostNetworkSpec, other: HostNetworkSpec): boolean {
	return (
		one.networks === other.networks &&
		one.publishedPorts === other.publishedPorts &&
		one.securityGroups.length === other.securityGroups.length &&
		one.securityGroups.every((group, index) => group === other.securityGroups[index])
	);
}

/** The parts with these ids: the known ones, and the others loaded at once. */
async function partsOf<Part>(
	known: Map<string, Part>,
	ids: readonly string[],
	load: (ids: readonly string[]) => Promise<ReadonlyMap<string, Part>>,
	keep: () => boolean,
): Promise<ReadonlyMap<string, Part>> {
	const missing = ids.filter((id) => !known.has(id));
	const loaded: ReadonlyMap<string, Part> = missing.length === 0 ? new Map() : await load(missing);
	if (keep()) for (const [id, part] of loaded) known.set(id, part);
	return new Map(
		ids.flatMap((id) => {
			const part = loaded.get(id) ?? known.get(id);
			return part === undefined ? [] : [[id, part]];
		}),
	);
}

async function hostPart(db: Queryable, hostname: string): Promise<HostPart> {
	const placed = await ports(db, { host: hostname });
	const networkIds = [...new Set(placed.map((port) => port.networkId))];
	if (networkIds.length === 0) return { networks: [], publishedPorts: [] };
	const found = await networks(db, { ids: networkIds });
	const subnetsOf = Map.groupBy(await subnets(db, { networkIds }), (subnet) => subnet.networkId);
	const portsOf = Map.groupBy(placed, (port) => port.networkId);
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
		ports: (portsOf.get(network.id) ?? []).flatMap((port) => hostPort(port, network.adminStateUp)),
	}));
	const external = new Set(found.filter((network) => network.external).map((network) => network.id));
	return { networks: hostNetworks, publishedPorts: await publishedOn(db, hostname, placed, external) };
}

function hostPort(port: Port, networkUp: boolean): readonly HostPort[] {
	if (port.sandboxId === null) return [];
	return [
		{
			id: port.id,
			sandboxId: port.sandboxId,
			macAddress: port.macAddress,
			addresses: port.fixedIps.map((fixedIp) => fixedIp.ipAddress),
			allowedAddressPairs: port.allowedAddressPairs.map((pair) => ({ address: pair.ipAddress, macAddress: pair.macAddress })),
			portSecurity: port.portSecurityEnabled,
			adminStateUp: port.adminStateUp && networkUp,
			securityGroupIds: port.securityGroupIds,
		},
	];
}

async function publishedOn(
	db: Queryable,
	hostname: string,
	placed: readonly Port[],
	external: ReadonlySet<string>,
): Promise<readonly HostPublishedPort[]> {
	const portsOf = Map.groupBy(placed, (port) => port.sandboxId);
	return (await publishedPorts(db, { host: hostname })).flatMap((port) => {
		const target = entrance(portsOf.get(port.sandboxId) ?? [], external, port.hostIp);
		if (target === null) return [];
		return [
			{ id: port.id, protocol: port.protocol, hostIp: port.hostIp, hostPort: port.hostPort, sandboxPort: port.sandboxPort, ...target },
		];
	});
}

async function rulesOf(db: Queryable, groupIds: readonly string[]): Promise<ReadonlyMap<string, HostSecurityGroup['rules']>> {
	const byGroup = Map.groupBy(await securityGroupRules(db, { securityGroupIds: groupIds }), (rule) => rule.securityGroupId);
	return new Map(
		groupIds.map((id) => [
			id,
			(byGroup.get(id) ?? []).map((rule) => ({
				direction: rule.direction,
				version: rule.ethertype === 'IPv4' ? (4 as const) : (6 as const),
				protocol: rule.protocol,
				portRangeMin: rule.portRangeMin,
				portRangeMax: rule.portRangeMax,
				remoteIpPrefix: rule.remoteIpPrefix,
				remoteGroupId: rule.remoteGroupId,
			})),
		]),
	);
}

async function membersOf(db: Queryable, groupIds: readonly string[]): Promise<ReadonlyMap<string, readonly string[]>> {
	const rows = await db
		.selectFrom('port_security_group')
		.innerJoin('port_ip', 'port_ip.port_id', 'port_security_group.port_id')
		.where('port_security_group.security_group_id', 'in', groupIds)
		.select(['port_security_group.security_group_id', 'port_ip.ip_address'])
		.execute();
	const byGroup = Map.groupBy(rows, (row) => row.security_group_id);
	// Several networks may use one range: an address counts once.
	return new Map(groupIds.map((id) => [id, [...new Set((byGroup.get(id) ?? []).map((row) => row.ip_address))]]));
}
