import { type RawBuilder, sql } from 'kysely';

/**
 * The right side of `column in …` for a list of any length: one parameter, so that the statement is the same for
 * every list and is prepared once.
 */
export function idList(ids: readonly string[]): RawBuilder<string> {
	return sql<string>`(select value from json_each(${JSON.stringify(ids)}))`;
}
