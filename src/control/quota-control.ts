import { fail } from '../model/errors.ts';
import { isAdmin, type Principal } from '../model/principal.ts';
import type { Deps } from './deps.ts';
import type { QuotaLimits, QuotaUsage, SqlQuotas } from './sql-quotas.ts';

/** Limits as administrators set them and projects see them. */
export class QuotaControl {
	readonly #store: Deps['store'];
	readonly #quotas: SqlQuotas;

	constructor(store: Deps['store'], quotas: SqlQuotas) {
		this.#store = store;
		this.#quotas = quotas;
	}

	/** A project sees its own; an administrator all. */
	async limits(principal: Principal, projectId: string): Promise<QuotaLimits> {
		this.#checkVisible(principal, projectId);
		return await this.#quotas.limits(this.#store.db, projectId);
	}

	async usage(principal: Principal, projectId: string): Promise<QuotaUsage> {
		this.#checkVisible(principal, projectId);
		return await this.#quotas.usage(this.#store.db, projectId);
	}

	/** What the project has when it was given no limits of its own. */
	async defaults(principal: Principal, projectId: string): Promise<QuotaLimits> {
		this.#checkVisible(principal, projectId);
		return await this.#quotas.defaults(this.#store.db);
	}

	async update(projectId: string, limits: Partial<QuotaLimits>): Promise<QuotaLimits> {
		await this.#store.transaction((tx) => this.#quotas.setLimits(tx, projectId, limits));
		return await this.#quotas.limits(this.#store.db, projectId);
	}

	async reset(projectId: string): Promise<void> {
		await this.#store.transaction((tx) => this.#quotas.resetLimits(tx, projectId));
	}

	async classLimits(className: string): Promise<QuotaLimits> {
		return await this.#quotas.classLimits(this.#store.db, className);
	}

	async updateClass(className: string, limits: Partial<QuotaLimits>): Promise<QuotaLimits> {
		await this.#store.transaction((tx) => this.#quotas.setClassLimits(tx, className, limits));
		return await this.#quotas.classLimits(this.#store.db, className);
	}

	#checkVisible(principal: Principal, projectId: string): void {
		if (principal.projectId !== projectId && !isAdmin(principal))
			throw fail('project-not-found', `Project ${projectId} could not be found.`);
	}
}
