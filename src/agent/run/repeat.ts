import { pause } from '../../model/repeat.ts';
import { exponential } from '../plan/failure.ts';

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
