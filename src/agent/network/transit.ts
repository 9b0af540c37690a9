import { type Cidr, cidrsOverlap, formatIp, parseCidr } from '../../model/ip.ts';
import { shortHash } from './names.ts';

/** Addresses of the link between a network's namespace and the host's. */
export interface Transit {
	/** Host's and network's end, without prefix. */
	readonly host4: string;
	readonly network4: string;
	readonly host6: string;
	readonly network6: string;
}

/**
 * Where the links' IPv4 addresses come from: a part of the link-local range. No subnet of a tenant may lie in it, nobody
 * routes it, and the addresses that clouds use for their metadata are not in it.
 */
export const transitPool = '169.254.64.0/18';
export const transitPrefixLength = { 4: 30, 6: 126 } as const;
const blocks = 2 ** (transitPrefixLength[4] - 18);

/**
 * Chooses the link's addresses: `current` (the host's end as it stands) where it is one of the pool, else the first free
 * block from a place that follows from the ids. `taken` are the host's other addresses and routes. IPv6 has room for a
 * random-looking range of its own for each network. Throws when the pool is used up.
 */
export function chooseTransit(owner: string, networkId: string, current: string | null, taken: readonly Cidr[]): Transit {
	const six = parseCidr(`fd${shortHash(`${owner} ${networkId}`, 14).replace(/^(..)(....)(....)(....)$/, '$1:$2:$3:$4')}::/126`);
	const base6 = six?.base ?? 0n;
	const base4 = currentBlock(current) ?? freeBlock(Number.parseInt(shortHash(`${owner} ${networkId}`, 8), 16), taken);
	return {
		host4: formatIp({ version: 4, value: base4 + 1n }),
		network4: formatIp({ version: 4, value: base4 + 2n }),
		host6: formatIp({ version: 6, value: base6 + 1n }),
		network6: formatIp({ version: 6, value: base6 + 2n }),
	};
}

function pool(): Cidr {
	const cidr = parseCidr(transitPool);
	if (cidr === null) throw new Error(`${transitPool} is no block of addresses`);
	return cidr;
}

function currentBlock(current: string | null): bigint | null {
	if (current === null) return null;
	const block = parseCidr(`${current}/${transitPrefixLength[4]}`);
	return block !== null && cidrsOverlap(block, pool()) ? block.base : null;
}

function freeBlock(seed: number, taken: readonly Cidr[]): bigint {
	const base = pool().base;
	// A route that covers the whole pool is less specific than our links and does them no harm.
	const narrow = taken.filter((cidr) => cidr.prefixLength > pool().prefixLength && cidrsOverlap(cidr, pool()));
	for (let step = 0; step < blocks; step += 1) {
		const block: Cidr = { version: 4, base: base + BigInt(((seed + step) % blocks) * 4), prefixLength: transitPrefixLength[4] };
		if (!narrow.some((cidr) => cidrsOverlap(cidr, block))) return block.base;
	}
	throw new Error(`no free addresses are left in ${transitPool} for the links of networks to the host`);
}
