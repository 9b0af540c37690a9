import { parseIp } from '../../../src/model/ip.ts';

/** Frames as a forger writes them, in hexadecimal. Nothing here checks that they are honest. */
export function ethernet(destination: string, source: string, type: number, payload: string): string {
	return macHex(destination) + macHex(source) + word(type) + payload;
}

export function arp(
	operation: 'request' | 'reply',
	sender: { mac: string; ip: string },
	target: { mac: string; ip: string },
	note: string,
): string {
	const op = operation === 'request' ? 1 : 2;
	return `0001${word(0x0800)}0604${word(op)}${macHex(sender.mac)}${ipHex(sender.ip)}${macHex(target.mac)}${ipHex(target.ip)}${hexOf(note)}`;
}

export function udp4(source: string, sourcePort: number, destination: string, destinationPort: number, note: string): string {
	const data = hexOf(note);
	const udp = word(sourcePort) + word(destinationPort) + word(8 + data.length / 2) + word(0) + data;
	const head = `4500${word(20 + udp.length / 2)}000000004011`;
	const rest = ipHex(source) + ipHex(destination);
	return head + word(checksum(`${head}0000${rest}`)) + rest + udp;
}

/** `hopByHop` puts an extension header before the payload, behind which a filter could miss it. */
export function ip6(source: string, destination: string, nextHeader: number, payload: string, hopByHop = false): string {
	const body = (hopByHop ? `${byte(nextHeader)}000104${'00'.repeat(4)}` : '') + payload;
	return `60000000${word(body.length / 2)}${byte(hopByHop ? 0 : nextHeader)}ff${ipHex(source)}${ipHex(destination)}${body}`;
}

/** An ICMPv6 packet with its IPv6 header; the checksum is right. */
export function icmp6(source: string, destination: string, type: number, body: string, hopByHop = false): string {
	const length = (4 + body.length / 2).toString(16).padStart(8, '0');
	const sum = checksum(`${ipHex(source)}${ipHex(destination)}${length}0000003a${byte(type)}000000${body}`);
	return ip6(source, destination, 58, `${byte(type)}00${word(sum)}${body}`, hopByHop);
}

export function udp6(source: string, sourcePort: number, destination: string, destinationPort: number, note: string): string {
	const data = hexOf(note);
	const length = word(8 + data.length / 2);
	const ports = word(sourcePort) + word(destinationPort);
	const sum = checksum(`${ipHex(source)}${ipHex(destination)}0000${length}00000011${ports}${length}0000${data}`);
	return ip6(source, destination, 17, `${ports}${length}${word(sum)}${data}`);
}

/** Body of a neighbour advertisement (flags: override) with a note behind it. */
export function advertisement(target: string, mac: string, note: string): string {
	return `20000000${ipHex(target)}0201${macHex(mac)}${hexOf(note)}`;
}

export function hexOf(note: string): string {
	const hex = Buffer.from(note).toString('hex');
	return hex.length % 4 === 0 ? hex : `${hex}00`;
}

export function ipHex(address: string): string {
	const ip = parseIp(address);
	if (ip === null) throw new Error(`${address} is no address`);
	return ip.value.toString(16).padStart(ip.version === 4 ? 8 : 32, '0');
}

function macHex(mac: string): string {
	return mac.replaceAll(':', '');
}

function byte(value: number): string {
	return value.toString(16).padStart(2, '0');
}

function word(value: number): string {
	return value.toString(16).padStart(4, '0');
}

function checksum(hex: string): number {
	const padded = hex.length % 4 === 0 ? hex : `${hex}00`;
	let sum = 0;
	for (const part of padded.match(/.{4}/g) ?? []) sum += Number.parseInt(part, 16);
	while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
	return ~sum & 0xffff;
}
