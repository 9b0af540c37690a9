import { setTimeout as delay } from 'node:timers/promises';

/**
 * Calls `look` until it answers something other than undefined, null or false, and answers that. Throws after
 * `timeout` ms with what was waited for and, where the last look threw, why. What `look` throws counts as "not yet".
 */
export async function eventually<T>(
	what: string,
	look: () => T | Promise<T>,
	options: { readonly timeout?: number; readonly interval?: number } = {},
): Promise<Exclude<T, undefined | null | false>> {
	const { timeout = 30_000, interval = 20 } = options;
	const deadline = performance.now() + timeout;
	let last: unknown;
	for (;;) {
		try {
			const answer = await look();
			if (isAnswer(answer)) return answer;
			last = undefined;
		} catch (error) {
			last = error;
		}
		if (performance.now() > deadline) throw new Error(`not within ${timeout} ms: ${what}`, { cause: last });
		await delay(interval);
	}
}

function isAnswer<T>(answer: T): answer is Exclude<T, undefined | null | false> {
	return answer !== undefined && answer !== null && answer !== false;
}
