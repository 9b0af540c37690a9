import { DriverError } from '../../drivers/driver.ts';
import { messageOf, ZunboxError } from '../../model/errors.ts';
import type { StepFailure } from '../plan/context.ts';

/** What is remembered of an error that a step threw. */
export function failureOf(error: unknown): Pick<StepFailure, 'reason' | 'transient'> {
	return { reason: messageOf(error), transient: isTransient(error) };
}

function isTransient(error: unknown): boolean {
	// What was planned with is no longer there: the next plan knows.
	if (error instanceof DriverError) return error.transient || error.code === 'not-found' || error.code === 'not-running';
	if (error instanceof ZunboxError) return error.code === 'service-unavailable' || error.code === 'host-not-up';
	return error instanceof DOMException && error.name === 'TimeoutError';
}
