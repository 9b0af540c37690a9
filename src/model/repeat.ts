import { setTimeout as delay } from 'node:timers/promises';

/** Calls `work` every `interval` ms until the signal is aborted, the first time at once; never two at a time. Errors go to `onError`. */
export async function every(interval: number, work: () => Promise<void>, onError: (error: unknown) => void, signal: AbortSignal) {
	while (!signal.aborted) {
		try {
			await work();
		} catch (error) {
			if (!signal.aborted) onError(error);
		}
		await pause(interval, signal);
	}
}

/** Waits; ends early, and without an error, when the signal is aborted. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
	await delay(ms, undefined, { signal }).catch(() => {});
}
