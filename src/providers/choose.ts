import { fail } from '../model/errors.ts';

/** What the project has of its own comes before what it may use of others. */
export function preferOwn<Thing extends { readonly projectId: string }>(things: readonly Thing[], projectId: string): readonly Thing[] {
	const own = things.filter((thing) => thing.projectId === projectId);
	return own.length > 0 ? own : things;
}

/** The only one of what goes by a name. Throws `notFound`'s error for none, and `conflict` with the ids for several. */
export function one<Thing extends { readonly id: string }>(
	things: readonly Thing[],
	kind: string,
	name: string,
	notFound: () => Error,
): Thing {
	const [first, second] = things;
	if (first === undefined) throw notFound();
	if (second !== undefined) {
		throw fail('conflict', `Several ${kind}s are named ${name}: use the id (${things.map((thing) => thing.id).join(', ')}).`);
	}
	return first;
}
