import { fail } from '../model/errors.ts';
import { newId } from '../model/ids.ts';
import { normalDomain } from '../model/image.ts';
import type { Principal } from '../model/principal.ts';
import type { ListQuery } from './control.ts';
import type { Deps } from './deps.ts';
import { inOrder, page } from './lists.ts';
import { findRegistry, type RegistryRow } from './sql-registries.ts';
import type { Sealer } from './sql-volumes.ts';

export interface RegistryInput {
	readonly name?: string;
	/** Host and port, such as `127.0.0.1:5000`. */
	readonly domain: string;
	/** Missing = the registry needs no login. */
	readonly username?: string;
	readonly password?: string;
}

/** A registry as it may be shown: its password never is. */
export type RegistryView = Omit<RegistryRow, 'password' | 'username'> & { readonly username: string | null };

const filterable = { name: 'name', domain: 'domain', username: 'username', project_id: 'project_id', user_id: 'user_id' } as const;
const columns = {
	sortable: { ...filterable, id: 'created_at', uuid: 'id', created_at: 'created_at', updated_at: 'updated_at' },
	filterable,
} as const;

/** Of one project. */
const mostRegistries = 100;

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
			username: input.username ?? '',
			password: this.#secrets.seal(input.password ?? '', id),
			created_at: now,
			updated_at: now,
		};
		await this.#deps.store.transaction(async (tx) => {
			const { count } = await tx
				.selectFrom('registry')
				.select((eb) => eb.fn.countAll<number>().as('count'))
				.where('project_id', '=', principal.projectId)
				.executeTakeFirstOrThrow();
			if (count >= mostRegistries) throw fail('over-quota', `The project has ${count} registries, of ${mostRegistries} at the most.`);
			await tx.insertInto('registry').values(row).execute();
		});
		return withoutPassword(row);
	}

	/** A page in the order of their making, unless the query says otherwise. */
	async list(principal: Principal, query: ListQuery): Promise<readonly RegistryView[]> {
		const { store, options } = this.#deps;
		const ids = await page(store.db, 'registry', principal, { ...query, limit: Math.min(query.limit, options.maxLimit) }, columns);
		if (ids.length === 0) return [];
		const rows = await store.db.selectFrom('registry').selectAll().where('id', 'in', ids).execute();
		return inOrder(ids, rows).map(withoutPassword);
	}

	async show(principal: Principal, ref: string): Promise<RegistryView> {
		return withoutPassword(await findRegistry(this.#deps.store.db, principal, ref));
	}

	/**
	 * A new domain needs the password again: with the old one, whoever may change the registry could have it sent to a
	 * server of his own, and so read it.
	 */
	async update(principal: Principal, ref: string, input: Partial<RegistryInput>): Promise<RegistryView> {
		const id = await this.#deps.store.transaction(async (tx) => {
			const row = await findRegistry(tx, principal, ref);
			const moved = input.domain !== undefined && normalDomain(input.domain) !== normalDomain(row.domain);
			if (moved && row.username !== '' && input.password === undefined) {
				throw fail('invalid-value', 'A new domain needs the password too: give both.');
			}
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
			const pull = await tx
				.selectFrom('image')
				.select('id')
				.where('registry_id', '=', row.id)
				.where('status', '=', 'Pulling')
				.executeTakeFirst();
			if (pull !== undefined) throw fail('conflict', `Registry ${row.id} is used by the pull of image ${pull.id}.`);
			await tx.deleteFrom('registry').where('id', '=', row.id).execute();
		});
	}
}

function withoutPassword(row: RegistryRow): RegistryView {
	const { password: _, username, ...view } = row;
	return { ...view, username: username === '' ? null : username };
}
