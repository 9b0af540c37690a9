import type { OwnerNames } from './names.ts';
import type { PublishedTarget } from './published.ts';
import type { Chain, Element, SetDeclaration, Table } from './ruleset.ts';
import type { Transit } from './transit.ts';

export interface HostRulesInput {
	readonly names: OwnerNames;
	/** Links of the networks that have one, by network id. */
	readonly transits: ReadonlyMap<string, Transit>;
	readonly published: readonly PublishedTarget[];
	/** Interfaces that lead out of the machine, even where they are bridges. */
	readonly uplinks: readonly string[];
}

/**
 * Our table in the host's own namespace: address translation to the world and from published ports, and what keeps the
 * host, its services, other networks and virtual machines' bridges from being reached by sandboxes.
 */
export function hostTable(input: HostRulesInput): Table {
	const elements: Element[] = [];
	const add = (set: string, key: string, value: string | null = null): void => void elements.push([set, key, value]);
	for (const uplink of input.uplinks) add('uplinks', `"${uplink}"`);
	for (const transit of input.transits.values()) {
		add('transits4', transit.network4);
		add('transits6', transit.network6);
	}
	for (const target of input.published) {
		const transit = input.transits.get(target.networkId);
		if (transit === undefined) continue;
		const key = `${target.protocol} . ${target.hostPort}`;
		const value = `${target.version === 4 ? transit.network4 : transit.network6} . ${target.transitPort}`;
		if (target.hostIp === null) add(`any${target.version}`, key, value);
		else add(`chosen${target.version}`, `${target.hostIp} . ${key}`, value);
	}
	for (const address of metadata4) add('metadata4', address);
	for (const address of metadata6) add('metadata6', address);
	return {
		family: 'inet',
		name: input.names.hostTable,
		sets,
		chains: chains(`"${input.names.transitPrefix}*"`),
		bundles: new Map([['all', elements]]),
	};
}

/** Where clouds serve a machine's own secrets to whoever asks from the machine. */
const metadata4: readonly string[] = ['169.254.0.0/16', '100.100.100.200', '168.63.129.16', '192.0.0.192'];
const metadata6: readonly string[] = ['fe80::/10', 'fd00:ec2::254', 'fd20:ce::254'];

const sets: ReadonlyMap<string, SetDeclaration> = new Map([
	['uplinks', { kind: 'set', body: 'type ifname;' }],
	['transits4', { kind: 'set', body: 'type ipv4_addr;' }],
	['transits6', { kind: 'set', body: 'type ipv6_addr;' }],
	['metadata4', { kind: 'set', body: 'type ipv4_addr; flags interval;' }],
	['metadata6', { kind: 'set', body: 'type ipv6_addr; flags interval;' }],
	['any4', { kind: 'map', body: 'type inet_proto . inet_service : ipv4_addr . inet_service;' }],
	['any6', { kind: 'map', body: 'type inet_proto . inet_service : ipv6_addr . inet_service;' }],
	['chosen4', { kind: 'map', body: 'type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service;' }],
	['chosen6', { kind: 'map', body: 'type ipv6_addr . inet_proto . inet_service : ipv6_addr . inet_service;' }],
]);

const published: readonly string[] = [
	'dnat ip to ip daddr . meta l4proto . th dport map @chosen4',
	'dnat ip6 to ip6 daddr . meta l4proto . th dport map @chosen6',
	'fib daddr type local dnat ip to meta l4proto . th dport map @any4',
	'fib daddr type local dnat ip6 to meta l4proto . th dport map @any6',
];

function chains(ours: string): ReadonlyMap<string, Chain> {
	return new Map<string, Chain>([
		[
			'loopback_hook',
			{
				// Links to networks route loopback addresses so that a published port answers at 127.0.0.1; none may come in from there.
				base: 'type filter hook prerouting priority raw; policy accept;',
				rules: [`iifname ${ours} ip daddr 127.0.0.0/8 drop`, `iifname ${ours} ip saddr 127.0.0.0/8 drop`],
			},
		],
		['published_hook', { base: 'type nat hook prerouting priority dstnat; policy accept;', rules: published }],
		['published_local_hook', { base: 'type nat hook output priority -100; policy accept;', rules: published }],
		[
			'input_hook',
			{
				base: 'type filter hook input priority filter - 5; policy accept;',
				rules: [`iifname ${ours} jump from_network`],
			},
		],
		[
			'from_network',
			{
				base: null,
				rules: [
					'ct state established,related accept',
					'ip6 hoplimit 255 icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept',
					'drop',
				],
			},
		],
		[
			'forward_hook',
			{
				base: 'type filter hook forward priority filter - 5; policy accept;',
				rules: [
					`iifname ${ours} jump outward`,
					`oifname ${ours} ct state established,related accept`,
					`oifname ${ours} ct status dnat accept`,
					`oifname ${ours} drop`,
				],
			},
		],
		[
			'outward',
			{
				base: null,
				rules: [
					'ct state established,related accept',
					// A sandbox that uses a published port of the host.
					`oifname ${ours} ct status dnat accept`,
					`oifname ${ours} drop`,
					// Some clouds answer names at such an address, so port 53 stays open.
					'ip daddr @metadata4 meta l4proto { tcp, udp } th dport 53 accept',
					'ip6 daddr @metadata6 meta l4proto { tcp, udp } th dport 53 accept',
					'ip daddr @metadata4 drop',
					'ip6 daddr @metadata6 drop',
					// Bridges and veths lead to containers and virtual machines of this host, which are not the world.
					'oifname != @uplinks meta oifkind { "bridge", "veth" } drop',
					'accept',
				],
			},
		],
		[
			'masquerade_hook',
			{
				base: 'type nat hook postrouting priority srcnat; policy accept;',
				rules: [
					'ip saddr @transits4 masquerade',
					'ip6 saddr @transits6 masquerade',
					// A network knows no way back to the host's own addresses, such as 127.0.0.1.
					`oifname ${ours} fib saddr type local masquerade`,
				],
			},
		],
	]);
}
