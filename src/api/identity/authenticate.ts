import { fail } from '../../model/errors.ts';
import type { Principal } from '../../model/principal.ts';
import type { Identity } from '../../providers/identity/identity.ts';

/** Headers of a request as Node gives them. */
export type RequestHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

export type Authenticate = (headers: RequestHeaders, requestId: string, signal: AbortSignal) => Promise<Principal>;

/** Makes the function that tells who a request with X-Auth-Token comes from. It throws as Identity.validate does. */
export function bearer(identity: Identity): Authenticate {
	return async (headers, requestId, signal) => {
		const token = headers['x-auth-token'];
		if (typeof token !== 'string' || token === '') throw fail('unauthorized', 'The request you have made requires authentication.');
		const { userId, userName, projectId, projectName, roles } = await identity.validate(token, signal);
		return { userId, userName, projectId, projectName, roles, requestId };
	};
}
