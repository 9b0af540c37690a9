import { Type } from 'typebox';
import type { StreamCounter } from '../options.ts';
import { quantity } from '../parse/quantity.ts';
import { Flag } from '../schemas.ts';

/** Query parameters of show. */
export const showParameters = (statuses: readonly string[]) =>
	Type.Object(
		{
			all_projects: Type.Optional(Flag),
			wait: Type.Optional(
				Type.Enum([...statuses], { description: 'Answers when this status is reached, or cannot be reached any more, or at the timeout.' }),
			),
			timeout: Type.Optional(Type.String({ pattern: '^\\d+$', description: 'Seconds to wait at most.' })),
		},
		{ additionalProperties: false },
	);

/** A wait holds a place among the streams of its project for as long as it lasts: each is looked after at every commit. */
export async function heldPlace<T>(streams: StreamCounter, projectId: string, wait: () => Promise<T>): Promise<T> {
	const close = streams.open(projectId);
	try {
		return await wait();
	} finally {
		close();
	}
}

/** How long to wait, in ms. */
export function waitTimeout(text: string | undefined, maximum: number): number {
	return (quantity('timeout', text, { minimum: 0, maximum, integer: true }) ?? Math.min(30, maximum)) * 1000;
}
