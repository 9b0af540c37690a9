import type { Step } from '../plan/step.ts';

/**
 * What `work` answers. Its signal ends with `signal`, and after `ms`. Nothing is left of it when the work has ended: a
 * timer of its own would live on until its time, and there are thousands of short works.
 */
export async function withDeadline<T>(ms: number, signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
	const ending = new AbortController();
	const follow = (): void => ending.abort(signal.reason);
	if (signal.aborted) follow();
	const late = (): void => ending.abort(new DOMException('The operation was aborted due to timeout', 'TimeoutError'));
	const timer = setTimeout(late, ms);
	signal.addEventListener('abort', follow, { once: true });
	try {
		return await work(ending.signal);
	} finally {
		clearTimeout(timer);
		signal.removeEventListener('abort', follow);
	}
}

const minute = 60_000;

/** How long a step may take before it counts as failed, in ms. */
export function deadlineOf(step: Step): number {
	switch (step.kind) {
		case 'ensureImage':
			return 60 * minute;
		case 'stopContainer':
			return step.timeout * 1000 + 2 * minute;
		case 'setUp':
		case 'tearDown':
			return 5 * minute;
		default:
			return 2 * minute;
	}
}

/** Whether it mostly waits for something other than the engine's own work. */
export function mostlyWaits(step: Step): boolean {
	return step.kind === 'stopContainer';
}
