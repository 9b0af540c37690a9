import type { Selectable } from 'kysely';
import { fail } from '../model/errors.ts';
import { isId } from '../model/ids.ts';
import { isAdmin, type Principal } from '../model/principal.ts';
import type { VolumeTable } from '../store/schema.ts';
import type { Queryable } from '../store/store.ts';

export type VolumeRow = Selectable<VolumeTable>;

/** The volume that a principal means by an id or a name; of other projects only for an administrator, and by id. */
export async function findVolume(db: Queryable, principal: Principal, ref: string): Promise<VolumeRow> {
	const named = await db
		.selectFrom('volume')
		.selectAll()
		.where('project_id', '=', principal.projectId)
		.where((eb) => eb.or([eb('id', '=', ref), eb('name', '=', ref)]))
		.execute();
	const byId = named.filter((row) => row.id === ref);
	let rows = byId.length > 0 ? byId : named;
	if (rows.length === 0 && isAdmin(principal) && isId(ref))
		rows = await db.selectFrom('volume').selectAll().where('id', '=', ref).execute();
	const [first, second] = rows;
	if (first === undefined) throw fail('volume-not-found', `Volume ${ref} could not be found.`);
	if (second !== undefined) throw fail('conflict', `Several volumes are named ${ref}: use the id.`);
	return first;
}
