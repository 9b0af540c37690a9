/** First path segments that are not resources of `/v1`. */
const roots: ReadonlySet<string> = new Set(['v1', 'identity', 'network', 'healthcheck', 'openapi.json']);

/**
 * The URL as the router sees it: without the configured prefix, without empty path segments and trailing slashes, and
 * with the `v1` that Zun's clients may leave out. Nothing is decoded, and the query stays as it is.
 */
export function normalizeUrl(url: string, prefix = ''): string {
	const mark = url.indexOf('?');
	const rawPath = mark === -1 ? url : url.slice(0, mark);
	const query = mark === -1 ? '' : url.slice(mark);
	let path = rawPath;
	if (prefix !== '' && (path === prefix || path.startsWith(`${prefix}/`))) path = path.slice(prefix.length);
	if (isCanonical(path)) return path + query;
	const segments = path.split('/').filter((segment) => segment !== '');
	const [first] = segments;
	if (first === undefined) return `/${query}`;
	if (!roots.has(first)) segments.unshift('v1');
	return `/${segments.join('/')}${query}`;
}

/** Whether a path needs no change: the case of nearly every request, told without making garbage. */
function isCanonical(path: string): boolean {
	return path === '/v1' || (path.startsWith('/v1/') && path.length > 4 && !path.endsWith('/') && !path.includes('//'));
}
