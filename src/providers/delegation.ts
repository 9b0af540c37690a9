import { fail } from '../model/errors.ts';
import type { Principal } from '../model/principal.ts';
import type { Secret } from '../model/secret.ts';

/** A user's leave to do something in that user's name, in one project. */
export interface Delegation {
	readonly token: Secret;
	readonly projectId: string;
}

/** The principal's leave to do something in its name. Throws `unauthorized` where the request came without a token. */
export function delegationOf({ token, projectId }: Principal): Delegation {
	if (token === undefined) throw fail('unauthorized', 'This needs a token, with which it is done in your name.');
	return { token, projectId };
}
