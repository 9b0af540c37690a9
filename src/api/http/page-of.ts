import type { ListQuery } from '../../control/control.ts';
import { fail } from '../../model/errors.ts';
import { type LinkBase, nextLink } from './links.ts';

/**
 * One page of rows that are at hand, by the fields that they are shown with. Rows of the same value stay in the order
 * of `idKey`, which the marker names too. Empty values come first.
 */
export function pageOf<Row extends object>(
	rows: readonly Row[],
	query: Pick<ListQuery, 'limit' | 'marker' | 'sortKey' | 'sortDir'>,
	idKey: keyof Row & string,
	defaultKey: keyof Row & string,
): readonly Row[] {
	const asked = query.sortKey ?? defaultKey;
	const key = asked === 'id' ? idKey : asked;
	const [sample] = rows;
	if (sample === undefined) return [];
	if (!Object.hasOwn(sample, key)) {
		throw fail('invalid-parameter-value', `sort_key ${asked} is not one of ${Object.keys(sample).join(', ')}`);
	}
	const value = (row: Row, name: string): unknown => Reflect.get(row, name);
	const direction = query.sortDir === 'desc' ? -1 : 1;
	const sorted = rows.toSorted(
		(left, right) => direction * (compare(value(left, key), value(right, key)) || compare(value(left, idKey), value(right, idKey))),
	);
	if (query.marker === undefined) return sorted.slice(0, query.limit);
	const at = sorted.findIndex((row) => value(row, idKey) === query.marker);
	if (at < 0) throw fail('invalid-value', `marker ${query.marker} could not be found: it is the id of the last item of the page before`);
	return sorted.slice(at + 1, at + 1 + query.limit);
}

/** Numbers by size, everything else by its text. */
function compare(left: unknown, right: unknown): number {
	if (typeof left === 'number' && typeof right === 'number') return left - right;
	const [first, second] = [textOf(left), textOf(right)];
	return first < second ? -1 : first > second ? 1 : 0;
}

function textOf(value: unknown): string {
	if (value === null || value === undefined) return '';
	return typeof value === 'string' ? value : JSON.stringify(value);
}

/** Link to the page after these rows, null after the last page: a page that is not full. */
export function nextOf<Row>(
	base: LinkBase,
	path: string,
	query: Readonly<Record<string, unknown>>,
	limit: number,
	rows: readonly Row[],
	idOf: (row: Row) => string,
): string | null {
	const last = rows.length === limit ? rows.at(-1) : undefined;
	return last === undefined ? null : nextLink(base, path, query, idOf(last), limit);
}
