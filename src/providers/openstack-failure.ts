import { OpenStackError } from '../openstack/errors.ts';
import type { Caller } from '../openstack/session.ts';
import type { Delegation } from './delegation.ts';
import { ProviderError, type ProviderFailure } from './provider-error.ts';

/** The user in whose name something is done. */
export function asUser({ token, projectId }: Delegation): Caller {
	return { type: 'user', token, projectId };
}

/**
 * Runs a call of an OpenStack service; its errors come as ProviderErrors. `making` = it makes something: a conflict is
 * then a refusal, since nothing is in a state that would pass.
 */
export async function calling<T>(caller: Caller, call: Promise<T>, making = false): Promise<T> {
	try {
		return await call;
	} catch (error) {
		if (!(error instanceof OpenStackError)) throw error;
		throw new ProviderError(failureOf(error, caller, making), error.message, { cause: error });
	}
}

function failureOf(error: OpenStackError, caller: Caller, making: boolean): ProviderFailure {
	if (error.isPassing) return 'unavailable';
	switch (error.status) {
		case 401:
			// The service user's own is the administrator's to put right; what is to be done waits for that.
			return caller.type === 'user' ? 'unauthorized' : 'unavailable';
		case 404:
			return 'not-found';
		case 409:
			return making ? 'refused' : 'conflict';
		default:
			return 'refused';
	}
}
