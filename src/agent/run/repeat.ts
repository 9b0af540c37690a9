import { setTimeout as delay } from 'node:timers/promises';
import { exponential } from '../plan/failure.ts';

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

/** Calls `work` until it succeeds or the signal is aborted, with a growing pause of at most `longest` ms between. */
export async function untilDone(work: () => Promise<void>, onError: (error: unknown) => void, longest: number, signal: AbortSignal) {
	for (let attempt = 0; !signal.aborted; attempt += 1) {
		try {
			await work();
			return;
		} catch (error) {
			if (!signal.aborted) onError(error);
		}
		await pause(exponential(100, longest, attempt), signal);
	}
}

/** Waits; ends early, and without an error, when the signal is aborted. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
	await delay(ms, undefined, { signal, ref: true }).catch(() => {});
}
