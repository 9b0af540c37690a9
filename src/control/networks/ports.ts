import { formatCidr, formatIp, parseCidr, parseIp } from '../../model/ip.ts';
import { canonicalMac } from '../../model/mac.ts';
import type { Network, Port } from '../../model/network.ts';
import { failNetwork } from '../../model/network-errors.ts';
import { isAdmin, type Principal } from '../../model/principal.ts';
import { anyAddresses, type RequestedAddress } from '../../providers/network/embedded/ports.ts';
import { networks } from '../../store/networks.ts';
import { ports } from '../../store/ports.ts';
import { sandboxRow } from '../../store/sandboxes.ts';
import { securityGroups } from '../../store/security-groups.ts';
import type { Queryable, StoreTransaction } from '../../store/store.ts';
import { type Collection, type NetworkControlDeps, ownOnly, projectOf } from './collection.ts';
import { visibleNetwork } from './networks.ts';

/** What of a port can be said at its making and changed later. undefined = as it is, or as it is by default. */
export interface PortChange {
	readonly name?: string;
	readonly description?: string;
	readonly macAddress?: string;
	/** [] = none. */
	readonly fixedIps?: readonly RequestedAddress[];
	/** Ids. */
	readonly securityGroups?: readonly string[];
	readonly portSecurityEnabled?: boolean;
	readonly allowedAddressPairs?: Port['allowedAddressPairs'];
	readonly adminStateUp?: boolean;
}

export interface CreatePort extends PortChange {
	readonly networkId: string;
	readonly projectId?: string;
}

/** Ports of other projects do not exist for a project, also on networks that it shares with them. */
export function portCollection(deps: NetworkControlDeps): Collection<Port, CreatePort, PortChange> {
	const { store, provider } = deps;
	return {
		list: async (principal, filter) => {
			const own = ownOnly(principal, filter);
			return own === null ? [] : await ports(store.db, own);
		},
		show: async (principal, id) => await visiblePort(store.db, principal, id),
		create: async (principal, inputs) =>
			await store.transaction(async (tx) => {
				const created: Port[] = [];
				for (const input of inputs) {
					created.push(await createPort(deps, tx, principal, input));
				}
				return created;
			}),
		update: async (principal, id, change) =>
			await store.transaction(async (tx) => {
				const port = await visiblePort(tx, principal, id);
				const [network] = await networks(tx, { ids: [port.networkId] });
				if (network === undefined) throw new Error(`port ${id} is on no network`);
				checkTrust(principal, network, change);
				const security = await securityOf(deps, tx, port.projectId, change, port);
				const addresses =
					change.fixedIps === undefined
						? port.fixedIps
						: await provider.ports.resolveAddresses(tx, network.id, change.fixedIps, port.fixedIps);
				return await provider.ports.change(tx, port, {
					name: change.name ?? port.name,
					description: change.description ?? port.description,
					macAddress: await newMac(deps, tx, port, change.macAddress),
					fixedIps: addresses,
					adminStateUp: change.adminStateUp ?? port.adminStateUp,
					...security,
				});
			}),
		delete: async (principal, id) =>
			await store.transaction(async (tx) => {
				const port = await visiblePort(tx, principal, id);
				await requireDetachable(tx, port);
				await provider.ports.remove(tx, [port]);
			}),
	};
}

async function createPort(deps: NetworkControlDeps, tx: StoreTransaction, principal: Principal, input: CreatePort): Promise<Port> {
	const network = await visibleNetwork(tx, principal, input.networkId);
	const projectId = projectOf(principal, input.projectId);
	checkTrust(principal, network, input);
	const security = await securityOf(deps, tx, projectId, input, {
		portSecurityEnabled: network.portSecurityEnabled,
		securityGroupIds: network.portSecurityEnabled ? [(await deps.provider.securityGroups.ensureDefault(tx, projectId)).id] : [],
		allowedAddressPairs: [],
	});
	const port = await deps.provider.ports.create(tx, {
		network,
		projectId,
		name: input.name ?? '',
		description: input.description ?? '',
		macAddress: input.macAddress ?? null,
		addresses: input.fixedIps ?? anyAddresses,
		adminStateUp: input.adminStateUp ?? true,
		sandboxId: null,
		position: 0,
		preserveOnDelete: true,
		host: null,
		...security,
	});
	await deps.quotas.check(tx, projectId, ['ports']);
	return port;
}

