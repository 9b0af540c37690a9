import {
	type Cidr,
	cidrRange,
	formatCidr,
	formatIp,
	type IpRange,
	inCidr,
	inRange,
	parseCidr,
	parseIp,
	rangesOverlap,
	usableRange,
} from './ip.ts';
import type { AllocationPool } from './network.ts';
import { failNetwork } from './network-errors.ts';

/** What a request says of a new subnet's addresses. */
export interface SubnetRequest {
	readonly cidr: string;
	/** undefined = the first address; null = none. */
	readonly gatewayIp?: string | null;
	/** undefined = all but the gateway. */
	readonly allocationPools?: readonly AllocationPool[];
}

export interface SubnetPlan {
	readonly cidr: Cidr;
	readonly gatewayIp: string | null;
	readonly allocationPools: readonly AllocationPool[];
}

/** Ranges that mean something else to every machine, so that no subnet may lie in them. */
const reserved = ['0.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16', '224.0.0.0/3', '::/16', 'fe80::/10', 'ff00::/8'].map(requireCidr);
/** Shortest and longest prefix of a subnet. */
const prefixLimits = { 4: [8, 30], 6: [32, 126] } as const;

/** Checks the request and fills in what it leaves open. Throws what Neutron would. */
export function planSubnet(request: SubnetRequest): SubnetPlan {
	const cidr = requireCidr(request.cidr);
	if (formatCidr(cidr) !== canonicalCidrText(request.cidr)) {
		throw failNetwork(
			'InvalidInput',
			`Invalid input for cidr. Reason: '${request.cidr}' has bits beyond its prefix; '${formatCidr(cidr)}' has none.`,
		);
	}
	const [shortest, longest] = prefixLimits[cidr.version];
	if (cidr.prefixLength < shortest || cidr.prefixLength > longest) {
		throw failNetwork('InvalidInput', `Invalid input for cidr. Reason: the prefix must be between /${shortest} and /${longest}.`);
	}
	const taken = reserved.find((block) => block.version === cidr.version && rangesOverlap(cidrRange(block), cidrRange(cidr)));
	if (taken !== undefined) {
		throw failNetwork(
			'InvalidInput',
			`Invalid input for cidr. Reason: '${request.cidr}' overlaps the reserved range ${formatCidr(taken)}.`,
		);
	}
	const gatewayIp = planGateway(cidr, request.gatewayIp);
	const allocationPools = request.allocationPools === undefined ? defaultPools(cidr, gatewayIp) : planPools(cidr, request.allocationPools);
	requireGatewayOutsidePools(gatewayIp, allocationPools);
	return { cidr, gatewayIp, allocationPools };
}

/** The gateway in canonical text; throws when it is not an address that a machine in the block may have. */
export function planGateway(cidr: Cidr, requested: string | null | undefined): string | null {
	if (requested === null) return null;
	const usable = usableRange(cidr);
	if (requested === undefined) return formatIp({ version: cidr.version, value: usable.first });
	const gateway = parseIp(requested);
	if (gateway === null || !inCidr(cidr, gateway) || !inRange(usable, gateway.value)) {
		throw failNetwork(
			'InvalidInput',
			`Invalid input for gateway_ip. Reason: '${requested}' is not a usable address of ${formatCidr(cidr)}.`,
		);
	}
	return formatIp(gateway);
}

/** Every usable address but the gateway's. */
function defaultPools(cidr: Cidr, gatewayIp: string | null): readonly AllocationPool[] {
	const usable = usableRange(cidr);
	const gateway = gatewayIp === null ? null : parseIp(gatewayIp);
	const ranges =
		gateway === null
			? [usable]
			: [
					{ first: usable.first, last: gateway.value - 1n },
					{ first: gateway.value + 1n, last: usable.last },
				];
	return ranges.filter((range) => range.first <= range.last).map((range) => poolOf(cidr, range));
}

/** The pools in canonical text and order; throws when one is empty, outside the block or overlaps another. */
export function planPools(cidr: Cidr, pools: readonly AllocationPool[]): readonly AllocationPool[] {
	const usable = usableRange(cidr);
	const ranges = pools.map((pool) => {
		const first = parseIp(pool.start);
		const last = parseIp(pool.end);
		if (first === null || last === null || first.version !== cidr.version || last.version !== cidr.version || first.value > last.value) {
			throw failNetwork('InvalidAllocationPool', `The allocation pool ${pool.start}-${pool.end} is not valid.`);
		}
		if (first.value < usable.first || last.value > usable.last) {
			throw failNetwork(
				'OutOfBoundsAllocationPool',
				`The allocation pool ${pool.start}-${pool.end} spans beyond the subnet cidr ${formatCidr(cidr)}.`,
			);
		}
		return { first: first.value, last: last.value };
	});
	ranges.sort((one, other) => (one.first < other.first ? -1 : 1));
	ranges.forEach((range, index) => {
		const next = ranges[index + 1];
		if (next !== undefined && next.first <= range.last) {
			throw failNetwork('OverlappingAllocationPools', `Found overlapping allocation pools for the subnet ${formatCidr(cidr)}.`);
		}
	});
	return ranges.map((range) => poolOf(cidr, range));
}

/** Throws when the gateway could be given to a port. */
export function requireGatewayOutsidePools(gatewayIp: string | null, pools: readonly AllocationPool[]): void {
	const gateway = gatewayIp === null ? null : parseIp(gatewayIp);
	const pool = gateway === null ? undefined : pools.find((candidate) => inRange(poolRange(candidate), gateway.value));
	if (pool !== undefined) {
		throw failNetwork(
			'GatewayConflictWithAllocationPools',
			`Gateway ip ${gatewayIp} conflicts with allocation pool ${pool.start}-${pool.end}.`,
		);
	}
}

/** The pool as numbers. */
export function poolRange(pool: AllocationPool): IpRange {
	return { first: parseIp(pool.start)?.value ?? 1n, last: parseIp(pool.end)?.value ?? 0n };
}

function poolOf(cidr: Cidr, range: IpRange): AllocationPool {
	return { start: formatIp({ version: cidr.version, value: range.first }), end: formatIp({ version: cidr.version, value: range.last }) };
}

/** The block; throws `InvalidInput` naming the text when it is none. */
export function requireCidr(text: string): Cidr {
	const cidr = parseCidr(text);
	if (cidr === null) throw failNetwork('InvalidInput', `Invalid input for cidr. Reason: '${text}' is not a valid IP subnet.`);
	return cidr;
}

/** The same address and length, the address in canonical text and with all its bits. */
function canonicalCidrText(text: string): string {
	const [address = '', length] = text.split('/');
	const ip = parseIp(address);
	return ip === null ? text : `${formatIp(ip)}/${length === undefined ? (ip.version === 4 ? 32 : 128) : Number(length)}`;
}
