import type { Selectable } from 'kysely';
import { fail } from '../model/errors.ts';
import { normalDomain } from '../model/image.ts';
import { isAdmin, type Principal } from '../model/principal.ts';
import type { RegistryAuth } from '../model/spec.ts';
import type { RegistryTable } from '../store/schema.ts';
import type { Queryable } from '../store/store.ts';
import type { Registries } from './registries.ts';
import type { Sealer } from './sql-volumes.ts';

export type RegistryRow = Selectable<RegistryTable>;

/** Registries over the store; passwords are sealed. */
export class SqlRegistries implements Registries {
	readonly #secrets: Sealer;

	constructor(secrets: Sealer) {
		this.#secrets = secrets;
	}

	async find(db: Queryable, principal: Principal, ref: string): Promise<{ readonly id: string; readonly domain: string }> {
		const { id, domain } = await findRegistry(db, principal, ref);
		return { id, domain };
	}

	async auth(db: Queryable, registryId: string): Promise<RegistryAuth | null> {
		const row = await db.selectFrom('registry').selectAll().where('id', '=', registryId).executeTakeFirst();
		if (row === undefined || row.username === '') return null;
		return { domain: normalDomain(row.domain), username: row.username, password: this.#secrets.unseal(row.password, row.id) };
	}
}

/** The registry that a principal means by an id or a name. */
export async function findRegistry(db: Queryable, principal: Principal, ref: string): Promise<RegistryRow> {
	const all = await db
		.selectFrom('registry')
		.selectAll()
		.where((eb) => eb.or([eb('id', '=', ref), eb('name', '=', ref)]))
		.execute();
	const own = all.filter((row) => row.project_id === principal.projectId);
	const visible = own.length > 0 || !isAdmin(principal) ? own : all;
	const [first, second] = visible;
	if (first === undefined) throw fail('registry-not-found', `Registry ${ref} could not be found.`);
	if (second !== undefined) throw fail('conflict', `Several registries are named ${ref}: use the id.`);
	return first;
}
