import { formatCidr, parseCidr } from './ip.ts';
import type { SecurityGroupRule } from './network.ts';
import { failNetwork } from './network-errors.ts';

/** What makes a rule, without what identifies it. */
export type RuleContent = Pick<
	SecurityGroupRule,
	'direction' | 'ethertype' | 'protocol' | 'portRangeMin' | 'portRangeMax' | 'remoteIpPrefix' | 'remoteGroupId'
>;

/** Protocols that a rule may name, by their numbers. */
export const protocolNumbers: Readonly<Record<string, number>> = {
	icmp: 1,
	igmp: 2,
	ipip: 4,
	tcp: 6,
	egp: 8,
	udp: 17,
	dccp: 33,
	'ipv6-encap': 41,
	'ipv6-route': 43,
	'ipv6-frag': 44,
	rsvp: 46,
	gre: 47,
	esp: 50,
	ah: 51,
	'ipv6-icmp': 58,
	'ipv6-nonxt': 59,
	'ipv6-opts': 60,
	ospf: 89,
	pim: 103,
	vrrp: 112,
	pgm: 113,
	sctp: 132,
	udplite: 136,
};
const protocolsWithPorts = new Set(['tcp', 'udp', 'dccp', 'sctp', 'udplite']);
const icmpProtocols = new Set(['icmp', 'ipv6-icmp']);

/** Checks a rule and brings it into its one form, so that equal rules are equal. Throws what Neutron would. */
export function canonicalRule(rule: RuleContent): RuleContent {
	const protocol = canonicalProtocol(rule.protocol, rule.ethertype);
	checkPorts(protocol, rule.portRangeMin, rule.portRangeMax);
	if (rule.remoteGroupId !== null && rule.remoteIpPrefix !== null) {
		throw failNetwork('SecurityGroupRemoteGroupAndRemoteIpPrefix', 'Only remote_ip_prefix or remote_group_id may be provided.');
	}
	return { ...rule, protocol, remoteIpPrefix: canonicalPrefix(rule.remoteIpPrefix, rule.ethertype) };
}

/** Whether the two let the same packets through. Both must be canonical. */
export function sameRule(one: RuleContent, other: RuleContent): boolean {
	return (
		one.direction === other.direction &&
		one.ethertype === other.ethertype &&
		one.protocol === other.protocol &&
		one.portRangeMin === other.portRangeMin &&
		one.portRangeMax === other.portRangeMax &&
		one.remoteIpPrefix === other.remoteIpPrefix &&
		one.remoteGroupId === other.remoteGroupId
	);
}

/** The protocol's name where it has one, else its number as text. ICMP means the family's own. */
function canonicalProtocol(protocol: string | null, ethertype: 'IPv4' | 'IPv6'): string | null {
	if (protocol === null || protocol === '' || protocol.toLowerCase() === 'any') return null;
	const text = protocol.toLowerCase();
	const number = /^\d{1,3}$/.test(text) ? Number(text) : protocolNumbers[text === 'icmpv6' ? 'ipv6-icmp' : text];
	if (number === undefined || number > 255) {
		throw failNetwork(
			'SecurityGroupRuleInvalidProtocol',
			`Security group rule protocol ${protocol} not supported. Use a name such as tcp, or a number from 0 to 255.`,
		);
	}
	const name = Object.entries(protocolNumbers).find(([, known]) => known === number)?.[0] ?? String(number);
	if (ethertype === 'IPv6' && name === 'icmp') return 'ipv6-icmp';
	if (ethertype === 'IPv4' && name.startsWith('ipv6-')) {
		throw failNetwork('SecurityGroupRuleParameterConflict', `Conflicting value ethertype IPv4 for protocol ${protocol}`);
	}
	return name;
}

function checkPorts(protocol: string | null, min: number | null, max: number | null): void {
	if (min === null && max === null) return;
	if (protocol !== null && icmpProtocols.has(protocol)) {
		for (const [field, value] of [
			['type', min],
			['code', max],
		] as const) {
			if (value !== null && (value < 0 || value > 255)) {
				throw failNetwork('SecurityGroupInvalidIcmpValue', `Invalid value for ICMP ${field}: ${value}. It must be 0 to 255.`);
			}
		}
		if (min === null)
			throw failNetwork(
				'SecurityGroupMissingIcmpType',
				`ICMP code (port-range-max) ${max} is provided but ICMP type (port-range-min) is missing.`,
			);
		return;
	}
	if (protocol === null || !protocolsWithPorts.has(protocol)) {
		throw failNetwork(
			'SecurityGroupInvalidProtocolForPort',
			`Invalid protocol ${protocol} for port range, only supported for TCP, UDP, UDPLITE, SCTP and DCCP.`,
		);
	}
	if (min === null || max === null || min < 1 || max > 65535 || min > max) {
		throw failNetwork(
			'SecurityGroupInvalidPortRange',
			'For TCP/UDP protocols, port_range_min must be <= port_range_max, both from 1 to 65535.',
		);
	}
}

function canonicalPrefix(prefix: string | null, ethertype: 'IPv4' | 'IPv6'): string | null {
	if (prefix === null || prefix === '') return null;
	const cidr = parseCidr(prefix);
	if (cidr === null)
		throw failNetwork(
			'InvalidInput',
			`Invalid input for remote_ip_prefix. Reason: '${prefix}' is neither a valid IP address, nor is it a valid IP subnet.`,
		);
	if ((cidr.version === 4) !== (ethertype === 'IPv4')) {
		throw failNetwork('SecurityGroupRuleParameterConflict', `Conflicting value ethertype ${ethertype} for CIDR ${prefix}`);
	}
	return formatCidr(cidr);
}
