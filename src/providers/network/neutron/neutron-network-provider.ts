import { failPoint } from '../../../faults/fail-point.ts';
import { fail } from '../../../model/errors.ts';
import type { Network, Port, PublishedPort } from '../../../model/network.ts';
import { failNetwork } from '../../../model/network-errors.ts';
import type { Principal } from '../../../model/principal.ts';
import type { HostNetworkSpec, PortSpec } from '../../../model/spec.ts';
import { deleteServerPort, giveServerWork, type ServerPortRow, serverPorts, updateServerPort } from '../../../store/servers.ts';
import type { Queryable, StoreTransaction } from '../../../store/store.ts';
import { parseExposedPort } from '../exposed-port.ts';
import type { NetworkProvider, NetworkResolver, RequestedNet, ResolvedNet, SandboxNetworkView } from '../network-provider.ts';
import * as views from './views.ts';

/** Nothing of these networks is made by the agent but the sandboxes' own ends: it is all the network service's. */
const nothingOnHosts: HostNetworkSpec = { version: 1, networks: [], securityGroups: [], publishedPorts: [] };

/**
 * Networks of an OpenStack. What is wanted of a sandbox's ports is written to its rows here, in the transaction that wants
 * it; the provisioner makes it true. The rows mirror the ports as they are, so that nobody who looks waits for another service.
 */
export class NeutronNetworkProvider implements NetworkProvider {
	readonly resolver: NetworkResolver;
	readonly version = nothingOnHosts.version;
	readonly #now: () => number;

	constructor(resolver: NetworkResolver, now: () => number = Date.now) {
		this.resolver = resolver;
		this.#now = now;
	}

	async initialize(): Promise<void> {}

