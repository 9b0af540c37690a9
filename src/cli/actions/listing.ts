import { usageError } from '../exit-code.ts';
import type { Input } from '../tree/input.ts';

type Query = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

/** What the options of lists ask of the API. */
export function listQuery(input: Input, filters: readonly string[]): Query {
	const [key, direction] = input.text('sort')?.split(':') ?? [];
	if (direction !== undefined && direction !== 'asc' && direction !== 'desc')
		throw usageError('--sort takes <field>, <field>:asc or <field>:desc');
	const labels = input.texts('label');
	return {
		...Object.fromEntries(filters.map((name) => [name, input.text(name)])),
		name_contains: input.text('match'),
		label: labels.length === 0 ? undefined : labels,
		sort_key: key,
		sort_dir: direction,
		all_projects: input.flag('all-projects') === true ? true : undefined,
	};
}

/** Most rows; without --limit all. */
export function limitOf(input: Input): number {
	const limit = input.integer('limit');
	if (limit !== undefined && limit < 1) throw usageError('--limit takes a number from 1');
	return limit ?? Number.POSITIVE_INFINITY;
}
