import { parseIp } from './ip.ts';
import type { PublishedPort } from './network.ts';

/** A socket of a host's own process that takes what comes to a port of the host. */
export interface Listener {
	readonly protocol: 'tcp' | 'udp';
	/** Canonical; `0.0.0.0` and `::` stand for every address. */
	readonly address: string;
	readonly port: number;
}

/**
 * Whether publishing would take away from the listener what comes to it. A listener at `::` counts for IPv4 as well: most
 * take both, and the kernel does not show which do not.
 */
export function isTakenBy(listener: Listener, wish: Pick<PublishedPort, 'protocol' | 'hostIp' | 'hostPort'>): boolean {
	if (listener.protocol !== wish.protocol || listener.port !== wish.hostPort) return false;
	const at = plainIpv4(listener.address);
	if (at === '::') return true;
	if (parseIp(at)?.version !== parseIp(wish.hostIp)?.version) return false;
	return at === wish.hostIp || at === '0.0.0.0' || wish.hostIp === '0.0.0.0' || wish.hostIp === '::';
}

/** An IPv4 address that a socket of IPv6 listens at. */
function plainIpv4(address: string): string {
	return address.startsWith('::ffff:') ? address.slice('::ffff:'.length) : address;
}
