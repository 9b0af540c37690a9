import { failNetwork } from '../../model/network-errors.ts';
import { isAdmin, type Principal } from '../../model/principal.ts';
import type { EmbeddedNetworkProvider } from '../../providers/network/embedded/embedded-network-provider.ts';
import type { Store } from '../../store/store.ts';
import type { Quotas } from '../quotas.ts';

/** What narrows a list before it is read. Each is "one of"; a collection ignores those that its things do not have. */
export interface CollectionFilter {
	readonly ids?: readonly string[];
	readonly names?: readonly string[];
	readonly projectIds?: readonly string[];
	readonly networkIds?: readonly string[];
	readonly sandboxIds?: readonly string[];
	readonly macAddresses?: readonly string[];
	readonly securityGroupIds?: readonly string[];
}

/**
 * One kind of thing of the network API. What a principal may not see does not exist for him; what he sees and may not
 * change is PolicyNotAuthorized. Everything that is written is live: the agents concerned are woken after the commit.
 */
export interface Collection<View, Create, Update> {
	list(principal: Principal, filter: CollectionFilter): Promise<readonly View[]>;
	show(principal: Principal, id: string): Promise<View>;
	/** Makes all of them or none. */
	create(principal: Principal, inputs: readonly Create[]): Promise<readonly View[]>;
	update(principal: Principal, id: string, change: Update): Promise<View>;
	delete(principal: Principal, id: string): Promise<void>;
}

/** Limits of a project on what control's quotas do not count. */
export interface NetworkLimits {
	readonly subnets: number;
	readonly securityGroups: number;
	readonly securityGroupRules: number;
}

export const defaultNetworkLimits: NetworkLimits = { subnets: 200, securityGroups: 200, securityGroupRules: 2000 };

/** What the collections work with. */
export interface NetworkControlDeps {
	readonly store: Store;
	readonly provider: EmbeddedNetworkProvider;
	readonly quotas: Quotas;
	readonly limits: NetworkLimits;
}

/** The project that a new thing belongs to: only administrators make things for others. */
export function projectOf(principal: Principal, requested: string | undefined): string {
	if (requested === undefined || requested === principal.projectId) return principal.projectId;
	requireAdmin(principal, 'tenant_id');
	return requested;
}

/** What only administrators may say. */
export function requireAdmin(principal: Principal, attribute: string): void {
	if (!isAdmin(principal)) throw failNetwork('PolicyNotAuthorized', `Policy does not allow ${attribute} to be set.`);
}

/** Throws PolicyNotAuthorized for what the principal sees but does not own. */
export function requireOwner(principal: Principal, thing: { readonly id: string; readonly projectId: string }): void {
	if (!isAdmin(principal) && thing.projectId !== principal.projectId) {
		throw failNetwork('PolicyNotAuthorized', `Policy does not allow ${thing.id} to be changed by another project.`);
	}
}

/** The filter with what the principal may see of things that are nobody else's. */
export function ownOnly(principal: Principal, filter: CollectionFilter): CollectionFilter | null {
	if (isAdmin(principal)) return filter;
	if (filter.projectIds !== undefined && !filter.projectIds.includes(principal.projectId)) return null;
	return { ...filter, projectIds: [principal.projectId] };
}

export function overLimit(resource: string): Error {
	return failNetwork('OverQuota', `Quota exceeded for resources: ['${resource}'].`);
}
