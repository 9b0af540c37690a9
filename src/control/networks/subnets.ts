import type { Subnet } from '../../model/network.ts';
import { failNetwork } from '../../model/network-errors.ts';
import { isAdmin, type Principal } from '../../model/principal.ts';
import type { NewSubnet, SubnetChange } from '../../providers/network/embedded/networks.ts';
import { subnets } from '../../store/networks.ts';
import type { Queryable } from '../../store/store.ts';
import { type Collection, type CollectionFilter, type NetworkControlDeps, overLimit, projectOf, requireOwner } from './collection.ts';
import { visibleNetwork } from './networks.ts';

export interface CreateSubnet extends Omit<NewSubnet, 'projectId'> {
	readonly networkId: string;
	readonly projectId?: string;
}

export function subnetCollection(deps: NetworkControlDeps): Collection<Subnet, CreateSubnet, SubnetChange> {
	const { store, provider } = deps;
	return {
		list: async (principal, filter) => await subnets(store.db, visible(principal, filter)),
		show: async (principal, id) => await visibleSubnet(store.db, principal, id),
		create: async (principal, inputs) =>
			await store.transaction(async (tx) => {
				const created: Subnet[] = [];
				for (const { networkId, projectId, ...input } of inputs) {
					const network = await visibleNetwork(tx, principal, networkId);
					requireOwner(principal, network);
					// As in Neutron, an administrator's subnet of a project's network is that project's.
					const owner = projectId === undefined && isAdmin(principal) ? network.projectId : projectOf(principal, projectId);
					created.push(await provider.networks.createSubnet(tx, network, { ...input, projectId: owner }));
					const all = await subnets(tx, { projectIds: [owner] });
					if (all.length > deps.limits.subnets) throw overLimit('subnet');
				}
				return created;
			}),
		update: async (principal, id, change) =>
			await store.transaction(async (tx) => {
				const subnet = await visibleSubnet(tx, principal, id);
				requireOwner(principal, subnet);
				return await provider.networks.updateSubnet(tx, subnet, change);
			}),
		delete: async (principal, id) =>
			await store.transaction(async (tx) => {
				const subnet = await visibleSubnet(tx, principal, id);
				requireOwner(principal, subnet);
				await provider.networks.removeSubnet(tx, subnet);
			}),
	};
}

async function visibleSubnet(db: Queryable, principal: Principal, id: string): Promise<Subnet> {
	const [subnet] = await subnets(db, visible(principal, { ids: [id] }));
	if (subnet === undefined) throw failNetwork('SubnetNotFound', `Subnet ${id} could not be found.`);
	return subnet;
}

function visible(principal: Principal, filter: CollectionFilter) {
	return isAdmin(principal) ? filter : { ...filter, visibleTo: principal.projectId };
}
