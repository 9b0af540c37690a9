import type { Network } from '../../model/network.ts';
import { failNetwork } from '../../model/network-errors.ts';
import { isAdmin, type Principal } from '../../model/principal.ts';
import type { NetworkChange } from '../../providers/network/embedded/networks.ts';
import { networks, subnets } from '../../store/networks.ts';
import type { Queryable } from '../../store/store.ts';
import { type Collection, type CollectionFilter, type NetworkControlDeps, projectOf, requireAdmin, requireOwner } from './collection.ts';

export interface NetworkView extends Network {
	readonly subnetIds: readonly string[];
}

export interface CreateNetwork extends NetworkChange {
	readonly projectId?: string;
}

/** Smallest MTU that IPv6 allows, and largest that Linux bridges take. */
const mtuLimits = { smallest: 1280, largest: 65535 } as const;

export function networkCollection(deps: NetworkControlDeps): Collection<NetworkView, CreateNetwork, NetworkChange> {
	const { store, provider } = deps;
	return {
		list: async (principal, filter) => await views(store.db, await networks(store.db, visible(principal, filter))),
		show: async (principal, id) => await view(store.db, await visibleNetwork(store.db, principal, id)),
		create: async (principal, inputs) =>
			await store.transaction(async (tx) => {
				const created: Network[] = [];
				for (const input of inputs) {
					checkChange(principal, input);
					const projectId = projectOf(principal, input.projectId);
					const network = await provider.networks.create(tx, {
						name: input.name ?? '',
						projectId,
						description: input.description ?? '',
						shared: input.shared ?? false,
						isDefault: false,
						external: input.external ?? false,
						adminStateUp: input.adminStateUp ?? true,
						mtu: input.mtu ?? 1500,
						portSecurityEnabled: input.portSecurityEnabled ?? true,
					});
					created.push(network);
					await deps.quotas.check(tx, projectId, ['networks']);
				}
				return await views(tx, created);
			}),
		update: async (principal, id, change) =>
			await store.transaction(async (tx) => {
				const network = await visibleNetwork(tx, principal, id);
				requireOwner(principal, network);
				checkChange(principal, change, network);
				return await view(tx, await provider.networks.update(tx, network, change));
			}),
		delete: async (principal, id) =>
			await store.transaction(async (tx) => {
				const network = await visibleNetwork(tx, principal, id);
				requireOwner(principal, network);
				await provider.networks.remove(tx, network);
			}),
	};
}

/** A network that the principal owns or may use; throws NetworkNotFound. */
export async function visibleNetwork(db: Queryable, principal: Principal, id: string): Promise<Network> {
	const [network] = await networks(db, visible(principal, { ids: [id] }));
	if (network === undefined) throw failNetwork('NetworkNotFound', `Network ${id} could not be found.`);
	return network;
}

function visible(principal: Principal, filter: CollectionFilter) {
	return isAdmin(principal) ? filter : { ...filter, visibleTo: principal.projectId };
}

function checkChange(principal: Principal, change: NetworkChange, before?: Network): void {
	if ((change.shared ?? false) !== (before?.shared ?? false) && change.shared !== undefined) requireAdmin(principal, 'shared');
	if (change.external !== undefined && change.external !== (before?.external ?? false)) requireAdmin(principal, 'router:external');
	const { mtu } = change;
	if (mtu !== undefined && (mtu < mtuLimits.smallest || mtu > mtuLimits.largest)) {
		throw failNetwork('InvalidInput', `Invalid input for mtu. Reason: '${mtu}' is not from ${mtuLimits.smallest} to ${mtuLimits.largest}.`);
	}
}

async function views(db: Queryable, found: readonly Network[]): Promise<readonly NetworkView[]> {
	if (found.length === 0) return [];
	const byNetwork = Map.groupBy(await subnets(db, { networkIds: found.map((network) => network.id) }), (subnet) => subnet.networkId);
	return found.map((network) => ({ ...network, subnetIds: (byNetwork.get(network.id) ?? []).map((subnet) => subnet.id) }));
}

async function view(db: Queryable, network: Network): Promise<NetworkView> {
	const [seen] = await views(db, [network]);
	return seen ?? { ...network, subnetIds: [] };
}
