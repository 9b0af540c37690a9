import { randomBytes } from 'node:crypto';
import { fail } from '../../../model/errors.ts';
import type { Network, Port, PublishedPort } from '../../../model/network.ts';
import type { Principal } from '../../../model/principal.ts';
import type { HostNetworkSpec, PortSpec } from '../../../model/spec.ts';
import { networks } from '../../../store/networks.ts';
import { ports } from '../../../store/ports.ts';
import { securityGroups } from '../../../store/security-groups.ts';
import type { Queryable, Store, StoreTransaction } from '../../../store/store.ts';
import { parseExposedPort } from '../exposed-port.ts';
import type { NetworkProvider, RequestedNet, SandboxNetworkView } from '../network-provider.ts';
import { ChangeNotifier, type NetworkChange } from './change-notifier.ts';
import { NetworkChanges } from './changes.ts';
import { HostSpecs } from './host-spec.ts';
import { AddressAllocator } from './ipam.ts';
import { findNetwork } from './lookup.ts';
import { defaultNameRefresherOptions, NameRefresher, type NameRefresherOptions } from './name-refresher.ts';
import { NeighbourNames } from './neighbour-names.ts';
import { Networks } from './networks.ts';
import { Ports } from './ports.ts';
import { type HostListeners, PublishedPorts, type PublishRange } from './published-ports.ts';
import { type AttachedSandbox, SandboxPorts } from './sandbox-ports.ts';
import { SecurityGroups } from './security-groups.ts';
import * as views from './views.ts';

export interface EmbeddedNetworkOptions {
	/** The `default` network, as it is made at the first start. */
	readonly defaultNetwork: {
		readonly cidr: string;
		/** `auto` = a random unique local prefix; null = no IPv6. */
		readonly cidr6: string | null;
		readonly mtu: number;
		/** Project that it belongs to. */
		readonly projectId: string;
	};
	readonly publish: PublishRange;
	/** What processes of a host listen at; without it, nothing does. Asked inside transactions: it must answer soon, and not fail. */
	readonly listeners?: HostListeners;
	readonly names?: NameRefresherOptions;
}

/** Called after each commit that changed networks, with the agents that must be woken for it. */
export type OnNetworkChange = (change: NetworkChange) => void;

/** Networks of our own: everything is in the store, and the agents render it on their hosts. */
export class EmbeddedNetworkProvider implements NetworkProvider {
	/** The parts, for the network API. */
	readonly networks: Networks;
	readonly ports: Ports;
	readonly securityGroups: SecurityGroups;
	readonly #options: EmbeddedNetworkOptions;
	readonly #changes: NetworkChanges;
	readonly #sandboxPorts: SandboxPorts;
	readonly #published: PublishedPorts;
	readonly #hostSpecs: HostSpecs;
	readonly #names: NeighbourNames;

