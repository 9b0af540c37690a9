import { fail } from '../../../model/errors.ts';
import { newId } from '../../../model/ids.ts';
import { canonicalIp, parseIp } from '../../../model/ip.ts';
import { isTakenBy, type Listener } from '../../../model/listener.ts';
import type { Port, PublishedPort } from '../../../model/network.ts';
import { isAdmin, type Principal } from '../../../model/principal.ts';
import { networks } from '../../../store/networks.ts';
import { ports } from '../../../store/ports.ts';
import { deletePublishedPorts, insertPublishedPorts, publishedPorts } from '../../../store/published-ports.ts';
import type { StoreTransaction } from '../../../store/store.ts';
import type { NetworkChanges } from './changes.ts';

/** Which ports of a host may be published. */
export interface PublishRange {
	/** For everybody, both included; administrators may use any. */
	readonly first: number;
	readonly last: number;
	/** For nobody: the host's own services. */
	readonly reserved: readonly number[];
}

export type PublishWish = Omit<PublishedPort, 'id' | 'sandboxId' | 'host'>;

/** Answers what the processes of a host listen at, as far as that can be known now. */
export type HostListeners = (host: string) => Promise<readonly Listener[]>;

/** Ports of hosts that lead into sandboxes. */
export class PublishedPorts {
	readonly #changes: NetworkChanges;
	readonly #range: PublishRange;
	readonly #listeners: HostListeners;

	constructor(changes: NetworkChanges, range: PublishRange, listeners: HostListeners) {
		this.#changes = changes;
		this.#range = range;
		this.#listeners = listeners;
	}

	/** Makes these the sandbox's published ports; those that it has and are not among them go. Throws `conflict` for one that is taken. */
	async replace(
		tx: StoreTransaction,
		principal: Principal,
		sandbox: { readonly id: string; readonly host: string | null },
		wishes: readonly PublishWish[],
	): Promise<readonly PublishedPort[]> {
		const wanted = wishes.map((wish) => this.#check(principal, wish));
		const existing = await publishedPorts(tx, { sandboxIds: [sandbox.id] });
		const host = sandbox.host ?? unplaced(sandbox.id);
		const kept = existing.filter((port) => wanted.some((wish) => sameWish(wish, port)));
		const added = wanted
			.filter((wish) => !existing.some((port) => sameWish(wish, port)))
			.map((wish) => ({ ...wish, id: newId(), sandboxId: sandbox.id, host }));
		await deletePublishedPorts(
			tx,
			existing.filter((port) => !kept.includes(port)).map((port) => port.id),
		);
		if (added.length > 0) await requireReachable(tx, sandbox.id, added);
		for (const port of added) {
			await requireFree(tx, port);
			await insertPublishedPorts(tx, [port]);
		}
		if (added.length > 0 && sandbox.host !== null) await this.#requireUnused(sandbox.host, added);
		await this.#changes.mark(tx, { hosts: [host] });
		return [...kept, ...added].sort((one, other) => one.hostPort - other.hostPort).map(shown);
	}

	/** Follows the sandbox to another host; throws `conflict` where a port is taken there. */
	async move(tx: StoreTransaction, sandboxId: string, host: string | null): Promise<void> {
		const target = host ?? unplaced(sandboxId);
		const moving = (await publishedPorts(tx, { sandboxIds: [sandboxId] })).filter((port) => port.host !== target);
		if (moving.length === 0) return;
		await deletePublishedPorts(
			tx,
			moving.map((port) => port.id),
		);
		for (const port of moving) {
			const moved = { ...port, host: target };
			await requireFree(tx, moved);
			await insertPublishedPorts(tx, [moved]);
		}
		await this.#changes.mark(tx, { hosts: [target, ...moving.map((port) => port.host)] });
	}

	async drop(tx: StoreTransaction, sandboxId: string): Promise<void> {
		const existing = await publishedPorts(tx, { sandboxIds: [sandboxId] });
		if (existing.length === 0) return;
		await deletePublishedPorts(
			tx,
			existing.map((port) => port.id),
		);
		await this.#changes.mark(tx, { hosts: existing.map((port) => port.host) });
	}

	/**
	 * What is published is translated before any socket sees it, so a process of the host would be cut off without a word.
	 * It is the host's processes at this moment: one that begins to listen later can, and gets nothing.
	 */
	async #requireUnused(host: string, added: readonly PublishedPort[]): Promise<void> {
		const listeners = await this.#listeners(host);
		const taken = added.find((port) => listeners.some((listener) => isTakenBy(listener, port)));
		if (taken === undefined) return;
		throw fail(
			'conflict',
			`Port ${taken.hostPort}/${taken.protocol} of host ${host} is in use: a process of the host listens there. Publish another port, or end that process.`,
		);
	}

