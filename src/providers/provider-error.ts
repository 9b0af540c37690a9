/**
 * How a call of another service failed:
 * - `unavailable`: it cannot be reached, is busy or broken; the same may succeed later;
 * - `unauthorized`: the user's token is not taken (any more);
 * - `not-found`: there is no such thing;
 * - `conflict`: the thing is in a state that does not allow it now;
 * - `refused`: not allowed, over quota, or wrong; it will be refused again.
 */
export type ProviderFailure = 'unavailable' | 'unauthorized' | 'not-found' | 'conflict' | 'refused';

/** What another service answered where it did not do what it was asked. The message is that service's own, for users to read. */
export class ProviderError extends Error {
	override readonly name = 'ProviderError';
	readonly failure: ProviderFailure;

	constructor(failure: ProviderFailure, message: string, options: { cause?: unknown } = {}) {
		super(message, options.cause === undefined ? undefined : { cause: options.cause });
		this.failure = failure;
	}
}

/** Whether the error says that there is no such thing. */
export function isNotFound(error: unknown): boolean {
	return error instanceof ProviderError && error.failure === 'not-found';
}
