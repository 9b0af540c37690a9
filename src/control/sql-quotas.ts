import { sql } from 'kysely';
import { fail } from '../model/errors.ts';
import type { Queryable, StoreTransaction } from '../store/store.ts';
import { type QuotaResource, type Quotas, quotaResources } from './quotas.ts';

export type QuotaLimits = Readonly<Record<QuotaResource, number>>;
export type QuotaUsage = Readonly<Record<QuotaResource, number>>;

/**
 * Limits of projects. What a project uses is counted from what exists, within the transaction that adds to it: there is
 * no counter that could be wrong. −1 is no limit.
 */
export class SqlQuotas implements Quotas {
	readonly #defaults: QuotaLimits;

	/** `defaults` hold where neither the project nor the class `default` says otherwise. */
	constructor(defaults: QuotaLimits) {
		this.#defaults = defaults;
	}

	async check(
		tx: StoreTransaction,
		projectId: string,
		resources: readonly QuotaResource[],
		adding: Partial<Record<QuotaResource, number>> = {},
	): Promise<void> {
		const limits = await this.limits(tx, projectId);
		const limited = resources.filter((resource) => limits[resource] >= 0);
		if (limited.length === 0) return;
		const now = await this.usage(tx, projectId);
		const usage = Object.fromEntries(resources.map((name) => [name, now[name] + (adding[name] ?? 0)])) as Partial<QuotaUsage>;
		const over = limited.filter((resource) => (usage[resource] ?? 0) > limits[resource] + 1e-9);
		if (over.length === 0) return;
		const detail = over.map((resource) => `${resource}: ${usage[resource]} of ${limits[resource]}`).join('; ');
		throw fail('over-quota', `Quota exceeded for resources: ${JSON.stringify(over)} (with this request ${detail})`);
	}

	/** What the project uses now. */
	async usage(db: Queryable, projectId: string): Promise<QuotaUsage> {
		const { rows } = await sql<QuotaUsage>`select
			(select count(*) from sandbox where project_id = ${projectId}) as sandboxes,
			(select count(*) from container where project_id = ${projectId}) as containers,
			(select coalesce(sum(cpu), 0) from claim where project_id = ${projectId}) as cpu,
			(select coalesce(sum(memory_mib), 0) from claim where project_id = ${projectId}) as memory,
			(select coalesce(sum(disk_gib), 0) from claim where project_id = ${projectId}) as disk,
			(select count(*) from port where project_id = ${projectId})
				+ (select count(*) from server_port where project_id = ${projectId} and made = 1) as ports,
			(select count(*) from network where project_id = ${projectId}) as networks,
			(select count(*) from volume where project_id = ${projectId} and provider <> 'file') as volumes,
			(select coalesce(sum(size), 0) from volume where project_id = ${projectId} and provider <> 'file') as volume_gigabytes`.execute(db);
		const row = rows[0];
		if (row === undefined) throw new Error('a select without a from gave no row');
		return row;
	}

	/** The project's own limits over those of the class `default` over the configured ones. */
	async limits(db: Queryable, projectId: string): Promise<QuotaLimits> {
		const own = await db.selectFrom('quota').selectAll().where('project_id', '=', projectId).execute();
		return { ...(await this.defaults(db)), ...pick(own) };
	}

	/** Limits of a project that has none of its own. */
	async defaults(db: Queryable): Promise<QuotaLimits> {
		return await this.classLimits(db, 'default');
	}

	async classLimits(db: Queryable, className: string): Promise<QuotaLimits> {
		const rows = await db.selectFrom('quota_class').selectAll().where('class_name', '=', className).execute();
		return { ...this.#defaults, ...pick(rows) };
	}

	async setLimits(tx: StoreTransaction, projectId: string, limits: Partial<QuotaLimits>): Promise<void> {
		for (const [resource, hard_limit] of Object.entries(limits)) {
			await tx
				.insertInto('quota')
				.values({ project_id: projectId, resource, hard_limit })
				.onConflict((conflict) => conflict.columns(['project_id', 'resource']).doUpdateSet({ hard_limit }))
				.execute();
		}
	}

	async resetLimits(tx: StoreTransaction, projectId: string): Promise<void> {
		await tx.deleteFrom('quota').where('project_id', '=', projectId).execute();
	}

	async setClassLimits(tx: StoreTransaction, className: string, limits: Partial<QuotaLimits>): Promise<void> {
		for (const [resource, hard_limit] of Object.entries(limits)) {
			await tx
				.insertInto('quota_class')
				.values({ class_name: className, resource, hard_limit })
				.onConflict((conflict) => conflict.columns(['class_name', 'resource']).doUpdateSet({ hard_limit }))
				.execute();
		}
	}
}

function pick(rows: readonly { readonly resource: string; readonly hard_limit: number }[]): Partial<Record<QuotaResource, number>> {
	const limits: Partial<Record<QuotaResource, number>> = {};
	for (const resource of quotaResources) {
		const row = rows.find((candidate) => candidate.resource === resource);
		if (row !== undefined) limits[resource] = row.hard_limit;
	}
	return limits;
}
