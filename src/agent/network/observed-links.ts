/** What `ip -j addr` and `ip -j route` say, narrowed to what we look at. */
export interface ObservedLink {
	readonly name: string;
	readonly index: number;
	/** Index of the other end of a veth, in its own namespace. */
	readonly peerIndex: number | null;
	readonly mac: string;
	readonly mtu: number;
	readonly master: string | null;
	readonly alias: string | null;
	/** Set to be up, whether or not it has a carrier. */
	readonly up: boolean;
	/** `address/length`, canonical as the kernel writes them, without the link-local ones that the kernel makes itself. */
	readonly addresses: readonly string[];
}

export interface ObservedRoute {
	readonly destination: string;
	readonly gateway: string | null;
	readonly device: string | null;
	/** Such as `unicast` or `unreachable`. */
	readonly type: string;
}

/** Throws when the text is not what `ip -j addr` writes. */
export function parseLinks(json: string): readonly ObservedLink[] {
	return records(json).map((link) => ({
		name: text(link['ifname']) ?? '',
		index: number(link['ifindex']) ?? 0,
		peerIndex: number(link['link_index']),
		mac: text(link['address']) ?? '',
		mtu: number(link['mtu']) ?? 0,
		master: text(link['master']),
		alias: text(link['ifalias']),
		up: Array.isArray(link['flags']) && link['flags'].includes('UP'),
		addresses: list(link['addr_info']).map((address) => `${text(address['local']) ?? ''}/${number(address['prefixlen']) ?? 0}`),
	}));
}

export function parseRoutes(json: string): readonly ObservedRoute[] {
	return records(json).map((route) => ({
		destination: text(route['dst']) ?? '',
		gateway: text(route['gateway']),
		device: text(route['dev']),
		type: text(route['type']) ?? 'unicast',
	}));
}

function records(json: string): readonly Record<string, unknown>[] {
	const trimmed = json.trim();
	return trimmed === '' ? [] : list(JSON.parse(trimmed));
}

function list(value: unknown): readonly Record<string, unknown>[] {
	// `ip` writes an empty object for what its filters left out.
	return Array.isArray(value)
		? value.filter((item): item is Record<string, unknown> => typeof item === 'object' && item !== null && Object.keys(item).length > 0)
		: [];
}

function text(value: unknown): string | null {
	return typeof value === 'string' ? value : null;
}

function number(value: unknown): number | null {
	return typeof value === 'number' ? value : null;
}
