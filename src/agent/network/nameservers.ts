import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';

/** Where a host's resolvers are written, best first: systemd-resolved keeps the real ones beside its own stub. */
const files: readonly string[] = ['/run/systemd/resolve/resolv.conf', '/run/NetworkManager/no-stub-resolv.conf', '/etc/resolv.conf'];

/**
 * Addresses of the host's resolvers that a sandbox can use too. A resolver on a loopback address serves the host alone;
 * it is left out, and the next file is looked at. Empty when there is none: a subnet then needs nameservers of its own.
 */
export async function upstreamNameservers(paths: readonly string[] = files): Promise<readonly string[]> {
	for (const path of paths) {
		const servers = usableNameservers(await readFile(path, 'utf8').catch(() => ''));
		if (servers.length > 0) return servers;
	}
	return [];
}

/** The nameservers of a resolv.conf that are plain addresses of another machine, without repetition. */
export function usableNameservers(text: string): readonly string[] {
	const addresses = text.split('\n').flatMap((line) => /^\s*nameserver\s+(\S+)/.exec(line)?.[1] ?? []);
	return [...new Set(addresses)].filter((address) => isIP(address) !== 0 && !/^(127\.|0\.|::1$|::$|fe80:|::ffff:127\.)/i.test(address));
}
