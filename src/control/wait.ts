import { setTimeout as delay } from 'node:timers/promises';
import { openOperations } from '../store/operations.ts';
import type { Deps } from './deps.ts';

/** Longest time between two looks of one wait after a commit, in ms. */
const longestRest = 50;

/**
 * Looks after commits until the status is there, cannot be reached without another request, or the time is up.
 * What stands then is the answer. A thing that is gone makes `show` throw, which ends the wait too.
 */
export async function waitFor<View extends { readonly status: string; readonly desiredStatus: string; readonly sandboxId?: string }>(
	deps: Deps,
	show: () => Promise<View>,
	id: string,
	status: string,
	timeout: number,
	signal: AbortSignal,
): Promise<View> {
	const deadline = deps.now() + timeout;
	const left = new AbortController();
	const ended = AbortSignal.any([signal, left.signal]);
	try {
		for (;;) {
			const changed = deps.hub.next(Math.max(0, deadline - deps.now()), ended);
			const looked = performance.now();
			const view = await show();
			if (view.status === status || signal.aborted || deps.now() >= deadline) return view;
			const open = await openOperations(deps.store.db, view.sandboxId ?? id);
			const pending = open.some((operation) => operation.targetId === id || operation.target === 'sandbox');
			if (!pending && !reachable(view, status)) return view;
			await changed;
			// Commits come in bursts, and each look is a query: the more wait, the less often each looks.
			const rest = Math.min(longestRest, deps.hub.woken / 5) - (performance.now() - looked);
			if (rest > 0) await delay(rest, undefined, { signal: ended }).catch(() => {});
		}
	} finally {
		left.abort();
	}
}

/** Whether a thing that nobody works on may still come to the status by itself. */
function reachable(view: { readonly status: string; readonly desiredStatus: string }, wanted: string): boolean {
	if (view.status === 'Error') return false;
	if (wanted === 'Stopped') return view.desiredStatus === 'Running' || view.desiredStatus === 'Stopped';
	return view.desiredStatus === wanted;
}
