import type { HostNetworkSpec, HostSecurityGroup } from '../../../model/spec.ts';
import { idList } from '../../../store/id-list.ts';
import { securityGroupRules } from '../../../store/security-groups.ts';
import type { Queryable } from '../../../store/store.ts';
import type { CommittedMarks, NetworkChanges } from './changes.ts';
import { type HostPart, readHostPart } from './host-part.ts';

/** A host's part as it was read last, and the ports that changed since; null = nothing did. */
interface KeptPart {
	readonly part: HostPart;
	readonly changed: ReadonlySet<string> | null;
}

/** One value for "none", so that it is the same as before. */
const nothing: readonly never[] = [];
const noMembers = { members: nothing, membersByNetwork: {} };

type Members = Required<Pick<HostSecurityGroup, 'members' | 'membersByNetwork'>>;

/**
 * What each host's kernel must hold, kept in parts that only a change of theirs makes anew: the networks of a host,
 * and each security group. A host for which no part changed keeps the spec that it has, version and all.
 */
export class HostSpecs {
	readonly #changes: NetworkChanges;
	readonly #specs = new Map<string, { readonly checkedAt: number; readonly spec: HostNetworkSpec }>();
	readonly #parts = new KeptParts();

	constructor(changes: NetworkChanges) {
		this.#changes = changes;
		changes.onCommitted((marks) => this.#parts.forget(marks));
	}

	async spec(db: Queryable, hostname: string): Promise<HostNetworkSpec> {
		// What an open transaction wrote is nobody else's to see yet.
		if (db.isTransaction) return await buildSpec(new KeptParts(), db, hostname, this.#changes.version, () => true);
		const version = this.#changes.version;
		const known = this.#specs.get(hostname);
		if (known?.checkedAt === version) return known.spec;
		// What was read while another change was committed may be older than that change: it is not kept.
		const current = () => this.#changes.version === version;
		const built = await buildSpec(this.#parts, db, hostname, version, current);
		const spec = known !== undefined && sameParts(known.spec, built) ? known.spec : built;
		if (current()) this.#specs.set(hostname, { checkedAt: version, spec });
		return spec;
	}
}

/** What was read, until a change of it is committed. */
class KeptParts {
	readonly hosts = new Map<string, KeptPart>();
	readonly rules = new Map<string, HostSecurityGroup['rules']>();
	readonly members = new Map<string, Members>();
	readonly groups = new Map<string, HostSecurityGroup>();

	forget(marks: CommittedMarks): void {
		for (const [host, { part, changed }] of this.hosts) {
			if (marks.hosts.has(host)) this.hosts.set(host, { part, changed: new Set([...(changed ?? []), ...marks.ports]) });
			else if (part.networks.some((network) => marks.networks.has(network.id))) {
				this.hosts.set(host, { part, changed: changed ?? new Set() });
			}
		}
		for (const group of marks.groupRules) this.rules.delete(group);
		for (const group of marks.groupMembers) this.members.delete(group);
		for (const group of [...marks.groupRules, ...marks.groupMembers]) {
			for (const used of [true, false]) for (const named of [true, false]) this.groups.delete(groupKey(group, used, named));
		}
	}
}

async function buildSpec(
	parts: KeptParts,
	db: Queryable,
	hostname: string,
	version: number,
	keep: () => boolean,
): Promise<HostNetworkSpec> {
	const kept = parts.hosts.get(hostname);
	let part = kept?.part;
	if (kept === undefined || part === undefined || kept.changed !== null) {
		part = await readHostPart(db, hostname, part ?? null, [...(kept?.changed ?? [])]);
		if (keep()) parts.hosts.set(hostname, { part, changed: null });
	}
	const used = new Set(part.networks.flatMap((network) => network.ports.flatMap((port) => port.securityGroupIds)));
	const rules = await partsOf(parts.rules, [...used], (ids) => rulesOf(db, ids), keep);
	const named = new Set([...rules.values()].flatMap((list) => list.flatMap((rule) => rule.remoteGroupId ?? [])));
	// Only groups that a rule names are asked for their members; the others' would be of no use to the host.
	const members = await partsOf(parts.members, [...named], (ids) => membersOf(db, ids), keep);
	const securityGroups = [...new Set([...used, ...named])].sort().map((id) => {
		const group: HostSecurityGroup = { id, rules: rules.get(id) ?? nothing, ...(members.get(id) ?? noMembers) };
		const key = groupKey(id, used.has(id), named.has(id));
		const known = parts.groups.get(key);
		if (known !== undefined && known.rules === group.rules && known.members === group.members) return known;
		if (keep()) parts.groups.set(key, group);
		return group;
	});
	return { version, networks: part.networks, securityGroups, publishedPorts: part.publishedPorts };
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

async function membersOf(db: Queryable, groupIds: readonly string[]): Promise<ReadonlyMap<string, Members>> {
	const rows = await db
		.selectFrom('port_security_group')
		.innerJoin('port_ip', 'port_ip.port_id', 'port_security_group.port_id')
		.where('port_security_group.security_group_id', 'in', idList(groupIds))
		.select(['port_security_group.security_group_id', 'port_ip.network_id', 'port_ip.ip_address'])
		.execute();
	const byGroup = Map.groupBy(rows, (row) => row.security_group_id);
	return new Map(
		groupIds.map((id) => {
			const own = byGroup.get(id) ?? [];
			const byNetwork = [...Map.groupBy(own, (row) => row.network_id)].map(([network, there]) => [
				network,
				there.map((row) => row.ip_address),
			]);
			// Several networks may use one range: an address counts once.
			return [id, { members: [...new Set(own.map((row) => row.ip_address))], membersByNetwork: Object.fromEntries(byNetwork) }];
		}),
	);
}
