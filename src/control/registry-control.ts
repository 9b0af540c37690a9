import { fail } from '../model/errors.ts';
import { newId } from '../model/ids.ts';
import { isAdmin, type Principal } from '../model/principal.ts';
import type { Deps } from './deps.ts';
import { findRegistry, type RegistryRow } from './sql-registries.ts';
import type { Sealer } from './sql-volumes.ts';

export interface RegistryInput {
	readonly name?: string;
	readonly domain: string;
	readonly username: string;
	readonly password: string;
}

/** A registry as it may be shown: its password never is. */
export type RegistryView = Omit<RegistryRow, 'password'>;

/** Credentials of private registries, as resources. */
export class RegistryControl {
	readonly #deps: Deps;
	readonly #secrets: Sealer;

	constructor(deps: Deps, secrets: Sealer) {
		this.#deps = deps;
		this.#secrets = secrets;
	}

	async create(principal: Principal, input: RegistryInput): Promise<RegistryView> {
		const id = newId();
		const now = this.#deps.now();
		const row: RegistryRow = {
			id,
			name: input.name ?? null,
			project_id: principal.projectId,
			user_id: principal.userId,
			domain: input.domain,
			username: input.username,
			password: this.#secrets.seal(input.password, id),
			created_at: now,
			updated_at: now,
		};
		await this.#deps.store.transaction(async (tx) => {
			await tx.insertInto('registry').values(row).execute();
		});
		return withoutPassword(row);
	}

	async list(
		principal: Principal,
		options: {
			readonly allProjects: boolean;
			readonly filters: Partial<Record<'name' | 'domain' | 'username' | 'project_id' | 'user_id', string>>;
		},
	): Promise<readonly RegistryView[]> {
		let query = this.#deps.store.db.selectFrom('registry').selectAll().orderBy('created_at').orderBy('id');
		if (!(options.allProjects && isAdmin(principal))) query = query.where('project_id', '=', principal.projectId);
		for (const column of ['name', 'domain', 'username', 'project_id', 'user_id'] as const) {
			const value = options.filters[column];
			if (value !== undefined) query = query.where(column, '=', value);
		}
		return (await query.limit(this.#deps.options.maxLimit).execute()).map(withoutPassword);
	}

	async show(principal: Principal, ref: string): Promise<RegistryView> {
		return withoutPassword(await findRegistry(this.#deps.store.db, principal, ref));
	}

	async update(principal: Principal, ref: string, input: Partial<RegistryInput>): Promise<RegistryView> {
		const id = await this.#deps.store.transaction(async (tx) => {
			const row = await findRegistry(tx, principal, ref);
			await tx
				.updateTable('registry')
				.set({
					name: input.name ?? row.name,
					domain: input.domain ?? row.domain,
					username: input.username ?? row.username,
					password: input.password === undefined ? row.password : this.#secrets.seal(input.password, row.id),
					updated_at: this.#deps.now(),
				})
				.where('id', '=', row.id)
				.execute();
			return row.id;
		});
		return await this.show(principal, id);
	}

	/** `conflict` while a container uses it. */
	async delete(principal: Principal, ref: string): Promise<void> {
		await this.#deps.store.transaction(async (tx) => {
			const row = await findRegistry(tx, principal, ref);
			const user = await tx.selectFrom('container').select(['id', 'name']).where('registry_id', '=', row.id).executeTakeFirst();
			if (user !== undefined) throw fail('conflict', `Registry ${row.id} is used by container ${user.name} (${user.id}).`);
			await tx.deleteFrom('registry').where('id', '=', row.id).execute();
		});
	}
}

function withoutPassword(row: RegistryRow): RegistryView {
	const { password: _, ...view } = row;
	return view;
}
