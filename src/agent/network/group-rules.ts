import { isIPv4 } from 'node:net';
import { canonicalIp, formatCidr, parseCidr } from '../../model/ip.ts';
import { protocolNumbers } from '../../model/security-group-rule.ts';
import type { HostSecurityGroup, HostSecurityGroupRule } from '../../model/spec.ts';
import { shortHash } from './names.ts';
import type { Chain, Element } from './ruleset.ts';

/**
 * One chain for each group and direction, shared by all ports of the group: a change of a rule costs the same whether
 * one port or a thousand are in it.
 *
 * The rules match what connection tracking knows of a connection's beginning (`ct original …`, and `ct reply …` for its
 * destination after address translation), not the packet at hand. So a packet of either direction can be asked whether
 * its connection is still allowed, which is how a change cuts what it forbids.
 */
export function groupChains(group: HostSecurityGroup): ReadonlyMap<string, Chain> {
	const of = (direction: 'ingress' | 'egress'): Chain => ({
		base: null,
		rules: [...new Set(group.rules.filter((rule) => rule.direction === direction).flatMap((rule) => renderRule(rule) ?? []))],
	});
	return new Map([
		[groupChainName(group.id, 'ingress'), of('ingress')],
		[groupChainName(group.id, 'egress'), of('egress')],
	]);
}

export function groupChainName(groupId: string, direction: 'ingress' | 'egress'): string {
	return `group_${direction}_${shortHash(groupId, 16)}`;
}

/** Set of the addresses of a group's members, which rules of other groups look into. */
export function memberSetName(groupId: string, version: 4 | 6): string {
	return `members${version}_${shortHash(groupId, 16)}`;
}

/** The group with the members that count on the network: elsewhere, an address may be a stranger's here. */
export function groupOnNetwork(group: HostSecurityGroup, networkId: string): HostSecurityGroup;
export function groupOnNetwork(group: HostSecurityGroup | undefined, networkId: string): HostSecurityGroup | undefined;
export function groupOnNetwork(group: HostSecurityGroup | undefined, networkId: string): HostSecurityGroup | undefined {
	if (group?.membersByNetwork === undefined) return group;
	const { membersByNetwork, ...rest } = group;
	return { ...rest, members: membersByNetwork[networkId] ?? [] };
}

/** Addresses of a group's members, as elements of the sets of both families. */
export function memberElements(group: HostSecurityGroup): readonly Element[] {
	return group.members.flatMap((member): readonly Element[] => {
		// A dotted address has one form only, which saves the reading of most.
		const address = isIPv4(member) ? member : canonicalIp(member);
		return address === null ? [] : [[memberSetName(group.id, address.includes(':') ? 6 : 4), address, null]];
	});
}

/** Ids of the groups whose members the rules name. */
export function remoteGroups(groups: Iterable<HostSecurityGroup>): ReadonlySet<string> {
	const ids = new Set<string>();
	for (const group of groups) for (const rule of group.rules) if (rule.remoteGroupId !== null) ids.add(rule.remoteGroupId);
	return ids;
}

/** The text of one rule; null when it can match nothing, such as a prefix of the other family. Every remote group's set must exist. */
export function renderRule(rule: HostSecurityGroupRule): string | null {
	const parts: string[] = [`meta nfproto ipv${rule.version}`];
	if (rule.protocol !== null) {
		const protocol = renderProtocol(rule, rule.protocol);
		if (protocol === null) return null;
		parts.push(protocol);
	}
	const remote = `ct ${rule.direction === 'ingress' ? 'original' : 'reply'} ${rule.version === 4 ? 'ip' : 'ip6'} saddr`;
	if (rule.remoteIpPrefix !== null) {
		const cidr = parseCidr(rule.remoteIpPrefix);
		if (cidr === null || cidr.version !== rule.version) return null;
		if (cidr.prefixLength > 0) parts.push(`${remote} ${formatCidr(cidr)}`);
	}
	if (rule.remoteGroupId !== null) parts.push(`${remote} @${memberSetName(rule.remoteGroupId, rule.version)}`);
	return `${parts.join(' ')} accept`;
}

/** Protocols whose ports connection tracking knows. */
const trackedPorts: readonly number[] = [6, 17, 132];
/** Protocols with ports that are read from the packet itself: a stale connection is asked with its next packet of the first direction. */
const untrackedPorts: readonly number[] = [33, 136];

function renderProtocol(rule: HostSecurityGroupRule, name: string): string | null {
	const number = protocolNumber(name, rule.version);
	if (number === null) return null;
	const { portRangeMin: min, portRangeMax: max } = rule;
	const protocol = `ct original protocol ${number}`;
	if (number === 1 || number === 58) {
		if (min === null) return protocol;
		const header = number === 1 ? 'icmp' : 'icmpv6';
		return `${protocol} ${header} type ${min}${max === null ? '' : ` ${header} code ${max}`}`;
	}
	if (min === null && max === null) return protocol;
	const first = min ?? 0;
	const last = max ?? 65_535;
	const range = first === last ? String(first) : `${first}-${last}`;
	if (trackedPorts.includes(number)) return `${protocol} ct reply proto-src ${range}`;
	if (untrackedPorts.includes(number)) return `${protocol} ct direction original th dport ${range}`;
	return null;
}

function protocolNumber(protocol: string, version: 4 | 6): number | null {
	const number = /^\d{1,3}$/.test(protocol) ? Number(protocol) : protocolNumbers[protocol === 'icmpv6' ? 'ipv6-icmp' : protocol];
	if (number === undefined || number > 255) return null;
	return version === 6 && number === 1 ? 58 : number;
}
