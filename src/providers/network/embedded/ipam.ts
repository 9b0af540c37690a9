import { formatIp, type IpRange, inCidr, ipFromSortKey, ipSortKey, parseIp } from '../../../model/ip.ts';
import type { FixedIp, Subnet } from '../../../model/network.ts';
import { failNetwork } from '../../../model/network-errors.ts';
import { poolRange, requireCidr } from '../../../model/subnet.ts';
import type { StoreTransaction } from '../../../store/store.ts';

/**
 * Gives out addresses. What is taken is what `port_ip` says, which the caller writes in the same transaction. The
 * next free address after the one given last is taken, and then again from the lowest: an address that was just
 * freed comes last, since others may still speak to its old owner. Where this process began to count is only a
 * preference, so it need not outlive it.
 */
export class AddressAllocator {
	readonly #lastGiven = new Map<string, bigint>();

	/** A free address of the first of these subnets that has one; null when none has. */
	async allocate(tx: StoreTransaction, subnets: readonly Subnet[]): Promise<FixedIp | null> {
		for (const subnet of subnets) {
			const value = await this.#nextFree(tx, subnet);
			if (value === null) continue;
			this.#lastGiven.set(subnet.id, value);
			return { subnetId: subnet.id, ipAddress: formatIp({ version: subnet.ipVersion, value }) };
		}
		return null;
	}

	async #nextFree(tx: StoreTransaction, subnet: Subnet): Promise<bigint | null> {
		const pools = subnet.allocationPools.map(poolRange);
		const from = (this.#lastGiven.get(subnet.id) ?? (await highestTaken(tx, subnet.id)) ?? -1n) + 1n;
		const ahead = pools.flatMap((pool) => (pool.last < from ? [] : [{ first: pool.first < from ? from : pool.first, last: pool.last }]));
		const behind = pools.flatMap((pool) =>
			pool.first >= from ? [] : [{ first: pool.first, last: pool.last < from ? pool.last : from - 1n }],
		);
		for (const range of [...ahead, ...behind]) {
			const free = await lowestFree(tx, subnet.id, range);
			if (free !== null) return free;
		}
		return null;
	}
}

async function highestTaken(tx: StoreTransaction, subnetId: string): Promise<bigint | null> {
	const row = await tx
		.selectFrom('port_ip')
		.select('sort_key')
		.where('subnet_id', '=', subnetId)
		.orderBy('sort_key', 'desc')
		.limit(1)
		.executeTakeFirst();
	return row === undefined ? null : ipFromSortKey(row.sort_key);
}

/**
 * The lowest address of the range that nobody has; null when all are taken. Whether a part has a hole is told by
 * counting, which the database does in its index. Parts twice as long each time lead to the first with a hole, and
 * halves of that to the hole: together no more is counted than twice what lies before it, and mostly the first
 * question is the last.
 */
export async function lowestFree(tx: StoreTransaction, subnetId: string, range: IpRange): Promise<bigint | null> {
	const isFull = async (first: bigint, last: bigint) => {
		const row = await tx
			.selectFrom('port_ip')
			.select((is) => is.fn.countAll<number>().as('taken'))
			.where('subnet_id', '=', subnetId)
			.where('sort_key', '>=', ipSortKey(first))
			.where('sort_key', '<=', ipSortKey(last))
			.executeTakeFirstOrThrow();
		return BigInt(row.taken) === last - first + 1n;
	};
	let first = range.first;
	let last = first;
	while (await isFull(first, last)) {
		const length = last - first + 1n;
		first = last + 1n;
		if (first > range.last) return null;
		last = first + 2n * length - 1n;
		if (last > range.last) last = range.last;
	}
	while (first < last) {
		const middle = (first + last) / 2n;
		if (await isFull(first, middle)) first = middle + 1n;
		else last = middle;
	}
	return first;
}

/**
 * A chosen address, checked: it lies in one of the subnets (or the one named), is no network, broadcast or gateway
 * address, and nobody has it. It may lie outside the allocation pools.
 */
export async function claimAddress(tx: StoreTransaction, subnets: readonly Subnet[], text: string): Promise<FixedIp> {
	const ip = parseIp(text);
	if (ip === null) throw failNetwork('InvalidInput', `Invalid input for fixed_ips. Reason: '${text}' is not a valid IP address.`);
	const ipAddress = formatIp(ip);
	const subnet = subnets.find((candidate) => inCidr(requireCidr(candidate.cidr), ip));
	if (subnet === undefined) {
		const where = subnets.length === 1 ? `the subnet ${subnets[0]?.cidr}` : 'any subnet of the network';
		throw failNetwork('InvalidIpForNetwork', `IP address ${ipAddress} is not a valid IP for ${where}.`);
	}
	if (ipAddress === subnet.gatewayIp || !isUsable(subnet, ip.value)) {
		throw failNetwork(
			'InvalidIpForSubnet',
			`IP address ${ipAddress} cannot be given to a port: it is the gateway, network or broadcast address.`,
		);
	}
	const taken = await tx
		.selectFrom('port_ip')
		.select('port_id')
		.where('subnet_id', '=', subnet.id)
		.where('sort_key', '=', ipSortKey(ip.value))
		.executeTakeFirst();
	if (taken !== undefined) throw failNetwork('IpAddressInUse', `IP address ${ipAddress} is already in use on network ${subnet.networkId}.`);
	return { subnetId: subnet.id, ipAddress };
}

function isUsable(subnet: Subnet, value: bigint): boolean {
	const cidr = requireCidr(subnet.cidr);
	const size = 1n << BigInt((cidr.version === 4 ? 32 : 128) - cidr.prefixLength);
	return value !== cidr.base && (cidr.version === 6 || value !== cidr.base + size - 1n);
}
