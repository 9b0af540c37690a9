import type { Secret } from '../model/secret.ts';
import type { ServiceType } from './errors.ts';
import type { ServiceTokenFacts } from './service-token.ts';

/**
 * In whose name a request is made. `user` = with a user's token and, beside it, the service user's: Keystone then also takes
 * a user's token that expired a while ago, so that what a user has begun can be ended.
 */
export type Caller = { readonly type: 'service' } | { readonly type: 'user'; readonly token: Secret; readonly projectId: string };

export const asService: Caller = { type: 'service' };

export type Query = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

export interface RequestFacts {
	readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
	/** Below the root of the service's API, such as `/servers`. */
	readonly path: string;
	readonly query?: Query;
	readonly body?: unknown;
	readonly headers?: Readonly<Record<string, string>>;
	/** Of the compute, volume or placement API, such as `2.79`. */
	readonly microversion?: string;
	/** Whether doing it twice is doing it once; missing = as the method has it: POST and PATCH are not. */
	readonly repeatable?: boolean;
	/** `req-<uuid>` of what this is done for; missing = one is made. */
	readonly requestId?: string;
	/** Statuses that are answers here and no errors. */
	readonly accept?: readonly number[];
	/** Longest silence in ms, where the session's own is too short. */
	readonly timeout?: number;
	/** What must not get into an error's message, beside the tokens. */
	readonly secrets?: readonly string[];
}

/** `requestId` is that of this request; see RequestFacts. */
export function headersOf(
	caller: Caller,
	own: ServiceTokenFacts,
	service: ServiceType,
	facts: RequestFacts,
	requestId: string,
): Record<string, string> {
	const tokens: Record<string, string> =
		caller.type === 'service'
			? { 'x-auth-token': own.token.reveal() }
			: { 'x-auth-token': caller.token.reveal(), 'x-service-token': own.token.reveal() };
	const version = facts.microversion;
	return {
		accept: 'application/json',
		'user-agent': 'zunbox',
		...(facts.body === undefined ? {} : { 'content-type': 'application/json' }),
		...(version === undefined ? {} : { 'openstack-api-version': `${service} ${version}` }),
		...facts.headers,
		...tokens,
		'x-openstack-request-id': requestId,
	};
}

export function queryText(query: Query = {}): string {
	const parameters = new URLSearchParams();
	for (const [name, value] of Object.entries(query)) {
		if (value === undefined) continue;
		for (const one of typeof value === 'object' ? value : [value]) parameters.append(name, String(one));
	}
	const text = parameters.toString();
	return text === '' ? '' : `?${text}`;
}