async function visiblePort(db: Queryable, principal: Principal, id: string): Promise<Port> {
	const own = ownOnly(principal, { ids: [id] });
	const [port] = own === null ? [] : await ports(db, own);
	if (port === undefined) throw failNetwork('PortNotFound', `Port ${id} could not be found.`);
	return port;
}

/** Who could pass for another on the network must own it. */
function checkTrust(principal: Principal, network: Network, change: PortChange): void {
	if (isAdmin(principal) || network.projectId === principal.projectId) return;
	if ((change.allowedAddressPairs ?? []).length > 0) {
		throw failNetwork('PolicyNotAuthorized', 'Policy does not allow allowed_address_pairs on a network of another project.');
	}
	if (change.portSecurityEnabled !== undefined && change.portSecurityEnabled !== network.portSecurityEnabled) {
		throw failNetwork('PolicyNotAuthorized', 'Policy does not allow port_security_enabled on a network of another project.');
	}
}

type Security = Pick<Port, 'portSecurityEnabled' | 'securityGroupIds' | 'allowedAddressPairs'>;

async function securityOf(
	deps: NetworkControlDeps,
	tx: StoreTransaction,
	projectId: string,
	change: PortChange,
	before: Security,
): Promise<Security> {
	const portSecurityEnabled = change.portSecurityEnabled ?? before.portSecurityEnabled;
	const wasSwitchedOn = portSecurityEnabled && !before.portSecurityEnabled && change.securityGroups === undefined;
	const kept = wasSwitchedOn ? [(await deps.provider.securityGroups.ensureDefault(tx, projectId)).id] : before.securityGroupIds;
	const wanted = change.securityGroups === undefined ? kept : await checkedGroups(tx, projectId, change.securityGroups);
	const pairs = change.allowedAddressPairs === undefined ? before.allowedAddressPairs : change.allowedAddressPairs.map(checkedPair);
	if (!portSecurityEnabled && ((change.securityGroups ?? []).length > 0 || pairs.length > 0)) {
		throw failNetwork(
			'PortSecurityAndIPRequiredForSecurityGroups',
			'Port security must be enabled in order to have allowed address pairs and security groups on a port.',
		);
	}
	return { portSecurityEnabled, securityGroupIds: portSecurityEnabled ? wanted : [], allowedAddressPairs: pairs };
}

async function checkedGroups(tx: StoreTransaction, projectId: string, ids: readonly string[]): Promise<readonly string[]> {
	const distinct = [...new Set(ids)];
	const known = new Set((await securityGroups(tx, { projectIds: [projectId], ids: distinct })).map((group) => group.id));
	const unknown = distinct.find((id) => !known.has(id));
	if (unknown !== undefined) throw failNetwork('SecurityGroupNotFound', `Security group ${unknown} does not exist.`);
	return distinct;
}

function checkedPair(pair: Port['allowedAddressPairs'][number]): Port['allowedAddressPairs'][number] {
	const ip = parseIp(pair.ipAddress);
	const cidr = parseCidr(pair.ipAddress);
	const macAddress = pair.macAddress === null ? null : canonicalMac(pair.macAddress);
	if (cidr === null || (pair.macAddress !== null && macAddress === null)) {
		throw failNetwork(
			'InvalidInput',
			`Invalid input for allowed_address_pairs. Reason: '${pair.ipAddress}' or its MAC address is not valid.`,
		);
	}
	return { ipAddress: ip === null ? formatCidr(cidr) : formatIp(ip), macAddress };
}

async function newMac(deps: NetworkControlDeps, tx: StoreTransaction, port: Port, requested: string | undefined): Promise<string> {
	if (requested === undefined || canonicalMac(requested) === port.macAddress) return port.macAddress;
	if (port.sandboxId !== null) {
		throw failNetwork(
			'PortBound',
			`Unable to complete operation on port ${port.id}, port is already bound, port type: bridge, old_mac ${port.macAddress}, new_mac ${requested}.`,
		);
	}
	return await deps.provider.ports.claimMac(tx, port.networkId, requested);
}

/** A sandbox that is being made or removed keeps its ports until it is done. */
async function requireDetachable(tx: StoreTransaction, port: Port): Promise<void> {
	if (port.sandboxId === null) return;
	const sandbox = await sandboxRow(tx, port.sandboxId);
	if (sandbox === undefined || sandbox.status === 'Creating' || sandbox.status === 'Deleting' || sandbox.desired_status === 'Deleted') {
		throw failNetwork(
			'PortInUse',
			`Unable to complete operation on port ${port.id} for network ${port.networkId}. Port already has an attached device ${port.sandboxId}.`,
		);
	}
}
