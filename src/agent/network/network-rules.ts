import { canonicalIp } from '../../model/ip.ts';
import type { HostNetwork, HostSecurityGroup } from '../../model/spec.ts';
import { groupChainName, groupChains, groupOnNetwork, memberElements, memberSetName, remoteGroups } from './group-rules.ts';
import { Memo } from './memo.ts';
import { bridgeName, networkTable, uplinkName } from './names.ts';
import { numberProfiles, openProfile, type ProfileKey, profileGroups, profileOf } from './profiles.ts';
import type { PublishedTarget } from './published.ts';
import type { Chain, Element, SetDeclaration, Table } from './ruleset.ts';
import { hex, spoofElements, spoofTable } from './spoof-rules.ts';

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

/** What rendering remembers from one time to the next, for one network. */
export class RuleMemo {
	readonly ports = new Memo<PortElements>();
	readonly chains = new Memo<ReadonlyMap<string, Chain>>();
	readonly members = new Memo<readonly Element[]>();

	sweep(): void {
		for (const memo of [this.ports, this.chains, this.members]) memo.sweep();
	}
}

interface PortElements {
	readonly spoof: readonly Element[];
	readonly filter: readonly Element[];
	/** Of addresses that other ports may hold too. */
	readonly shared: readonly Element[];
}

/** Renders what the network's namespace must hold. The same input gives the same text, whatever the memo holds. */
export function networkRules(input: NetworkRulesInput, memo: RuleMemo = new RuleMemo()): NetworkRules {
	const ports = input.network.ports.filter((port) => port.adminStateUp);
	const profiles = ports.map(profileOf);
	const numbers = numberProfiles(profiles, input.numbers);
	const elements = new Map(
		ports.map((port, index) => {
			const number = numbers.get(profiles[index] ?? '') ?? 0;
			const make = (): PortElements => ({
				spoof: spoofElements(port, number),
				filter: addressElements(port.addresses, number),
				shared: addressElements(
					port.allowedAddressPairs.map((pair) => pair.address.replace(/\/(32|128)$/, '')),
					number,
				),
			});
			return [port.id, memo.ports.get(port.id, `${number} ${JSON.stringify(port)}`, make)] as const;
		}),
	);
	const bundle = (part: 'spoof' | 'filter'): Map<string, readonly Element[]> =>
		new Map([...elements].map(([id, each]) => [`port ${id}`, each[part]]));
	const filterBundles = bundle('filter');
	filterBundles.set('shared', sharedElements([...elements.values()]));
	const rules: NetworkRules = {
		spoof: spoofTable(bundle('spoof'), numbers.values()),
		filter: filterTable(input, filterBundles, numbers, memo),
		numbers,
	};
	memo.sweep();
	return rules;
}

/** The addresses that a port may hold beside its own: the first of several ports has them, and whose own it is before all. */
function sharedElements(ports: readonly PortElements[]): readonly Element[] {
	const shared = ports.flatMap((port) => port.shared);
	if (shared.length === 0) return shared;
	const taken = new Set(ports.flatMap((port) => port.filter).map(([set, key]) => `${set} ${key}`));
	return shared.filter(([set, key]) => {
		const name = `${set} ${key}`;
		if (taken.has(name)) return false;
		taken.add(name);
		return true;
	});
}

function filterTable(
	input: NetworkRulesInput,
	bundles: Map<string, readonly Element[]>,
	numbers: ReadonlyMap<ProfileKey, number>,
	memo: RuleMemo,
): Table {
	const sets = new Map(staticSets);
	const chains = new Map<string, Chain>();
	const groups = [...new Set([...numbers.keys()].flatMap(profileGroups))].flatMap((id) => input.groups.get(id) ?? []);
	for (const id of remoteGroups(groups)) {
		for (const version of [4, 6] as const) sets.set(memberSetName(id, version), { kind: 'set', body: `type ipv${version}_addr;` });
		const remote = groupOnNetwork(input.groups.get(id), input.network.id);
		if (remote !== undefined)
			bundles.set(
				`members ${id}`,
				memo.members.get(id, remote.members.join(), () => memberElements(remote)),
			);
	}
	for (const group of groups) {
		const rendered = memo.chains.get(group.id, JSON.stringify(group.rules), () => groupChains(group));
		for (const [name, chain] of rendered) chains.set(name, chain);
	}
	const known = new Set(groups.map((group) => group.id));
	const profiles: Element[] = [];
	for (const [profile, number] of numbers) {
		for (const direction of ['egress', 'ingress'] as const) {
			const jumps = profileGroups(profile)
				.filter((id) => known.has(id))
				.map((id) => `jump ${groupChainName(id, direction)}`);
			chains.set(`${direction}_${number}`, { base: null, rules: profile === openProfile ? ['accept'] : jumps });
			profiles.push([direction, hex(number), `goto ${direction}_${number}`]);
		}
	}
	bundles.set('profiles', profiles);
	bundles.set(
		'published',
		input.published.flatMap((target): readonly Element[] => [
			[`translate${target.version}`, `${target.protocol} . ${target.transitPort}`, `${target.address} . ${target.port}`],
			[`published${target.version}`, `${target.address} . ${target.protocol} . ${target.port}`, null],
		]),
	);
	for (const [name, chain] of hookChains(input)) chains.set(name, chain);
	return { family: 'inet', name: networkTable, sets, chains, bundles };
}

/** By which address routed packets find the port; those that are no single address are left out. */
function addressElements(addresses: readonly string[], number: number): readonly Element[] {
	return addresses.flatMap((text): readonly Element[] => {
		const address = canonicalIp(text);
		if (address === null) return [];
		const version = address.includes(':') ? 6 : 4;
		return (['egress', 'ingress'] as const).map((direction) => [`${direction}${version}`, address, `goto ${direction}_${number}`]);
	});
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