	async attach(
		tx: StoreTransaction,
		_principal: Principal,
		sandbox: { readonly id: string; readonly projectId: string },
		nets: readonly RequestedNet[],
		groups: readonly string[] | null,
	): Promise<readonly Port[]> {
		const existing = await serverPorts(tx, sandbox.id);
		const shared = [...new Set(existing.flatMap((port) => views.groupIdsOf(port)))];
		const positions = existing.map(({ position }) => position);
		const networks = new Set(existing.filter(({ detaching }) => detaching === 0).map(({ network_id }) => network_id));
		for (const net of nets) {
			const resolved = requireResolved(net);
			if (networks.has(resolved.networkId)) throw fail('invalid', `The sandbox is already connected to network ${resolved.networkId}.`);
			networks.add(resolved.networkId);
			const position = positions.reduce((next, taken) => Math.max(next, taken + 1), 0);
			positions.push(position);
			const wanted = groups ?? (existing.length > 0 ? shared : null);
			await tx
				.insertInto('server_port')
				.values(await portRow(tx, sandbox, net, resolved, wanted, position, this.#now()))
				.execute();
		}
		await giveServerWork(tx, sandbox.id);
		failPoint('providers.network.attached');
		const rows = await serverPorts(tx, sandbox.id);
		return rows.filter(({ position }) => !existing.some((port) => port.position === position)).map(views.toPort);
	}

	async detach(
		tx: StoreTransaction,
		_principal: Principal,
		sandboxId: string,
		what: { readonly network?: string; readonly port?: string },
	): Promise<void> {
		const leaving = (await serverPorts(tx, sandboxId)).filter(
			(port) => port.detaching === 0 && (what.port === undefined ? port.network_id === what.network : port.port_id === what.port),
		);
		if (leaving.length === 0) {
			throw fail(
				'invalid',
				`The sandbox is not connected to ${what.port === undefined ? `network ${what.network}` : `port ${what.port}`}.`,
			);
		}
		for (const port of leaving) await updateServerPort(tx, port, { detaching: 1 });
		await giveServerWork(tx, sandboxId);
		failPoint('providers.network.detached');
	}

	async release(tx: StoreTransaction, sandboxId: string): Promise<void> {
		for (const port of await serverPorts(tx, sandboxId)) await deleteServerPort(tx, port);
		await tx.deleteFrom('server_group').where('sandbox_id', '=', sandboxId).execute();
	}

	async setHost(): Promise<void> {}

	async setActive(tx: StoreTransaction, sandboxId: string, activePortIds: readonly string[]): Promise<void> {
		for (const port of await serverPorts(tx, sandboxId)) {
			const active = port.port_id !== null && activePortIds.includes(port.port_id) ? 1 : 0;
			if (port.active !== active) await updateServerPort(tx, port, { active });
		}
	}

	async addSecurityGroup(tx: StoreTransaction, _principal: Principal, sandboxId: string, group: string): Promise<void> {
		const outside = (await serverPorts(tx, sandboxId)).filter((port) => port.secured === 1 && !views.groupIdsOf(port).includes(group));
		if (outside.length === 0)
			throw fail('invalid-value', `Security group ${group} is already attached, or there is no port to attach it to.`);
		for (const port of outside) await updateServerPort(tx, port, { security_groups: JSON.stringify([...views.groupIdsOf(port), group]) });
		await giveServerWork(tx, sandboxId);
	}

	async removeSecurityGroup(tx: StoreTransaction, _principal: Principal, sandboxId: string, group: string): Promise<void> {
		const inside = (await serverPorts(tx, sandboxId)).filter((port) => views.groupIdsOf(port).includes(group));
		if (inside.length === 0) throw fail('invalid-value', `Security group ${group} is not attached.`);
		for (const port of inside) {
			await updateServerPort(tx, port, { security_groups: JSON.stringify(views.groupIdsOf(port).filter((id) => id !== group)) });
		}
		await giveServerWork(tx, sandboxId);
	}

	/** The group is made later; its name is answered in place of its id. */
	async exposePorts(
		tx: StoreTransaction,
		_principal: Principal,
		container: { readonly id: string; readonly sandboxId: string },
		exposedPorts: readonly string[],
	): Promise<string> {
		const sandbox = await tx.selectFrom('sandbox').select('project_id').where('id', '=', container.sandboxId).executeTakeFirst();
		if (sandbox === undefined) throw fail('sandbox-not-found', `Sandbox ${container.sandboxId} could not be found.`);
		exposedPorts.map(parseExposedPort);
		await tx
			.insertInto('server_group')
			.values({
				container_id: container.id,
				sandbox_id: container.sandboxId,
				project_id: sandbox.project_id,
				group_id: null,
				exposed: JSON.stringify(exposedPorts),
				rules_made: 0,
				removing: 0,
				created_at: this.#now(),
			})
			.execute();
		await giveServerWork(tx, container.sandboxId);
		return `zunbox-${container.id}`;
	}

	async unexposePorts(tx: StoreTransaction, containerId: string): Promise<void> {
		const row = await tx.selectFrom('server_group').select('sandbox_id').where('container_id', '=', containerId).executeTakeFirst();
		if (row === undefined) return;
		await tx.updateTable('server_group').set({ removing: 1 }).where('container_id', '=', containerId).execute();
		await giveServerWork(tx, row.sandbox_id);
	}

	/** A host's own addresses are not the network service's to give away. */
	async publish(
		_tx: StoreTransaction,
		_principal: Principal,
		_sandboxId: string,
		ports: readonly Omit<PublishedPort, 'id' | 'sandboxId' | 'host'>[],
	): Promise<readonly PublishedPort[]> {
		if (ports.length === 0) return [];
		throw fail(
			'not-implemented',
			'Ports of hosts are not published where Neutron provides the networks: leave out published_ports, and give the sandbox a floating IP (openstack appcontainer add floating ip).',
		);
	}

	async views(db: Queryable, sandboxIds: readonly string[]): Promise<ReadonlyMap<string, SandboxNetworkView>> {
		return await views.sandboxViews(db, sandboxIds);
	}

	async portSpecs(db: Queryable, sandboxId: string): Promise<readonly PortSpec[]> {
		return views.portSpecs(await serverPorts(db, sandboxId));
	}

	/** Its own name. Those of others are the network service's business (its DNS). */
	async hostNames(
		db: Queryable,
		sandboxId: string,
		limit: number,
	): Promise<readonly { readonly address: string; readonly names: readonly string[] }[]> {
		const sandbox = await db.selectFrom('sandbox').select('hostname').where('id', '=', sandboxId).executeTakeFirst();
		if (sandbox === undefined) return [];
		const addresses = views.portSpecs(await serverPorts(db, sandboxId)).flatMap((port) => port.addresses);
		return addresses.slice(0, limit).map(({ address }) => ({ address, names: [sandbox.hostname] }));
	}

	async nameservers(db: Queryable, sandboxId: string): Promise<readonly string[]> {
		return views.nameservers(await serverPorts(db, sandboxId));
	}

	async hostSpec(): Promise<HostNetworkSpec> {
		return nothingOnHosts;
	}

	async findNetwork(_db: Queryable, principal: Principal, idOrName: string): Promise<Network> {
		// Only its id is asked for where no network of our own can be looked up.
		const id = await this.resolver.network(principal, idOrName, AbortSignal.timeout(30_000));
		return { ...unknownNetwork, id, name: idOrName, projectId: principal.projectId };
	}
}

const unknownNetwork: Omit<Network, 'id' | 'name' | 'projectId'> = {
	description: '',
	shared: false,
	isDefault: false,
	external: false,
	adminStateUp: true,
	mtu: 1500,
	portSecurityEnabled: true,
	createdAt: 0,
	updatedAt: 0,
};

function requireResolved(net: RequestedNet): ResolvedNet {
	if (net.resolved === undefined) throw new Error('a network was not looked up before the transaction');
	return net.resolved;
}

async function portRow(
	tx: StoreTransaction,
	sandbox: { readonly id: string; readonly projectId: string },
	net: RequestedNet,
	{ networkId, portSecurity, port }: ResolvedNet,
	groups: readonly string[] | null,
	position: number,
	now: number,
): Promise<ServerPortRow> {
	if (port !== null) await requireFree(tx, port.portId);
	const wantedGroups = !portSecurity ? [] : (groups ?? port?.groupIds ?? []);
	const addresses = [net.v4FixedIp, net.v6FixedIp].filter((address) => address !== undefined && address !== '');
	return {
		sandbox_id: sandbox.id,
		position,
		project_id: sandbox.projectId,
		network_id: networkId,
		port_id: port?.portId ?? null,
		made: port === null ? 1 : 0,
		asked: 0,
		wanted: JSON.stringify({ addresses, macAddress: net.macAddress ?? null }),
		secured: portSecurity ? 1 : 0,
		security_groups: JSON.stringify(wantedGroups),
		groups_set: port === null ? null : JSON.stringify([...port.groupIds].sort()),
		mac_address: port?.macAddress ?? null,
		fixed_ips: JSON.stringify(port?.fixedIps ?? []),
		attached: 0,
		binding: null,
		active: 0,
		detaching: 0,
		created_at: now,
	};
}

/** Of sandboxes that are only being made, the network service does not know yet. */
async function requireFree(tx: StoreTransaction, portId: string): Promise<void> {
	const taken = await tx.selectFrom('server_port').select('sandbox_id').where('port_id', '=', portId).executeTakeFirst();
	if (taken !== undefined) throw failNetwork('PortInUse', `Port ${portId} is in use by sandbox ${taken.sandbox_id}.`);
}