	constructor(store: Store, options: EmbeddedNetworkOptions, onChange: OnNetworkChange, now: () => number = Date.now) {
		this.#options = options;
		const clock = growingClock(now);
		this.#changes = new NetworkChanges(store);
		this.#hostSpecs = new HostSpecs(this.#changes);
		this.#names = new NeighbourNames(this.#changes);
		this.networks = new Networks(this.#changes, clock);
		this.ports = new Ports(this.#changes, new AddressAllocator(), clock);
		this.securityGroups = new SecurityGroups(this.#changes, clock);
		this.#sandboxPorts = new SandboxPorts(this.ports, this.securityGroups);
		this.#published = new PublishedPorts(this.#changes, options.publish, options.listeners ?? (async () => []));
		new ChangeNotifier(store, this.#changes, onChange);
		new NameRefresher(store, this.#changes, options.names ?? defaultNameRefresherOptions, (sandboxes) =>
			onChange({ hosts: [], sandboxes }),
		);
	}

	get version(): number {
		return this.#changes.version;
	}

	async initialize(tx: StoreTransaction): Promise<void> {
		if ((await networks(tx, {})).some((network) => network.isDefault)) return;
		const { cidr, cidr6, mtu, projectId } = this.#options.defaultNetwork;
		const network = await this.networks.create(tx, {
			name: 'default',
			projectId,
			description: 'Shared by all projects, with a way out',
			shared: true,
			isDefault: true,
			external: true,
			adminStateUp: true,
			mtu,
			portSecurityEnabled: true,
		});
		const common = { projectId, description: '', dnsNameservers: [], hostRoutes: [], enableDhcp: false };
		await this.networks.createSubnet(tx, network, { ...common, name: 'default-v4', cidr });
		const block = cidr6 === 'auto' ? randomUniqueLocalPrefix() : cidr6;
		if (block !== null) await this.networks.createSubnet(tx, network, { ...common, name: 'default-v6', cidr: block });
	}

	async attach(
		tx: StoreTransaction,
		principal: Principal,
		sandbox: AttachedSandbox,
		nets: readonly RequestedNet[],
		groups: readonly string[] | null,
	): Promise<readonly Port[]> {
		return await this.#sandboxPorts.attach(tx, principal, sandbox, nets, groups);
	}

	async detach(
		tx: StoreTransaction,
		principal: Principal,
		sandboxId: string,
		what: { readonly network?: string; readonly port?: string },
	): Promise<void> {
		await this.#sandboxPorts.detach(tx, principal, sandboxId, what);
	}

	async release(tx: StoreTransaction, sandboxId: string): Promise<void> {
		await this.#published.drop(tx, sandboxId);
		await this.#sandboxPorts.letGo(tx, await ports(tx, { sandboxIds: [sandboxId] }));
		const containers = await tx.selectFrom('container').select('id').where('sandbox_id', '=', sandboxId).execute();
		for (const container of containers) await this.unexposePorts(tx, container.id);
	}

	async setHost(tx: StoreTransaction, sandboxId: string, host: string | null): Promise<void> {
		for (const port of await ports(tx, { sandboxIds: [sandboxId] })) {
			if (port.host !== host) await this.ports.change(tx, port, { host, status: 'DOWN' });
		}
		await this.#published.move(tx, sandboxId, host);
	}

	async setActive(tx: StoreTransaction, sandboxId: string, activePortIds: readonly string[]): Promise<void> {
		for (const port of await ports(tx, { sandboxIds: [sandboxId] })) {
			const status = activePortIds.includes(port.id) && port.adminStateUp ? 'ACTIVE' : 'DOWN';
			// No host is told a port's status, so this is not a change of what they hold.
			if (port.status !== status) await tx.updateTable('port').set({ status }).where('id', '=', port.id).execute();
		}
	}

	async addSecurityGroup(tx: StoreTransaction, _principal: Principal, sandboxId: string, group: string): Promise<void> {
		await this.#sandboxPorts.addGroup(tx, await sandboxOf(tx, sandboxId), group);
	}

	async removeSecurityGroup(tx: StoreTransaction, _principal: Principal, sandboxId: string, group: string): Promise<void> {
		await this.#sandboxPorts.removeGroup(tx, await sandboxOf(tx, sandboxId), group);
	}

	async exposePorts(
		tx: StoreTransaction,
		_principal: Principal,
		container: { readonly id: string; readonly sandboxId: string },
		exposedPorts: readonly string[],
	): Promise<string> {
		const sandbox = await sandboxOf(tx, container.sandboxId);
		const wanted = exposedPorts.map(parseExposedPort);
		const group = await this.securityGroups.create(tx, {
			projectId: sandbox.projectId,
			name: `zunbox-${container.id}`,
			description: `Opens the exposed ports of container ${container.id}`,
			ownerContainerId: container.id,
		});
		const distinct = new Map(wanted.map((wish) => [`${wish.port}/${wish.protocol}`, wish]));
		await this.securityGroups.openPorts(tx, group, [...distinct.values()]);
		for (const port of await ports(tx, { sandboxIds: [container.sandboxId] })) {
			if (port.portSecurityEnabled) await this.ports.change(tx, port, { securityGroupIds: [...port.securityGroupIds, group.id] });
		}
		return group.id;
	}

	async unexposePorts(tx: StoreTransaction, containerId: string): Promise<void> {
		for (const group of await securityGroups(tx, { ownerContainerIds: [containerId] })) {
			for (const port of await ports(tx, { securityGroupIds: [group.id] })) {
				await this.ports.change(tx, port, { securityGroupIds: port.securityGroupIds.filter((id) => id !== group.id) });
			}
			await this.securityGroups.remove(tx, group);
		}
	}

	async publish(
		tx: StoreTransaction,
		principal: Principal,
		sandboxId: string,
		wishes: readonly Omit<PublishedPort, 'id' | 'sandboxId' | 'host'>[],
	): Promise<readonly PublishedPort[]> {
		return await this.#published.replace(tx, principal, await sandboxOf(tx, sandboxId), wishes);
	}

	async views(db: Queryable, sandboxIds: readonly string[]): Promise<ReadonlyMap<string, SandboxNetworkView>> {
		return await views.sandboxViews(db, sandboxIds);
	}

	async portSpecs(db: Queryable, sandboxId: string): Promise<readonly PortSpec[]> {
		return await views.portSpecs(db, sandboxId);
	}

	async hostNames(
		db: Queryable,
		sandboxId: string,
		limit: number,
	): Promise<readonly { readonly address: string; readonly names: readonly string[] }[]> {
		return await this.#names.of(db, sandboxId, limit);
	}

	async nameservers(db: Queryable, sandboxId: string): Promise<readonly string[]> {
		return await views.nameservers(db, sandboxId);
	}

	async hostSpec(db: Queryable, hostname: string): Promise<HostNetworkSpec> {
		return await this.#hostSpecs.spec(db, hostname);
	}

	async findNetwork(db: Queryable, principal: Principal, idOrName: string): Promise<Network> {
		return await findNetwork(db, principal, idOrName);
	}
}

async function sandboxOf(tx: StoreTransaction, id: string): Promise<AttachedSandbox> {
	const row = await tx.selectFrom('sandbox').select(['id', 'host', 'project_id']).where('id', '=', id).executeTakeFirst();
	if (row === undefined) throw fail('sandbox-not-found', `Sandbox ${id} could not be found.`);
	return { id: row.id, host: row.host, projectId: row.project_id };
}

/** A /64 of the range that everybody may use for himself, with 40 random bits and 16 zeros before the hosts' part. */
function randomUniqueLocalPrefix(): string {
	const random = randomBytes(5).toString('hex');
	return `fd${random.slice(0, 2)}:${random.slice(2, 6)}:${random.slice(6, 10)}::/64`;
}

/** Never gives a time twice, so that what was made first is known by its time. */
function growingClock(now: () => number): () => number {
	let last = 0;
	return () => {
		last = Math.max(now(), last + 1);
		return last;
	};
}
