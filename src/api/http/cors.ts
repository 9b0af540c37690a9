/** Which web pages of other origins may call the API: exact origins, or `*` for all. Empty = none. */
export type AllowedOrigins = readonly string[];

const methods = 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS';
const requestHeaders =
	'Accept, Content-Type, Idempotency-Key, Last-Event-ID, OpenStack-API-Version, X-Auth-Token, X-Subject-Token, X-Openstack-Request-Id';
const exposed =
	'Location, OpenStack-API-Version, OpenStack-API-Minimum-Version, OpenStack-API-Maximum-Version, Retry-After, X-Openstack-Request-Id, X-Subject-Token';

/**
 * Headers for a request from another origin; null when the origin may not call. Credentials come in a header that the
 * page must know, never in a cookie, so none are allowed.
 */
export function corsHeaders(origin: string, allowed: AllowedOrigins, preflight: boolean): Record<string, string> | null {
	if (!allowed.includes('*') && !allowed.includes(origin)) return null;
	const headers: Record<string, string> = {
		'access-control-allow-origin': allowed.includes('*') ? '*' : origin,
		'access-control-expose-headers': exposed,
	};
	if (!preflight) return headers;
	return {
		...headers,
		'access-control-allow-methods': methods,
		'access-control-allow-headers': requestHeaders,
		'access-control-max-age': '600',
	};
}
