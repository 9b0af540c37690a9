import { isIPv4, isIPv6 } from 'node:net';
import type { IpVersion } from './network.ts';

/** An address as a number, of either family. */
export interface IpAddress {
	readonly version: IpVersion;
	readonly value: bigint;
}

/** A block of addresses. `base` has no bits beyond the prefix. */
export interface Cidr {
	readonly version: IpVersion;
	readonly base: bigint;
	readonly prefixLength: number;
}

/** Addresses from `first` to `last`, both included. */
export interface IpRange {
	readonly first: bigint;
	readonly last: bigint;
}

/** Number of bits of an address. */
export function addressBits(version: IpVersion): number {
	return version === 4 ? 32 : 128;
}

/** Reads an address in any of its text forms, without a zone; null when it is none. */
export function parseIp(text: string): IpAddress | null {
	if (isIPv4(text)) return { version: 4, value: parseIpv4(text) };
	if (isIPv6(text) && !text.includes('%')) return { version: 6, value: parseIpv6(text) };
	return null;
}

function parseIpv4(text: string): bigint {
	return text.split('.').reduce((value, part) => (value << 8n) | BigInt(part), 0n);
}

function parseIpv6(text: string): bigint {
	const [head = '', tail] = text.split('::');
	const before = groupsOf(head);
	const after = tail === undefined ? [] : groupsOf(tail);
	const zeros = tail === undefined ? 0 : 8 - before.length - after.length;
	return [...before, ...Array<bigint>(zeros).fill(0n), ...after].reduce((value, group) => (value << 16n) | group, 0n);
}

/** The 16-bit groups of one side of `::`; the last may be a dotted IPv4 address. */
function groupsOf(side: string): bigint[] {
	if (side === '') return [];
	return side.split(':').flatMap((group) => {
		if (!group.includes('.')) return [BigInt(`0x${group}`)];
		const dotted = parseIpv4(group);
		return [dotted >> 16n, dotted & 0xffffn];
	});
}

/** The canonical text: dotted, or as RFC 5952 has it. */
export function formatIp(ip: IpAddress): string {
	if (ip.version === 4) return [24n, 16n, 8n, 0n].map((shift) => String((ip.value >> shift) & 0xffn)).join('.');
	const groups = Array.from({ length: 8 }, (_, index) => ((ip.value >> BigInt(112 - index * 16)) & 0xffffn).toString(16));
	if (ip.value >> 32n === 0xffffn) return `::ffff:${formatIp({ version: 4, value: ip.value & 0xffffffffn })}`;
	const run = longestZeroRun(groups);
	if (run.length < 2) return groups.join(':');
	return `${groups.slice(0, run.start).join(':')}::${groups.slice(run.start + run.length).join(':')}`;
}

function longestZeroRun(groups: readonly string[]): { readonly start: number; readonly length: number } {
	let best = { start: 0, length: 0 };
	let start = 0;
	for (let index = 0; index <= groups.length; index += 1) {
		if (groups[index] === '0') continue;
		if (index - start > best.length) best = { start, length: index - start };
		start = index + 1;
	}
	return best;
}

/** The canonical text of an address given in any form; null when it is none. */
export function canonicalIp(text: string): string | null {
	const ip = parseIp(text);
	return ip === null ? null : formatIp(ip);
}

/** A number of fixed length in hexadecimal: sorted as text, addresses come in their order. */
export function ipSortKey(value: bigint): string {
	return value.toString(16).padStart(32, '0');
}

export function ipFromSortKey(key: string): bigint {
	return BigInt(`0x${key}`);
}

/** Reads `address/length`, or a lone address as a block of one. Bits beyond the prefix are cleared. null when it is none. */
export function parseCidr(text: string): Cidr | null {
	const [address = '', length, ...rest] = text.split('/');
	const ip = parseIp(address);
	if (ip === null || rest.length > 0) return null;
	const bits = addressBits(ip.version);
	if (length !== undefined && !/^\d{1,3}$/.test(length)) return null;
	const prefixLength = length === undefined ? bits : Number(length);
	if (prefixLength > bits) return null;
	const hostBits = BigInt(bits - prefixLength);
	return { version: ip.version, base: (ip.value >> hostBits) << hostBits, prefixLength };
}

export function formatCidr(cidr: Cidr): string {
	return `${formatIp({ version: cidr.version, value: cidr.base })}/${cidr.prefixLength}`;
}

/** All addresses of the block, its first and last included. */
export function cidrRange(cidr: Cidr): IpRange {
	return { first: cidr.base, last: cidr.base + (1n << BigInt(addressBits(cidr.version) - cidr.prefixLength)) - 1n };
}

/** The addresses of the block that a machine may have: without the network's and the broadcast address, or IPv6's router anycast. */
export function usableRange(cidr: Cidr): IpRange {
	const whole = cidrRange(cidr);
	if (addressBits(cidr.version) - cidr.prefixLength < 2) return whole;
	return { first: whole.first + 1n, last: cidr.version === 4 ? whole.last - 1n : whole.last };
}

export function inCidr(cidr: Cidr, ip: IpAddress): boolean {
	return cidr.version === ip.version && inRange(cidrRange(cidr), ip.value);
}

export function inRange(range: IpRange, value: bigint): boolean {
	return value >= range.first && value <= range.last;
}

/** Whether the two have an address in common. */
export function rangesOverlap(one: IpRange, other: IpRange): boolean {
	return one.first <= other.last && other.first <= one.last;
}

export function cidrsOverlap(one: Cidr, other: Cidr): boolean {
	return one.version === other.version && rangesOverlap(cidrRange(one), cidrRange(other));
}

/** What is on a host itself, or beside it, such as the service of a cloud that tells a machine its secrets. */
export const addressesBesideHost = ['0.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16', '::/128', '::1/128', 'fe80::/10'] as const;
