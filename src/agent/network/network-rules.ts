import { canonicalIp, parseIp } from '../../model/ip.ts';
import type { HostNetwork, HostPort, HostSecurityGroup } from '../../model/spec.ts';
import { groupChainName, groupChains, memberSetName, remoteGroups } from './group-rules.ts';
import { bridgeName, networkTable, uplinkName } from './names.ts';
import { numberProfiles, openProfile, type ProfileKey, profileGroups, profileOf } from './profiles.ts';
import type { PublishedTarget } from './published.ts';
import type { Chain, SetDeclaration, Table } from './ruleset.ts';
import { hex, spoofTable } from './spoof-rules.ts';

/** All rules of one network's namespace. */
export interface NetworkRules {
	readonly spoof: Table;
	readonly filter: Table;
	readonly numbers: ReadonlyMap<ProfileKey, number>;
}

export interface NetworkRulesInput {
	readonly network: HostNetwork;
	readonly groups: ReadonlyMap<string, HostSecurityGroup>;
	readonly published: readonly PublishedTarget[];
	/** Numbers that profiles had before. */
	readonly numbers: ReadonlyMap<ProfileKey, number>;
	/**
	 * 32 bits, not 0. A connection that was accepted carries it as its mark and is not asked again; with another number
	 * every connection is asked once more, and what is no longer allowed ends.
	 */
	readonly generation: number;
}

/** Renders what the network's namespace must hold. Pure: the same input gives the same text. */
export function networkRules(input: NetworkRulesInput): NetworkRules {
	const ports = input.network.ports.filter((port) => port.adminStateUp);
	const numbers = numberProfiles(ports.map(profileOf), input.numbers);
	return { spoof: spoofTable(ports, numbers), filter: filterTable(input, ports, numbers), numbers };
}

/** Addresses of the group's members on the network. */
function membersOn(networkId: string, group: HostSecurityGroup | undefined): readonly string[] {
	return group?.membersByNetwork === undefined ? (group?.members ?? []) : (group.membersByNetwork[networkId] ?? []);
}

function filterTable(input: NetworkRulesInput, ports: readonly HostPort[], numbers: ReadonlyMap<ProfileKey, number>): Table {
	const sets = new Map(staticSets);
	const chains = new Map<string, Chain>();
	const elements = new Map([...sets.keys()].map((name) => [name, new Map<string, string | null>()]));
	const add = (set: string, key: string, value: string | null = null): void => {
		elements.get(set)?.set(key, value);
	};

	const groups = [...new Set([...numbers.keys()].flatMap(profileGroups))].flatMap((id) => input.groups.get(id) ?? []);
	for (const id of remoteGroups(groups)) {
		for (const version of [4, 6] as const) {
			const members = membersOn(input.network.id, input.groups.get(id)).flatMap((member) => canonicalOf(member, version) ?? []);
			sets.set(memberSetName(id, version), { kind: 'set', body: `type ipv${version}_addr;` });
			elements.set(memberSetName(id, version), new Map(members.map((member) => [member, null])));
		}
	}
	for (const group of groups) for (const [name, chain] of groupChains(group)) chains.set(name, chain);
	const known = new Set(groups.map((group) => group.id));
	for (const [profile, number] of numbers) {
		for (const direction of ['egress', 'ingress'] as const) {
			const rules = profileGroups(profile).filter((id) => known.has(id));
			const chain = `${direction}_${number}`;
			chains.set(chain, {
				base: null,
				rules: profile === openProfile ? ['accept'] : rules.map((id) => `jump ${groupChainName(id, direction)}`),
			});
			add(direction, hex(number), `goto ${chain}`);
		}
	}
	for (const port of ports) {
		const number = numbers.get(profileOf(port));
		for (const address of routedAddresses(port)) {
			const version = address.includes(':') ? 6 : 4;
			for (const direction of ['egress', 'ingress'] as const) {
				const map = `${direction}${version}`;
				// Where two ports may hold an address, the one whose own it is has it.
				if (elements.get(map)?.has(address) === true && !port.addresses.includes(address)) continue;
				add(map, address, `goto ${direction}_${number}`);
			}
		}
	}
	for (const target of input.published) {
		add(`translate${target.version}`, `${target.protocol} . ${target.transitPort}`, `${target.address} . ${target.port}`);
		add(`published${target.version}`, `${target.address} . ${target.protocol} . ${target.port}`);
	}
	for (const [name, chain] of hookChains(input)) chains.set(name, chain);
	return { family: 'inet', name: networkTable, sets, chains, elements };
}

/** Single addresses by which routed packets find the port: its own, and pairs of one address. */
function routedAddresses(port: HostPort): readonly string[] {
	return [...port.addresses, ...port.allowedAddressPairs.map((pair) => pair.address.replace(/\/(32|128)$/, ''))].flatMap(
		(address) => canonicalIp(address) ?? [],
	);
}

function canonicalOf(address: string, version: 4 | 6): string | null {
	return parseIp(address)?.version === version ? canonicalIp(address) : null;
}

