import { fail } from '../model/errors.ts';
import type { Image } from '../model/image.ts';
import type { ListQuery } from './control.ts';

type Field = (image: Image) => string | number;

const sortable: Readonly<Record<string, Field>> = {
	// What was brought comes first, the rest by its age.
	id: (image) => (image.userId === null ? 1 : 0),
	uuid: (image) => image.id,
	repo: (image) => image.repo,
	tag: (image) => image.tag,
	image_id: (image) => image.imageId ?? '',
	size: (image) => Number(image.size ?? 0) || 0,
	host: (image) => image.host,
	status: (image) => image.status,
	project_id: (image) => image.projectId ?? '',
	user_id: (image) => image.userId ?? '',
	created_at: (image) => image.createdAt,
	updated_at: (image) => image.updatedAt,
};

/** A page of images, which are few enough to be sorted at once. Pure. */
export function imagePage(images: readonly Image[], query: ListQuery): readonly Image[] {
	const sortKey = query.sortKey ?? 'id';
	const field = Object.hasOwn(sortable, sortKey) ? sortable[sortKey] : undefined;
	if (field === undefined) {
		throw fail('invalid-parameter-value', `sort_key ${sortKey} is not one of ${Object.keys(sortable).join(', ')}`);
	}
	const rank: readonly Field[] = [field, (image) => image.createdAt, (image) => image.id];
	const sign = query.sortDir === 'desc' ? -1 : 1;
	const sorted = images.toSorted((a, b) => sign * order(rank, a, b));
	if (query.marker === undefined) return sorted.slice(0, query.limit);
	const at = sorted.findIndex(({ id }) => id === query.marker);
	if (at < 0) throw fail('invalid-value', `marker ${query.marker} could not be found: it is the id of the last item of the page before`);
	return sorted.slice(at + 1, at + 1 + query.limit);
}

function order(rank: readonly Field[], a: Image, b: Image): number {
	for (const field of rank) {
		const [one, other] = [field(a), field(b)];
		if (one < other) return -1;
		if (one > other) return 1;
	}
	return 0;
}
