import { readFile } from 'node:fs/promises';
import { canonicalIp } from '../../model/ip.ts';
import type { Listener } from '../../model/listener.ts';

/** The kernel's tables of sockets, and the state in them of a socket that takes what anybody sends: LISTEN, or UDP's "not connected". */
const tables = [
	{ file: 'tcp', protocol: 'tcp', state: '0A' },
	{ file: 'tcp6', protocol: 'tcp', state: '0A' },
	{ file: 'udp', protocol: 'udp', state: '07' },
	{ file: 'udp6', protocol: 'udp', state: '07' },
] as const;

/** What listens in the host's own network namespace. Published ports are rules, not sockets: they are not among these. */
export async function hostListeners(signal: AbortSignal): Promise<readonly Listener[]> {
	const found = await Promise.all(
		tables.map(async ({ file, protocol, state }) => parseListeners(await readTable(`/proc/self/net/${file}`, signal), protocol, state)),
	);
	return found.flat();
}

/** A kernel without IPv6 has no tables for it. */
async function readTable(file: string, signal: AbortSignal): Promise<string> {
	return await readFile(file, { encoding: 'latin1', signal }).catch((error: unknown) => {
		if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '';
		throw error;
	});
}

/** Reads one table: the sockets in that state. Lines of another form are passed over. */
export function parseListeners(table: string, protocol: Listener['protocol'], state: string): readonly Listener[] {
	const found: Listener[] = [];
	for (const [, address = '', port = '', seen] of table.matchAll(
		/^ *\d+: ([0-9A-F]+):([0-9A-F]{4}) [0-9A-F]+:[0-9A-F]{4} ([0-9A-F]{2}) /gm,
	)) {
		const at = seen === state ? addressOf(address) : null;
		if (at !== null) found.push({ protocol, address: at, port: Number.parseInt(port, 16) });
	}
	return found;
}

/** Addresses stand there as numbers of 32 bits in the machine's order, which is little endian on all that we run on. */
function addressOf(hex: string): string | null {
	if (hex.length !== 8 && hex.length !== 32) return null;
	const bytes = Buffer.from(hex, 'hex').swap32();
	if (bytes.length === 4) return canonicalIp(bytes.join('.'));
	const groups = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(index * 2).toString(16));
	return canonicalIp(groups.join(':'));
}
