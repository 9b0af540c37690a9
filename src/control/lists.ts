import { sql } from 'kysely';
import { fail } from '../model/errors.ts';
import { isAdmin, type Principal } from '../model/principal.ts';
import type { Queryable } from '../store/store.ts';
import type { ListQuery } from './control.ts';

/** What can be sorted and filtered by: API name → column. */
export type Columns = Readonly<Record<string, string>>;

/**
 * One page of a table, in a stable order: by the sort column and then by age. The marker names the last row of the
 * page before. Empty values come first.
 */
export async function page(
	db: Queryable,
	table: 'sandbox' | 'container' | 'registry',
	principal: Principal,
	query: ListQuery,
	columns: { readonly sortable: Columns; readonly filterable: Columns },
): Promise<readonly string[]> {
	const sortKey = query.sortKey ?? 'id';
	const column = Object.hasOwn(columns.sortable, sortKey) ? columns.sortable[sortKey] : undefined;
	if (column === undefined) {
		throw fail('invalid-parameter-value', `sort_key ${sortKey} is not one of ${Object.keys(columns.sortable).join(', ')}`);
	}
	const sortValue = sql`coalesce(${sql.ref(column)}, '')`;
	const rank = sql`(${sortValue}, created_at, ${sql.ref('id')})`;
	const direction = query.sortDir === 'desc' ? sql`desc` : sql`asc`;

	const scope = query.allProjects === true && isAdmin(principal) ? sql`1 = 1` : sql`project_id = ${principal.projectId}`;
	let conditions = sql`${scope}`;
	const and = (condition: ReturnType<typeof sql>) => {
		conditions = sql`${conditions} and ${condition}`;
	};
	for (const [name, value] of Object.entries(query.filters)) {
		if (name.startsWith('label:')) {
			and(sql`json_extract(labels, ${`$.${JSON.stringify(name.slice('label:'.length))}`}) = ${value}`);
			continue;
		}
		const [, part] = /^(name|image)_contains$/.exec(name) ?? [];
		const filtered = Object.hasOwn(columns.filterable, part ?? name) ? columns.filterable[part ?? name] : undefined;
		if (filtered === undefined)
			throw fail('invalid-value', `Unknown list parameter ${name}: known are ${Object.keys(columns.filterable).join(', ')}, label:<key>`);
		if (part === undefined) and(sql`${sql.raw(filtered)} = ${value}`);
		else and(sql`instr(lower(${sql.raw(filtered)}), lower(${value})) > 0`);
	}
	if (query.marker !== undefined) {
		const marker = await sql<{ rank: unknown; created_at: number; id: string }>`
			select ${sortValue} as rank, created_at, id from ${sql.table(table)} where id = ${query.marker} and ${scope}`.execute(db);
		const row = marker.rows[0];
		if (row === undefined)
			throw fail('invalid-value', `marker ${query.marker} could not be found: it is the id of the last item of the page before`);
		const after = sql`(${row.rank}, ${row.created_at}, ${row.id})`;
		and(query.sortDir === 'desc' ? sql`${rank} < ${after}` : sql`${rank} > ${after}`);
	}
	const { rows } = await sql<{ id: string }>`
		select id from ${sql.table(table)} where ${conditions}
		order by ${sortValue} ${direction}, created_at ${direction}, id ${direction} limit ${query.limit}`.execute(db);
	return rows.map((row) => row.id);
}

/** Rows in the order of the ids. */
export function inOrder<Row extends { readonly id: string }>(ids: readonly string[], rows: readonly Row[]): readonly Row[] {
	const byId = new Map(rows.map((row) => [row.id, row]));
	return ids.flatMap((id) => byId.get(id) ?? []);
}
