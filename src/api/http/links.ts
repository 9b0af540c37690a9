import type { FastifyRequest } from 'fastify';

/** Where clients reach the service, so that links hold from where they stand. */
export interface LinkBase {
	/** Scheme, host and URL prefix, without a slash at the end and without `/v1`. */
	readonly base: string;
}

/** `publicUrl` when configured, otherwise what the client itself used. */
export function linkBase(request: Pick<FastifyRequest, 'protocol' | 'host'>, publicUrl: string | null, prefix: string): LinkBase {
	return { base: publicUrl ?? `${request.protocol}://${request.host}${prefix}` };
}

export function resourceLinks({ base }: LinkBase, collection: string, id: string) {
	return [
		{ rel: 'self', href: `${base}/v1/${collection}/${id}` },
		{ rel: 'bookmark', href: `${base}/${collection}/${id}` },
	];
}

/** Link to the page that follows: the query as it was given, with another marker. Filters stay. */
export function nextLink(
	{ base }: LinkBase,
	path: string,
	query: Readonly<Record<string, unknown>>,
	marker: string,
	limit: number,
): string {
	const parameters = new URLSearchParams();
	for (const [name, value] of Object.entries(query)) {
		if (name === 'marker' || name === 'limit' || value === undefined || value === null) continue;
		for (const single of Array.isArray(value) ? value : [value]) parameters.append(name, String(single));
	}
	parameters.set('limit', String(limit));
	parameters.set('marker', marker);
	return `${base}${path}?${parameters}`;
}
