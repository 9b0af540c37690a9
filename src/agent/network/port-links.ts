import { canonicalIp } from '../../model/ip.ts';
import type { PortSpec } from '../../model/spec.ts';
import type { NetworkObservation } from './network-links.ts';
import type { ObservedLink } from './observed-links.ts';
import { linkLocalAddress } from './spoof-rules.ts';

/** The host's side of a port: a link by this name, in that bridge. */
export interface PortAnchor {
	/** Namespace of ours; null = the host's own. */
	readonly namespace: string | null;
	readonly device: string;
	readonly bridge: string;
	/** Written on the link where its name does not tell whose it is. */
	readonly alias: string | null;
}

/** Makes both ends in place: the sandbox's never appears anywhere else under its name. */
export function anchorCommands(port: PortSpec, anchor: PortAnchor, networkNamespacePath: string): readonly string[] {
	const { device, bridge, alias } = anchor;
	return [
		`link add name ${device} mtu ${port.mtu} type veth peer name ${port.interfaceName} mtu ${port.mtu} address ${port.macAddress} netns ${networkNamespacePath}`,
		// The bridge's port needs no addresses of its own, so it shall not speak either.
		`link set dev ${device} addrgenmode none`,
		...(alias === null ? [] : [`link set dev ${device} alias ${alias}`]),
		`link set dev ${device} master ${bridge} up`,
	];
}

/** What the sandbox's end needs, for `ip -batch` in the sandbox's namespace. */
export function sandboxCommands(port: PortSpec): readonly string[] {
	const device = port.interfaceName;
	const addresses = wantedAddresses(port);
	const six = addresses.some((address) => address.includes(':'));
	return [
		'link set dev lo up',
		...(six ? [`link set dev ${device} addrgenmode none`] : []),
		...addresses.map((address) => `addr add ${address} dev ${device}${address.includes(':') ? ' nodad' : ''}`),
		...(six ? [`addr add ${linkLocalAddress(port.macAddress)}/64 dev ${device} nodad`] : []),
		`link set dev ${device} up`,
		...wantedRoutes(port).map(({ destination, gateway, metric }) => {
			const everything = destination === 'default' ? (gateway.includes(':') ? '::/0' : '0.0.0.0/0') : destination;
			return `route replace ${everything} via ${gateway} dev ${device}${metric === 0 ? '' : ` metric ${metric}`}`;
		}),
	];
}

/** Whether both ends, the bridge, the addresses and the default routes are as wanted. */
export function isWhole(port: PortSpec, anchor: PortAnchor, anchors: readonly ObservedLink[], sandbox: NetworkObservation): boolean {
	const outer = anchors.find((link) => link.name === anchor.device);
	const inner = sandbox.links.find((link) => link.name === port.interfaceName);
	if (outer === undefined || inner === undefined || outer.master !== anchor.bridge || !outer.up || !inner.up) return false;
	if (outer.peerIndex !== inner.index || inner.peerIndex !== outer.index || inner.mac !== port.macAddress.toLowerCase()) return false;
	if (!wantedAddresses(port).every((address) => inner.addresses.includes(address))) return false;
	const routes = [...sandbox.routes4, ...sandbox.routes6].filter((route) => route.device === port.interfaceName);
	return wantedRoutes(port).every((wanted) =>
		routes.some((route) => route.destination === wanted.destination && route.gateway === wanted.gateway),
	);
}

function wantedAddresses(port: PortSpec): readonly string[] {
	return port.addresses.map(({ address, prefixLength }) => `${canonicalIp(address) ?? address}/${prefixLength}`);
}

interface WantedRoute {
	readonly destination: string;
	readonly gateway: string;
	/** Of two default routes that of the first interface is taken. 0 = the kernel's own. */
	readonly metric: number;
}

function wantedRoutes(port: PortSpec): readonly WantedRoute[] {
	const position = Number(/\d+$/.exec(port.interfaceName)?.[0] ?? '0');
	const gateways = new Set(port.addresses.flatMap(({ gateway }) => (gateway === null ? [] : (canonicalIp(gateway) ?? []))));
	const versions = new Set<boolean>();
	const defaults = [...gateways].filter((gateway) => {
		const six = gateway.includes(':');
		if (versions.has(six)) return false;
		versions.add(six);
		return true;
	});
	return [
		...defaults.map((gateway) => ({ destination: 'default', gateway, metric: position === 0 ? 0 : 2000 + position })),
		...port.routes.map(({ destination, nexthop }) => ({
			destination: routeText(destination),
			gateway: canonicalIp(nexthop) ?? nexthop,
			metric: 0,
		})),
	];
}

/** As `ip` shows it: everything is `default`, a single address has no prefix. */
function routeText(destination: string): string {
	if (destination === '0.0.0.0/0' || destination === '::/0') return 'default';
	const [address = '', length] = destination.split('/');
	const canonical = canonicalIp(address) ?? address;
	const single = length === undefined || length === (canonical.includes(':') ? '128' : '32');
	return single ? canonical : `${canonical}/${length}`;
}
