import { createHash } from 'node:crypto';

/**
 * Names of what this installation makes in the kernel. Each carries a hash of the owner, so that several installations
 * on one machine neither meet nor take one another's things for leftovers. Interface names have at most 15 bytes.
 */
export interface OwnerNames {
	/** Twelve hexadecimal digits of the owner. */
	readonly tag: string;
	/** What the names of our network namespaces begin with. */
	readonly namespacePrefix: string;
	/** What the host's ends of our transit links begin with; with a `*` it is the pattern of nftables. */
	readonly transitPrefix: string;
	/** Our table in the host's own namespace. */
	readonly hostTable: string;
}

/** The bridge inside a network's namespace. */
export const bridgeName = 'br0';
/** A network's own end of the link to the host. */
export const uplinkName = 'up0';
/** The table that a network's namespace has in each family. */
export const networkTable = 'zunbox';
/** What the links of ports begin with, on the network's side. */
export const portPrefix = 'zp';

export function ownerNames(owner: string): OwnerNames {
	const tag = shortHash(owner, 12);
	return { tag, namespacePrefix: `zunbox-${tag}-`, transitPrefix: `zb${tag.slice(0, 6)}`, hostTable: `zunbox_${tag}` };
}

export function namespaceName(names: OwnerNames, networkId: string): string {
	return names.namespacePrefix + (/^[A-Za-z0-9-]{1,64}$/.test(networkId) ? networkId : shortHash(networkId, 32));
}

export function transitName(names: OwnerNames, networkId: string): string {
	return names.transitPrefix + shortHash(networkId, 7);
}

export function portLinkName(portId: string): string {
	return portPrefix + shortHash(portId, 13);
}

/** Written as the alias of a link that is plugged into somebody else's bridge: how it is found again. */
export function portAlias(names: OwnerNames, portId: string): string {
	return `zunbox.${names.tag}.${portId}`;
}

/** Hardware address of the network's gateway: the same whenever it is built anew, so that neighbours need not learn. */
export function gatewayMac(networkId: string): string {
	return `02:${(shortHash(`gateway ${networkId}`, 10).match(/../g) ?? []).join(':')}`;
}

export function shortHash(text: string, digits: number): string {
	return createHash('sha256').update(text).digest('hex').slice(0, digits);
}
