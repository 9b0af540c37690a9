import { type ErrorCode, fail } from '../model/errors.ts';
import { isId } from '../model/ids.ts';
import { isAdmin, type Principal } from '../model/principal.ts';
import type { ContainerRow } from '../store/containers.ts';
import type { SandboxRow } from '../store/sandboxes.ts';
import type { Queryable } from '../store/store.ts';

/**
 * The sandbox that a principal means by an id or a name. Things of other projects are not found, except for an
 * administrator, who sees all, and whose own project's come first where a name is borne by several.
 */
export async function findSandbox(db: Queryable, principal: Principal, ref: string): Promise<SandboxRow> {
	const rows = isId(ref) ? await db.selectFrom('sandbox').selectAll().where('id', '=', ref).execute() : [];
	const named = rows.length > 0 ? rows : await db.selectFrom('sandbox').selectAll().where('name', '=', ref).execute();
	return pick(named, principal, ref, 'Sandbox', 'sandbox-not-found');
}

/** The sandbox of the capsule that is meant: both have one id and one name. */
export async function findCapsule(db: Queryable, principal: Principal, ref: string): Promise<SandboxRow> {
	const capsules = db.selectFrom('sandbox').selectAll().where('created_by', '=', 'capsule');
	const rows = isId(ref) ? await capsules.where('id', '=', ref).execute() : [];
	const named = rows.length > 0 ? rows : await capsules.where('name', '=', ref).execute();
	return pick(named, principal, ref, 'Capsule', 'capsule-not-found');
}

/** Members of capsules are found too. */
export async function findContainer(db: Queryable, principal: Principal, ref: string): Promise<ContainerRow> {
	const rows = isId(ref) ? await db.selectFrom('container').selectAll().where('id', '=', ref).execute() : [];
	const named = rows.length > 0 ? rows : await db.selectFrom('container').selectAll().where('name', '=', ref).execute();
	return pick(named, principal, ref, 'Container', 'container-not-found');
}

function pick<Row extends { readonly id: string; readonly project_id: string }>(
	rows: readonly Row[],
	principal: Principal,
	ref: string,
	kind: string,
	notFound: ErrorCode,
): Row {
	const own = rows.filter((row) => row.project_id === principal.projectId);
	const visible = own.length > 0 || !isAdmin(principal) ? own : rows;
	const [first, second] = visible;
	if (first === undefined) throw fail(notFound, `${kind} ${ref} could not be found.`);
	if (second !== undefined) {
		throw fail('conflict', `Several ${kind.toLowerCase()}s are named ${ref}: use the id (${visible.map((row) => row.id).join(', ')}).`);
	}
	return first;
}
