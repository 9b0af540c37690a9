import { failPoint } from '../../../faults/fail-point.ts';
import { fail } from '../../../model/errors.ts';
import type { Network, Port } from '../../../model/network.ts';
import { failNetwork } from '../../../model/network-errors.ts';
import { isAdmin, type Principal } from '../../../model/principal.ts';
import { networks, subnets } from '../../../store/networks.ts';
import { ports } from '../../../store/ports.ts';
import type { StoreTransaction } from '../../../store/store.ts';
import type { RequestedNet } from '../network-provider.ts';
import { findNetwork, findPort, findSecurityGroup } from './lookup.ts';
import { anyAddresses, type Ports, type RequestedAddress } from './ports.ts';
import type { SecurityGroups } from './security-groups.ts';

export interface AttachedSandbox {
	readonly id: string;
	readonly host: string | null;
	readonly projectId: string;
}

/** The ports of sandboxes: which they get, how they come and go. */
export class SandboxPorts {
	readonly #ports: Ports;
	readonly #groups: SecurityGroups;

	constructor(portsOfNetworks: Ports, groups: SecurityGroups) {
		this.#ports = portsOfNetworks;
		this.#groups = groups;
	}

	async attach(
		tx: StoreTransaction,
		principal: Principal,
		sandbox: AttachedSandbox,
		nets: readonly RequestedNet[],
		securityGroups: readonly string[] | null,
	): Promise<readonly Port[]> {
		const existing = await ports(tx, { sandboxIds: [sandbox.id] });
		const groupIds = await this.#groupIds(tx, sandbox, existing, securityGroups);
		const wanted = nets.length > 0 ? nets : [{ network: (await defaultNetwork(tx, sandbox.projectId)).id }];
		const attached: Port[] = [];
		for (const net of wanted) {
			const all = [...existing, ...attached];
			const position = all.reduce((next, port) => Math.max(next, port.position + 1), 0);
			const port =
				net.port === undefined
					? await this.#create(tx, principal, sandbox, net, all, groupIds, position)
					: await this.#take(tx, principal, sandbox, net.port, all, securityGroups === null ? null : groupIds, position);
			attached.push(port);
		}
		failPoint('providers.network.attached');
		return attached;
	}

	async detach(
		tx: StoreTransaction,
		principal: Principal,
		sandboxId: string,
		what: { readonly network?: string; readonly port?: string },
	): Promise<void> {
		const attached = await ports(tx, { sandboxIds: [sandboxId] });
		const matches = await this.#matcher(tx, principal, what);
		const leaving = attached.filter(matches);
		if (leaving.length === 0) {
			throw fail(
				'invalid',
				`The sandbox is not connected to ${what.port === undefined ? `network ${what.network}` : `port ${what.port}`}.`,
			);
		}
		await this.letGo(tx, leaving);
	}

