import type { AllowedOrigins } from '../http/cors.ts';

/** Where a connection claims to come from, and where it went to. */
export interface OriginFacts {
	/** The header; undefined = not sent, so no browser. */
	readonly origin: string | undefined;
	/** Hosts, with or without a port, that are the service itself. */
	readonly ownHosts: readonly string[];
	/** Whether clients reach the service by https. */
	readonly secure: boolean;
	/** Further origins: whole ones, such as `https://ui.example`, or `*` for all. */
	readonly allowed: AllowedOrigins;
}

/**
 * Whether a page of that origin may open a stream. Not read as a URL: the stock client sends `http://host:None` where
 * its link had no port. An https service takes no page that came by plain http, whose content anybody may have written.
 */
export function isOriginAllowed({ origin, ownHosts, secure, allowed }: OriginFacts): boolean {
	if (origin === undefined || allowed.includes('*') || allowed.includes(origin)) return true;
	const match = /^(https?|wss?):\/\/([^/?#]+)$/i.exec(origin);
	if (match === null) return false;
	const [, scheme = '', authority = ''] = match;
	if (secure && !['https', 'wss'].includes(scheme.toLowerCase())) return false;
	const name = hostname(authority);
	return name !== '' && ownHosts.some((host) => hostname(host) === name);
}

/** Without the port, whatever stands in its place. */
function hostname(authority: string): string {
	return (/^(\[[^\]]*\]|[^:]*)/.exec(authority)?.[1] ?? '').toLowerCase();
}
