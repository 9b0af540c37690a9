import { setTimeout as delay } from 'node:timers/promises';

/** How a request is tried again. */
export interface RetryRules {
	/** Most tries, the first included. */
	readonly attempts: number;
	/** ms before the second try; doubled for each further one. */
	readonly firstWait: number;
	/** Longest wait in ms, also of one that the service asks for: a longer one is the caller's business. */
	readonly longestWait: number;
}

export const defaultRetryRules: RetryRules = { attempts: 4, firstWait: 250, longestWait: 10_000 };

/** What came of a try that failed. */
export interface FailedTry {
	/** null = no answer. */
	readonly status: number | null;
	/** Whether it is certain that nothing was sent. */
	readonly unsent: boolean;
	/** ms; null = the service does not say. */
	readonly retryAfter: number | null;
}

const passing = new Set([502, 503, 504]);

/**
 * ms to wait before the next try; null = the failure is final. `repeatable` = doing it twice is doing it once; others are
 * tried again only when the first try cannot have had an effect.
 */
export function waitBeforeRetry(
	failed: FailedTry,
	tries: number,
	repeatable: boolean,
	rules: RetryRules,
	random: () => number = Math.random,
): number | null {
	if (tries >= rules.attempts) return null;
	const mayPass =
		failed.status === null ? repeatable || failed.unsent : failed.status === 429 || (repeatable && passing.has(failed.status));
	if (!mayPass) return null;
	if (failed.retryAfter !== null && failed.retryAfter > rules.longestWait) return null;
	const backOff = Math.min(rules.longestWait, rules.firstWait * 2 ** (tries - 1));
	// Half of it is chance, so that those who failed together do not come again together.
	return Math.max(failed.retryAfter ?? 0, backOff / 2 + (backOff / 2) * random());
}

/** Ends early, with the signal's reason, when it is aborted. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
	try {
		await delay(ms, undefined, { signal });
	} catch (error) {
		signal.throwIfAborted();
		throw error;
	}
}