	/** Deletes ports that were made with their sandbox and detaches those that users made. */
	async letGo(tx: StoreTransaction, leaving: readonly Port[]): Promise<void> {
		await this.#ports.remove(
			tx,
			leaving.filter((port) => !port.preserveOnDelete),
		);
		for (const port of leaving.filter((candidate) => candidate.preserveOnDelete)) {
			await this.#ports.change(tx, port, { sandboxId: null, host: null, position: 0, status: 'DOWN' });
		}
		failPoint('providers.network.detached');
	}

	async addGroup(tx: StoreTransaction, sandbox: AttachedSandbox, group: string): Promise<void> {
		const { id } = await this.#findGroup(tx, sandbox.projectId, group);
		const outside = (await ports(tx, { sandboxIds: [sandbox.id] })).filter((port) => !port.securityGroupIds.includes(id));
		if (outside.length === 0)
			throw fail('invalid-value', `Security group ${group} is already attached, or there is no port to attach it to.`);
		for (const port of outside) await this.#ports.change(tx, port, { securityGroupIds: [...port.securityGroupIds, id] });
	}

	async removeGroup(tx: StoreTransaction, sandbox: AttachedSandbox, group: string): Promise<void> {
		const { id } = await this.#findGroup(tx, sandbox.projectId, group);
		const inside = (await ports(tx, { sandboxIds: [sandbox.id] })).filter((port) => port.securityGroupIds.includes(id));
		if (inside.length === 0) throw fail('invalid-value', `Security group ${group} is not attached.`);
		for (const port of inside) {
			await this.#ports.change(tx, port, { securityGroupIds: port.securityGroupIds.filter((other) => other !== id) });
		}
	}

	/** Without groups asked for: those that the sandbox's ports have together, else the project's default one. */
	async #groupIds(
		tx: StoreTransaction,
		sandbox: AttachedSandbox,
		existing: readonly Port[],
		requested: readonly string[] | null,
	): Promise<readonly string[]> {
		if (requested !== null) {
			const ids: string[] = [];
			for (const group of requested) ids.push((await this.#findGroup(tx, sandbox.projectId, group)).id);
			return [...new Set(ids)];
		}
		if (existing.length > 0) return [...new Set(existing.flatMap((port) => port.securityGroupIds))];
		return [(await this.#groups.ensureDefault(tx, sandbox.projectId)).id];
	}

	async #findGroup(tx: StoreTransaction, projectId: string, group: string) {
		return group === 'default' ? await this.#groups.ensureDefault(tx, projectId) : await findSecurityGroup(tx, projectId, group);
	}

	async #create(
		tx: StoreTransaction,
		principal: Principal,
		sandbox: AttachedSandbox,
		net: RequestedNet,
		existing: readonly Port[],
		groupIds: readonly string[],
		position: number,
	): Promise<Port> {
		const network = net.network === undefined ? await defaultNetwork(tx, sandbox.projectId) : await findNetwork(tx, principal, net.network);
		requireUsable(network, principal, sandbox);
		requireNewNetwork(existing, network.id);
		if ((await subnets(tx, { networkIds: [network.id] })).length === 0) {
			throw fail('invalid-value', `Network ${network.id} has no subnet, so its ports have no addresses: make a subnet first.`);
		}
		return await this.#ports.create(tx, {
			network,
			projectId: sandbox.projectId,
			name: '',
			description: '',
			macAddress: net.macAddress ?? null,
			addresses: requestedAddresses(net),
			securityGroupIds: network.portSecurityEnabled ? groupIds : [],
			portSecurityEnabled: network.portSecurityEnabled,
			allowedAddressPairs: [],
			adminStateUp: true,
			sandboxId: sandbox.id,
			position,
			preserveOnDelete: false,
			host: sandbox.host,
		});
	}

	async #take(
		tx: StoreTransaction,
		principal: Principal,
		sandbox: AttachedSandbox,
		ref: string,
		existing: readonly Port[],
		groupIds: readonly string[] | null,
		position: number,
	): Promise<Port> {
		const port = await findPort(tx, principal, ref);
		if (port.projectId !== sandbox.projectId)
			throw fail('port-not-usable', `Port ${port.id} is not usable: it belongs to another project.`);
		if (port.sandboxId !== null) throw failNetwork('PortInUse', `Port ${port.id} is in use by sandbox ${port.sandboxId}.`);
		requireNewNetwork(existing, port.networkId);
		const groups = groupIds === null || !port.portSecurityEnabled ? {} : { securityGroupIds: groupIds };
		return await this.#ports.change(tx, port, { ...groups, sandboxId: sandbox.id, host: sandbox.host, position });
	}

	async #matcher(tx: StoreTransaction, principal: Principal, what: { readonly network?: string; readonly port?: string }) {
		if (what.port !== undefined) {
			const { id } = await findPort(tx, principal, what.port);
			return (port: Port) => port.id === id;
		}
		const { id } = await findNetwork(tx, principal, what.network ?? '');
		return (port: Port) => port.networkId === id;
	}
}

/** What a sandbox gets that asks for nothing: the project's own network made first, else the default one, else a shared one. */
async function defaultNetwork(tx: StoreTransaction, projectId: string): Promise<Network> {
	const visible = await networks(tx, { visibleTo: projectId });
	const network =
		visible.find((candidate) => candidate.projectId === projectId && !candidate.isDefault) ??
		visible.find((candidate) => candidate.isDefault) ??
		visible[0];
	if (network === undefined) throw fail('conflict', 'There is no network to connect to: make one first.');
	return network;
}

function requireUsable(network: Network, principal: Principal, sandbox: AttachedSandbox): void {
	if (network.shared || network.projectId === sandbox.projectId) return;
	if (network.external && !isAdmin(principal)) {
		throw fail('external-network-attach-forbidden', `It is not allowed to create an interface on external network ${network.id}.`);
	}
	if (!isAdmin(principal)) throw failNetwork('NetworkNotFound', `Network ${network.id} could not be found.`);
}

/** One interface on a network: a second one there would answer for the first. */
function requireNewNetwork(existing: readonly Port[], networkId: string): void {
	if (existing.some((port) => port.networkId === networkId)) {
		throw fail('invalid', `The sandbox is already connected to network ${networkId}.`);
	}
}

function requestedAddresses(net: RequestedNet): readonly RequestedAddress[] {
	const chosen: RequestedAddress[] = [];
	if (net.v4FixedIp !== undefined && net.v4FixedIp !== '') chosen.push({ version: 4, ipAddress: net.v4FixedIp });
	if (net.v6FixedIp !== undefined && net.v6FixedIp !== '') chosen.push({ version: 6, ipAddress: net.v6FixedIp });
	const families = chosen.map((address) => address.version);
	return [...chosen, ...anyAddresses.filter((address) => !families.includes(address.version))];
}