const staticSets: ReadonlyMap<string, SetDeclaration> = new Map([
	['egress', { kind: 'map', body: 'type mark : verdict;' }],
	['ingress', { kind: 'map', body: 'type mark : verdict;' }],
	['egress4', { kind: 'map', body: 'type ipv4_addr : verdict;' }],
	['egress6', { kind: 'map', body: 'type ipv6_addr : verdict;' }],
	['ingress4', { kind: 'map', body: 'type ipv4_addr : verdict;' }],
	['ingress6', { kind: 'map', body: 'type ipv6_addr : verdict;' }],
	['translate4', { kind: 'map', body: 'type inet_proto . inet_service : ipv4_addr . inet_service;' }],
	['translate6', { kind: 'map', body: 'type inet_proto . inet_service : ipv6_addr . inet_service;' }],
	['published4', { kind: 'set', body: 'type ipv4_addr . inet_proto . inet_service;' }],
	['published6', { kind: 'set', body: 'type ipv6_addr . inet_proto . inet_service;' }],
]);

/** Without these no IPv6 address can be found; they are checked for forgery at the bridge. */
const neighbourDiscovery =
	'icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit, nd-router-advert, nd-redirect, mld-listener-query, mld-listener-report, mld-listener-done, mld2-listener-report } accept';
const asked = 'ct state established,related jump current';
const sourceProfile = 'meta mark & 0x0000ffff';
const destinationProfile = 'meta mark >> 16';

/**
 * The base chains. A new connection, or one that was accepted under older rules, must be let out by the port that began
 * it (`egress`) and in by the port it goes to (`ingress`); then `remember` marks it. A port is found by the packet's mark,
 * and by address where the packet is routed and has not come to a port of the bridge yet.
 */
function hookChains(input: NetworkRulesInput): ReadonlyMap<string, Chain> {
	const generation = hex(input.generation);
	const fromPublished = [4, 6].map(
		(version) =>
			`iifname "${uplinkName}" ct direction original ct status dnat ${ipOf(version)} daddr . meta l4proto . th dport @published${version} accept`,
	);
	const toPublished = [4, 6].map(
		(version) =>
			`oifname "${uplinkName}" ct direction reply ct status dnat ${ipOf(version)} saddr . meta l4proto . th sport @published${version} accept`,
	);
	return new Map<string, Chain>([
		['current', { base: null, rules: [`ct mark ${generation} accept`] }],
		['mark_current', { base: null, rules: [`ct mark set ${generation}`] }],
		[
			'egress_hook',
			{
				base: 'type filter hook forward priority filter; policy drop;',
				rules: [
					asked,
					neighbourDiscovery,
					'ct state invalid,untracked drop',
					...(input.network.external ? [] : [`oifname "${uplinkName}" ct direction original drop`]),
					...fromPublished,
					...toPublished,
					`ct direction original ${sourceProfile} vmap @egress`,
					`ct direction reply ${destinationProfile} vmap @egress`,
					'ct direction reply ip daddr vmap @egress4',
					'ct direction reply ip6 daddr vmap @egress6',
				],
			},
		],
		[
			'ingress_hook',
			{
				base: 'type filter hook forward priority filter + 1; policy drop;',
				rules: [
					asked,
					neighbourDiscovery,
					'ct state invalid,untracked drop',
					...fromPublished,
					...toPublished,
					// The world has no rules of ours.
					`oifname "${uplinkName}" ct direction original accept`,
					`iifname "${uplinkName}" ct direction reply accept`,
					// From outside only what was published comes in.
					`iifname "${uplinkName}" drop`,
					`ct direction original ${destinationProfile} vmap @ingress`,
					'ct direction original ip daddr vmap @ingress4',
					'ct direction original ip6 daddr vmap @ingress6',
					`ct direction reply ${sourceProfile} vmap @ingress`,
				],
			},
		],
		['remember_hook', { base: 'type filter hook forward priority filter + 2; policy accept;', rules: [asked, 'jump mark_current'] }],
		[
			'input_hook',
			{
				base: 'type filter hook input priority filter; policy drop;',
				rules: [
					'iifname "lo" accept',
					neighbourDiscovery,
					'ct state established,related accept',
					// The gateway answers ping, and nothing else, to those whom a rule lets send it.
					`iifname "${bridgeName}" icmp type echo-request ${sourceProfile} vmap @egress`,
					`iifname "${bridgeName}" icmpv6 type echo-request ${sourceProfile} vmap @egress`,
				],
			},
		],
		[
			'translate_hook',
			{
				base: 'type nat hook prerouting priority dstnat; policy accept;',
				rules: [
					`iifname "${uplinkName}" dnat ip to meta l4proto . th dport map @translate4`,
					`iifname "${uplinkName}" dnat ip6 to meta l4proto . th dport map @translate6`,
				],
			},
		],
		[
			'masquerade_hook',
			{ base: 'type nat hook postrouting priority srcnat; policy accept;', rules: [`oifname "${uplinkName}" masquerade`] },
		],
	]);
}

function ipOf(version: number): string {
	return version === 4 ? 'ip' : 'ip6';
}
