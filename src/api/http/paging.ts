import { type Static, Type } from 'typebox';
import type { ListQuery } from '../../control/control.ts';
import { flag } from '../parse/flag.ts';
import { Flag } from '../schemas.ts';

/** Query parameters of every list. */
export const pagingParameters = {
	limit: Type.Optional(Type.String({ pattern: '^[1-9]\\d{0,8}$', description: 'Most items of the answer.' })),
	marker: Type.Optional(Type.String({ minLength: 1, maxLength: 255, description: 'Id of the last item of the page before.' })),
	sort_key: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
	sort_dir: Type.Optional(Type.Enum(['asc', 'desc'])),
	all_projects: Type.Optional(Flag),
	resource_url: Type.Optional(Type.String({ description: 'Ignored.' })),
	expand: Type.Optional(Type.String({ description: 'Ignored.' })),
};

export const label = Type.Optional(
	Type.Union([Type.String({ pattern: '^[^=]+=.*$' }), Type.Array(Type.String({ pattern: '^[^=]+=.*$' }), { maxItems: 32 })], {
		description: 'key=value; may be given several times.',
	}),
);

/** Filter by a part of a text. */
export const contains = (what: string) =>
	Type.Optional(Type.String({ minLength: 1, maxLength: 255, description: `A part of the ${what}, in upper or lower case.` }));

const Paging = Type.Object(pagingParameters);

/** The page that a list request asks for. `names` are the parameters that filter. */
export function readListQuery(
	query: Static<typeof Paging> & Readonly<Record<string, unknown>>,
	maxLimit: number,
	names: readonly string[],
): ListQuery {
	const filters = names.flatMap((name) => {
		const value = query[name];
		return value === undefined || value === '' ? [] : [[name, String(value)] as const];
	});
	return {
		limit: Math.min(query.limit === undefined ? maxLimit : Number(query.limit), maxLimit),
		...(query.marker === undefined ? {} : { marker: query.marker }),
		...(query.sort_key === undefined ? {} : { sortKey: query.sort_key }),
		sortDir: query.sort_dir ?? 'asc',
		allProjects: flag(query.all_projects),
		filters: Object.fromEntries([...filters, ...labelFilters(query['label'])]),
	};
}

function labelFilters(value: unknown): [string, string][] {
	return [value ?? []].flat().map((pair) => {
		const text = String(pair);
		const mark = text.indexOf('=');
		return [`label:${text.slice(0, mark)}`, text.slice(mark + 1)];
	});
}
