import { randomBytes } from 'node:crypto';
import { newId } from '../../../model/ids.ts';
import { canonicalMac, macFromBytes } from '../../../model/mac.ts';
import type { FixedIp, Network, Port } from '../../../model/network.ts';
import { failNetwork } from '../../../model/network-errors.ts';
import { subnets } from '../../../store/networks.ts';
import { deletePorts, insertPort, macAddressInUse, updatePort } from '../../../store/ports.ts';
import type { StoreTransaction } from '../../../store/store.ts';
import type { NetworkChanges } from './changes.ts';
import { type AddressAllocator, claimAddress } from './ipam.ts';

/** An address that is asked for: chosen, or any of a subnet, or (with a version) any of that family, where the network has it. */
export interface RequestedAddress {
	readonly ipAddress?: string;
	readonly subnetId?: string;
	readonly version?: 4 | 6;
}

/** One address of each family that the network has. */
export const anyAddresses: readonly RequestedAddress[] = [{ version: 4 }, { version: 6 }];

export interface NewPort extends Omit<Port, 'id' | 'macAddress' | 'fixedIps' | 'networkId' | 'status' | 'createdAt' | 'updatedAt'> {
	readonly network: Network;
	/** null = made up. */
	readonly macAddress: string | null;
	readonly addresses: readonly RequestedAddress[];
}

/** Ports and what they hold. Who may do what is the caller's to check. */
export class Ports {
	readonly #changes: NetworkChanges;
	readonly #allocator: AddressAllocator;
	readonly #now: () => number;

	constructor(changes: NetworkChanges, allocator: AddressAllocator, now: () => number) {
		this.#changes = changes;
		this.#allocator = allocator;
		this.#now = now;
	}

	async create(tx: StoreTransaction, request: NewPort): Promise<Port> {
		const { network, addresses, ...rest } = request;
		const now = this.#now();
		const port: Port = {
			...rest,
			id: newId(),
			networkId: network.id,
			macAddress: await this.#macAddress(tx, network.id, request.macAddress),
			fixedIps: await this.resolveAddresses(tx, network.id, addresses),
			status: 'DOWN',
			createdAt: now,
			updatedAt: now,
		};
		await insertPort(tx, port);
		await this.#mark(tx, [port], true);
		return port;
	}

	/** Writes the port as it is to be from now on, and marks all that this changes for hosts and sandboxes. */
	async change(tx: StoreTransaction, before: Port, change: Partial<Omit<Port, 'id' | 'networkId' | 'projectId'>>): Promise<Port> {
		const after = { ...before, ...change, updatedAt: Math.max(this.#now(), before.updatedAt + 1) };
		await updatePort(tx, before, after);
		const sameAddresses = JSON.stringify(before.fixedIps) === JSON.stringify(after.fixedIps);
		await this.#mark(tx, [before, after], !sameAddresses || before.sandboxId !== after.sandboxId);
		return after;
	}

	async remove(tx: StoreTransaction, ports: readonly Port[]): Promise<void> {
		await deletePorts(
			tx,
			ports.map((port) => port.id),
		);
		await this.#mark(tx, ports, true);
	}

	/** A free or chosen hardware address; throws MacAddressInUse. */
	async #macAddress(tx: StoreTransaction, networkId: string, chosen: string | null): Promise<string> {
		if (chosen !== null) return await this.claimMac(tx, networkId, chosen);
		for (;;) {
			const mac = macFromBytes(randomBytes(3));
			if (!(await macAddressInUse(tx, networkId, mac))) return mac;
		}
	}

	async claimMac(tx: StoreTransaction, networkId: string, chosen: string): Promise<string> {
		const mac = canonicalMac(chosen);
		if (mac === null) throw failNetwork('InvalidInput', `Invalid input for mac_address. Reason: '${chosen}' is not a valid MAC address.`);
		if (await macAddressInUse(tx, networkId, mac)) {
			throw failNetwork('MacAddressInUse', `Unable to complete operation for network ${networkId}. The mac address ${mac} is in use.`);
		}
		return mac;
	}

	/** Addresses of the network for a request. `kept` are those that the port has already and may keep. */
	async resolveAddresses(
		tx: StoreTransaction,
		networkId: string,
		requests: readonly RequestedAddress[],
		kept: readonly FixedIp[] = [],
	): Promise<readonly FixedIp[]> {
		const all = requests.length === 0 ? [] : await subnets(tx, { networkIds: [networkId] });
		const resolved: FixedIp[] = [];
		for (const request of requests) {
			const candidates = all.filter(
				(subnet) => (request.subnetId ?? subnet.id) === subnet.id && (request.version ?? subnet.ipVersion) === subnet.ipVersion,
			);
			if (request.subnetId !== undefined && candidates.length === 0) {
				throw failNetwork(
					'InvalidInput',
					`Invalid input for fixed_ips. Reason: the subnet ${request.subnetId} is not on the network ${networkId}.`,
				);
			}
			const { ipAddress } = request;
			if (ipAddress !== undefined) {
				resolved.push(kept.find((fixedIp) => fixedIp.ipAddress === ipAddress) ?? (await claimAddress(tx, candidates, ipAddress)));
			} else if (candidates.length > 0) {
				const allocated = await this.#allocator.allocate(tx, candidates);
				if (allocated === null) {
					throw failNetwork('IpAddressGenerationFailure', `No more IP addresses available on network ${networkId}.`);
				}
				resolved.push(allocated);
			}
		}
		const distinct = new Set(resolved.map((fixedIp) => fixedIp.ipAddress));
		if (distinct.size < resolved.length) {
			throw failNetwork(
				'InvalidInput',
				'Invalid input for fixed_ips. Reason: an address is there twice, or its subnet has too few free ones.',
			);
		}
		return resolved;
	}

	/** One state for a port that came or went, two for one that changed. */
	async #mark(tx: StoreTransaction, states: readonly Port[], named: boolean): Promise<void> {
		const hosts = states.flatMap((port) => (port.host === null ? [] : [port.host]));
		const sandboxes = new Set(states.flatMap((port) => (port.sandboxId === null ? [] : [port.sandboxId])));
		const groups = new Set(states.flatMap((port) => port.securityGroupIds));
		await this.#changes.mark(tx, {
			hosts,
			ports: states.map((port) => port.id),
			sandboxes: [...sandboxes],
			groupMembers: [...groups],
			names: named ? states.filter((port) => port.sandboxId !== null) : [],
		});
	}
}
