import { addressBits, type Cidr, formatCidr, formatIp, parseCidr } from '../../model/ip.ts';
import type { HostPort } from '../../model/spec.ts';
import { networkTable, portLinkName } from './names.ts';
import type { Chain, Element, SetDeclaration, Table } from './ruleset.ts';

/**
 * What a port may send, looked at without state at the bridge: its own hardware address, addresses, ARP and neighbour
 * discovery; no VLAN tags or other protocols, which later rules would not see; no answers of a DHCP server, no router
 * advertisements. What passes is marked with the profile of its source, and on the way out with that of its destination.
 * What comes from a port that is not in the maps is dropped. On the way out, a port hears only what is addressed to it.
 */
export function spoofTable(bundles: ReadonlyMap<string, readonly Element[]>, numbers: Iterable<number>): Table {
	const chains = new Map(staticChains);
	for (const number of numbers) {
		chains.set(`to_${number}`, { base: null, rules: [`meta mark set meta mark & 0x0000ffff | ${hex(number * 0x10000)} accept`] });
	}
	return { family: 'bridge', name: networkTable, sets, chains, bundles };
}

/** What one port, whose profile has that number, is in the sets and maps. */
export function spoofElements(port: HostPort, number: number): readonly Element[] {
	const link = `"${portLinkName(port.id)}"`;
	return [
		['source', link, hex(number)],
		['destination', link, `goto to_${number}`],
		...(port.portSecurity ? allowedSources(port).flatMap(({ mac, block }) => sourceElements(link, mac, block)) : [openElement(link)]),
	];
}

function openElement(link: string): Element {
	return ['open', link, null];
}

export function hex(number: number): string {
	return `0x${number.toString(16).padStart(8, '0')}`;
}

/** The link-local address that IPv6 derives from a hardware address. */
export function linkLocalAddress(mac: string): string {
	const bytes = mac.split(':').map((byte) => BigInt(`0x${byte}`));
	const [first = 0n, ...rest] = bytes;
	const interfaceId = [first ^ 2n, ...rest.slice(0, 2), 0xffn, 0xfen, ...rest.slice(2)].reduce((value, byte) => (value << 8n) | byte, 0n);
	return formatIp({ version: 6, value: (0xfe80n << 112n) | interfaceId });
}

interface AllowedSource {
	readonly mac: string;
	readonly block: Cidr;
}

/** Every pair that the port may send from; a block within another of the same hardware address is left out, as intervals may not overlap. */
function allowedSources(port: HostPort): readonly AllowedSource[] {
	const sources: AllowedSource[] = [];
	const add = (mac: string, address: string): void => {
		const block = parseCidr(address);
		if (block !== null) sources.push({ mac: mac.toLowerCase(), block });
	};
	for (const mac of new Set([port.macAddress, ...port.allowedAddressPairs.map((pair) => pair.macAddress ?? port.macAddress)])) {
		add(mac, linkLocalAddress(mac));
	}
	for (const address of port.addresses) add(port.macAddress, address);
	for (const pair of port.allowedAddressPairs) add(pair.macAddress ?? port.macAddress, pair.address);
	return sources.filter((source, index) => !sources.some((other, at) => covers(other, source) && (!covers(source, other) || at < index)));
}

function covers(one: AllowedSource, other: AllowedSource): boolean {
	if (one.mac !== other.mac || one.block.version !== other.block.version || one.block.prefixLength > other.block.prefixLength) return false;
	const hostBits = BigInt(addressBits(one.block.version) - one.block.prefixLength);
	return one.block.base >> hostBits === other.block.base >> hostBits;
}