	#check(principal: Principal, wish: PublishWish): PublishWish {
		const hostIp = canonicalIp(wish.hostIp);
		if (hostIp === null)
			throw fail('invalid-value', `'${wish.hostIp}' is not an IP address of the host; 0.0.0.0 means all its IPv4 addresses.`);
		if (hostIp === '::1' || hostIp.startsWith('::ffff:'))
			throw fail(
				'invalid-value',
				`Nothing can be published at ${hostIp}: the kernel leads no packet from there to a sandbox. Use 127.0.0.1 or ::.`,
			);
		for (const port of [wish.hostPort, wish.sandboxPort]) {
			if (!Number.isInteger(port) || port < 1 || port > 65535)
				throw fail('invalid-value', `'${port}' is not a port: it must be 1 to 65535.`);
		}
		const { first, last, reserved } = this.#range;
		if (reserved.includes(wish.hostPort)) throw fail('invalid-value', `Port ${wish.hostPort} belongs to the host itself.`);
		if ((wish.hostPort < first || wish.hostPort > last) && !isAdmin(principal)) {
			throw fail('invalid-value', `Port ${wish.hostPort} may not be published: use one from ${first} to ${last}.`);
		}
		return { protocol: wish.protocol, hostIp, hostPort: wish.hostPort, sandboxPort: wish.sandboxPort };
	}
}

/** As it is shown: a port of a sandbox without a host is on none. */
export function shown(port: PublishedPort): PublishedPort {
	return port.host === unplaced(port.sandboxId) ? { ...port, host: '' } : port;
}

/** The order of a sandbox's interfaces. */
export function byPosition(one: Port, other: Port): number {
	return one.position - other.position;
}

/** The port through which the world reaches the sandbox at an address of that family: its first on a network with a way out. */
export function entrance(
	sandboxPorts: readonly Port[],
	externalNetworkIds: ReadonlySet<string>,
	hostIp: string,
): { readonly networkId: string; readonly address: string } | null {
	const version = parseIp(hostIp)?.version;
	for (const port of sandboxPorts) {
		if (!externalNetworkIds.has(port.networkId)) continue;
		const address = port.fixedIps.find((fixedIp) => parseIp(fixedIp.ipAddress)?.version === version);
		if (address !== undefined) return { networkId: port.networkId, address: address.ipAddress };
	}
	return null;
}

/** Stands for the host of a sandbox that has none yet, so that nothing conflicts there. */
function unplaced(sandboxId: string): string {
	return `unplaced:${sandboxId}`;
}

function sameWish(one: PublishWish, other: PublishWish): boolean {
	return (
		one.protocol === other.protocol &&
		one.hostIp === other.hostIp &&
		one.hostPort === other.hostPort &&
		one.sandboxPort === other.sandboxPort
	);
}

async function requireReachable(tx: StoreTransaction, sandboxId: string, added: readonly PublishedPort[]): Promise<void> {
	const sandboxPorts = await ports(tx, { sandboxIds: [sandboxId] });
	const found = sandboxPorts.length === 0 ? [] : await networks(tx, { ids: sandboxPorts.map((port) => port.networkId) });
	const external = new Set(found.filter((network) => network.external).map((network) => network.id));
	const unreachable = added.find((port) => entrance(sandboxPorts, external, port.hostIp) === null);
	if (unreachable !== undefined) {
		const family = parseIp(unreachable.hostIp)?.version === 6 ? 'IPv6' : 'IPv4';
		throw fail(
			'invalid-value',
			`Port ${unreachable.hostPort} cannot be published: the sandbox has no ${family} address on a network with a way out.`,
		);
	}
}

async function requireFree(tx: StoreTransaction, wanted: PublishedPort): Promise<void> {
	const others = await publishedPorts(tx, { host: wanted.host, hostPorts: [wanted.hostPort] });
	const taken = others.find((other) => other.protocol === wanted.protocol && addressesCollide(other.hostIp, wanted.hostIp));
	if (taken !== undefined)
		throw fail('conflict', `Port ${wanted.hostPort}/${wanted.protocol} of host ${wanted.host} is already published.`);
}

/** All addresses of a family collide with each of them. */
function addressesCollide(one: string, other: string): boolean {
	if (one === other) return true;
	return parseIp(one)?.version === parseIp(other)?.version && [one, other].some((address) => address === '0.0.0.0' || address === '::');
}
