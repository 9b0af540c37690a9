import { canonicalIp } from '../../model/ip.ts';
import type { HostPublishedPort } from '../../model/spec.ts';

/**
 * One way from a port of the host to a sandbox. It is translated twice: the host sends it to the network's end of the
 * transit link, at `transitPort`, and the network's namespace to the sandbox. So address ranges of networks may overlap,
 * and the sandbox sees the client's own address.
 */
export interface PublishedTarget {
	readonly networkId: string;
	readonly version: 4 | 6;
	readonly protocol: 'tcp' | 'udp';
	/** Canonical; null = every address of the host of that family. */
	readonly hostIp: string | null;
	readonly hostPort: number;
	/** Unique for the network, family and protocol. */
	readonly transitPort: number;
	readonly address: string;
	readonly port: number;
}

const anyAddress = new Set(['', '0.0.0.0', '::', '*']);

/**
 * Resolves what is published. The transit port is the host's port; where two addresses of the host publish the same
 * port, the next one that is free. What cannot work (a host address of another family than the sandbox's) is left out.
 */
export function publishedTargets(published: readonly HostPublishedPort[]): readonly PublishedTarget[] {
	const taken = new Set<string>();
	const targets: PublishedTarget[] = [];
	for (const port of [...published].sort((one, other) => (one.id < other.id ? -1 : 1))) {
		const address = canonicalIp(port.address);
		const hostIp = anyAddress.has(port.hostIp) ? null : canonicalIp(port.hostIp);
		if (address === null || (hostIp === null && !anyAddress.has(port.hostIp))) continue;
		const version = versionOf(address);
		if (hostIp !== null && versionOf(hostIp) !== version) continue;
		const transitPort = freePort(port.hostPort, (candidate) => taken.has(`${port.networkId} ${version} ${port.protocol} ${candidate}`));
		if (transitPort === null) continue;
		taken.add(`${port.networkId} ${version} ${port.protocol} ${transitPort}`);
		const { networkId, protocol, hostPort, sandboxPort } = port;
		targets.push({ networkId, version, protocol, hostIp, hostPort, transitPort, address, port: sandboxPort });
	}
	return targets;
}

function versionOf(address: string): 4 | 6 {
	return address.includes(':') ? 6 : 4;
}

function freePort(wanted: number, isTaken: (port: number) => boolean): number | null {
	const count = 65_535;
	for (let step = 0; step < count; step += 1) {
		const candidate = ((wanted - 1 + step) % count) + 1;
		if (!isTaken(candidate)) return candidate;
	}
	return null;
}
