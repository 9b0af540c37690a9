import { canonicalIp, parseCidr } from '../../model/ip.ts';
import type { HostNetwork } from '../../model/spec.ts';
import { bridgeName, gatewayMac, portLinkName, portPrefix, uplinkName } from './names.ts';
import type { ObservedLink, ObservedRoute } from './observed-links.ts';
import { type Transit, transitPrefixLength } from './transit.ts';

/** What the namespace of a network shows of its links. */
export interface NetworkObservation {
	readonly links: readonly ObservedLink[];
	readonly routes4: readonly ObservedRoute[];
	readonly routes6: readonly ObservedRoute[];
}

/** What the host can do with IPv6: nothing, only inside networks, or also to the world. Without forwarding a way out would swallow packets in silence. */
export type Ipv6Support = 'none' | 'local' | 'forwarded';

/** Of addresses, those that the host's kernel can have. */
export function supported(addresses: readonly string[], ipv6: Ipv6Support): readonly string[] {
	return ipv6 === 'none' ? addresses.filter((address) => !address.includes(':')) : addresses;
}

/** What must be there beside the ports themselves, which come with their sandboxes. */
export interface NetworkLinks {
	readonly network: HostNetwork;
	/** null = no link to the host. */
	readonly transit: Transit | null;
	readonly ipv6: Ipv6Support;
}

/** Commands for `ip -batch` inside the namespace, and for people what they repair. */
export interface LinkChange {
	readonly commands: readonly string[];
	readonly repaired: readonly string[];
}

/** Compares what is wanted with what is there. Pure; the uplink itself is made from the host's side, before. */
export function networkLinkChange(wanted: NetworkLinks, observed: NetworkObservation): LinkChange {
	const commands: string[] = [];
	const repaired: string[] = [];
	const links = new Map(observed.links.map((link) => [link.name, link]));
	const need = (what: string, ...lines: string[]): void => {
		commands.push(...lines);
		repaired.push(what);
	};

	if (links.get('lo')?.up !== true) need('loopback was down', 'link set lo up');
	const { network } = wanted;
	const mac = gatewayMac(network.id);
	const bridge = links.get(bridgeName);
	if (bridge === undefined) {
		need(
			'bridge was missing',
			`link add name ${bridgeName} address ${mac} mtu ${network.mtu} type bridge stp_state 0 forward_delay 0 mcast_snooping 0`,
		);
	} else {
		if (bridge.mac !== mac) need('bridge had another hardware address', `link set dev ${bridgeName} address ${mac}`);
		if (bridge.mtu !== network.mtu) need('bridge had another MTU', `link set dev ${bridgeName} mtu ${network.mtu}`);
	}
	if (bridge?.up !== true) need('bridge was down', `link set dev ${bridgeName} up`);
	changeAddresses(bridgeName, supported(gatewayAddresses(network), wanted.ipv6), bridge?.addresses ?? [], need);

	const uplink = links.get(uplinkName);
	if (wanted.transit !== null) {
		const { network4, network6 } = wanted.transit;
		if (uplink?.up !== true) need('uplink was down', `link set dev ${uplinkName} up`);
		changeAddresses(
			uplinkName,
			supported([`${network4}/${transitPrefixLength[4]}`, `${network6}/${transitPrefixLength[6]}`], wanted.ipv6),
			uplink?.addresses ?? [],
			need,
		);
	}
	changeDefaultRoutes(wanted, observed, need);

	const ports = new Set(network.ports.map((port) => portLinkName(port.id)));
	for (const link of observed.links) {
		if (!link.name.startsWith(portPrefix)) continue;
		if (!ports.has(link.name)) need(`link ${link.name} belonged to no port`, `link del dev ${link.name}`);
		else if (link.master !== bridgeName)
			need(`link ${link.name} was not in the bridge`, `link set dev ${link.name} master ${bridgeName} up`);
		else if (!link.up) need(`link ${link.name} was down`, `link set dev ${link.name} up`);
	}
	return { commands, repaired };
}

/** `address/length` of the network's gateway in each subnet that has one. */
function gatewayAddresses(network: HostNetwork): readonly string[] {
	return network.subnets.flatMap((subnet) => {
		const cidr = parseCidr(subnet.cidr);
		const gateway = subnet.gateway === null ? null : canonicalIp(subnet.gateway);
		return cidr === null || gateway === null ? [] : [`${gateway}/${cidr.prefixLength}`];
	});
}

type Need = (what: string, ...lines: string[]) => void;

function changeAddresses(device: string, wanted: readonly string[], observed: readonly string[], need: Need): void {
	for (const address of observed) {
		if (!wanted.includes(address) && !address.startsWith('fe80:'))
			need(`${device} had the address ${address}`, `addr del ${address} dev ${device}`);
	}
	for (const address of wanted) {
		if (observed.includes(address)) continue;
		need(`${device} had no address ${address}`, `addr add ${address} dev ${device}${address.includes(':') ? ' nodad' : ''}`);
	}
}

function changeDefaultRoutes(wanted: NetworkLinks, observed: NetworkObservation, need: Need): void {
	for (const version of [4, 6] as const) {
		const everything = version === 4 ? '0.0.0.0/0' : '::/0';
		const routes = version === 4 ? observed.routes4 : observed.routes6;
		const gateway = version === 4 ? wanted.transit?.host4 : wanted.ipv6 === 'forwarded' ? wanted.transit?.host6 : undefined;
		let stands = false;
		for (const route of routes.filter((candidate) => candidate.destination === 'default')) {
			if (route.gateway === gateway && route.device === uplinkName && !stands) {
				stands = true;
				continue;
			}
			const via = `${route.gateway === null ? '' : ` via ${route.gateway}`}${route.device === null ? '' : ` dev ${route.device}`}`;
			need(`there was an IPv${version} default route${via}`, `route del ${everything}${via}`);
		}
		if (gateway !== undefined && !stands)
			need(`IPv${version} had no default route`, `route add ${everything} via ${gateway} dev ${uplinkName}`);
	}
}