function sourceElements(link: string, mac: string, block: Cidr): readonly Element[] {
	const { version, base, prefixLength } = block;
	const known: Element = ['macs', `${link} . ${mac}`, null];
	// Single addresses stand in hash sets; the few blocks have sets of their own, whose changes cost more.
	if (prefixLength < addressBits(version)) return [known, [`blocks${version}`, `${link} . ${mac} . ${formatCidr(block)}`, null]];
	const source: Element = [`sources${version}`, `${link} . ${mac} . ${formatIp({ version, value: base })}`, null];
	if (version === 4) return [known, source];
	return [known, source, ['targets6', `${link} . 0x${base.toString(16).padStart(32, '0')}`, null]];
}

const sets: ReadonlyMap<string, SetDeclaration> = new Map([
	['source', { kind: 'map', body: 'type ifname : mark;' }],
	['destination', { kind: 'map', body: 'type ifname : verdict;' }],
	['open', { kind: 'set', body: 'type ifname;' }],
	['macs', { kind: 'set', body: 'type ifname . ether_addr;' }],
	['sources4', { kind: 'set', body: 'type ifname . ether_addr . ipv4_addr;' }],
	['sources6', { kind: 'set', body: 'type ifname . ether_addr . ipv6_addr;' }],
	['blocks4', { kind: 'set', body: 'type ifname . ether_addr . ipv4_addr; flags interval;' }],
	['blocks6', { kind: 'set', body: 'type ifname . ether_addr . ipv6_addr; flags interval;' }],
	// The target field of neighbour discovery: nft 1.0.6 has no name for it.
	['targets6', { kind: 'set', body: 'typeof iifname . @th,64,128;' }],
]);

const neighbourAndListener = '{ nd-neighbor-solicit, mld-listener-report, mld-listener-done, mld2-listener-report }';

const staticChains: ReadonlyMap<string, Chain> = new Map([
	['pass', { base: null, rules: ['meta mark set iifname map @source accept'] }],
	[
		'arp_source',
		{
			base: null,
			rules: [
				'arp htype != 1 drop',
				'arp ptype != ip drop',
				'arp operation != { request, reply } drop',
				'iifname . arp saddr ether != @macs drop',
				// How a machine asks whether an address is free before it takes it.
				'arp operation request arp saddr ip 0.0.0.0 goto pass',
				'iifname . arp saddr ether . arp saddr ip @sources4 goto pass',
				'iifname . arp saddr ether . arp saddr ip @blocks4 goto pass',
				'drop',
			],
		},
	],
	[
		'ip4_source',
		{
			base: null,
			rules: [
				'udp sport 67 drop',
				'iifname . ether saddr . ip saddr @sources4 goto pass',
				'iifname . ether saddr . ip saddr @blocks4 goto pass',
				'drop',
			],
		},
	],
	[
		'ip6_source',
		{
			base: null,
			rules: [
				'udp sport 547 drop',
				'icmpv6 type { nd-router-advert, nd-redirect } drop',
				'icmpv6 type nd-neighbor-advert iifname . @th,64,128 != @targets6 drop',
				`ip6 saddr :: icmpv6 type ${neighbourAndListener} goto pass`,
				'iifname . ether saddr . ip6 saddr @sources6 goto pass',
				'iifname . ether saddr . ip6 saddr @blocks6 goto pass',
				'drop',
			],
		},
	],
	[
		'prerouting',
		{
			base: 'type filter hook prerouting priority dstnat; policy drop;',
			rules: [
				'iifname @open goto pass',
				'iifname . ether saddr != @macs drop',
				'ether type arp goto arp_source',
				'ether type ip goto ip4_source',
				'ether type ip6 goto ip6_source',
			],
		},
	],
	// A frame whose place the bridge does not know goes to every port: only the one that it is for may hear it.
	[
		'addressed',
		{
			base: null,
			rules: ['ether daddr & 01:00:00:00:00:00 == 00:00:00:00:00:00 oifname != @open oifname . ether daddr != @macs drop'],
		},
	],
	['forward', { base: 'type filter hook forward priority filter; policy drop;', rules: ['jump addressed', 'oifname vmap @destination'] }],
	['output', { base: 'type filter hook output priority filter; policy accept;', rules: ['jump addressed'] }],
]);
