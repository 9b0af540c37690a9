import type { StoreTransaction } from '../store/store.ts';

export const quotaResources = [
	'sandboxes',
	'containers',
	'cpu',
	'memory',
	'disk',
	'ports',
	'networks',
	'volumes',
	'volume_gigabytes',
] as const;
export type QuotaResource = (typeof quotaResources)[number];

/** Limits of projects, checked against what exists in the transaction that adds to it. */
export interface Quotas {
	/**
	 * Throws `over-quota` naming the resources when the project, with all that the transaction wrote so far, is over a
	 * limit of one of `resources`. To be called last in a transaction that creates. `adding`: what it is still to write,
	 * where that is so much that it is better refused before.
	 */
	check(
		tx: StoreTransaction,
		projectId: string,
		resources: readonly QuotaResource[],
		adding?: Partial<Record<QuotaResource, number>>,
	): Promise<void>;
}
