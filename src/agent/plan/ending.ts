import type { ContainerState, ObservedSandbox } from '../../drivers/driver.ts';
import type { RestartPolicy } from '../../model/container.ts';
import type { ContainerSpec, SandboxSpec } from '../../model/spec.ts';
import type { PlanContext } from './context.ts';
import { effectiveGoal, isCurrent, isHolderActive, ranInThisRun } from './facts.ts';
import { exponential } from './failure.ts';

/**
 * What a container that does not run stands for:
 * - `lost`: it went down with its sandbox or the engine, and is to be brought back;
 * - `settling`: it ended, and whether by itself is known at `until`;
 * - `restarting`: it ended by itself, and its policy starts it again at `at`;
 * - `ended`: it ended by itself, and that is that.
 */
export type Ending =
	| { readonly kind: 'lost' }
	| { readonly kind: 'settling'; readonly until: number }
	| { readonly kind: 'restarting'; readonly at: number }
	| { readonly kind: 'ended' };

/** null = it is not a container that is wanted to run, was made as wanted, and has stopped. */
export function endingOf(spec: SandboxSpec, container: ContainerSpec, observed: ObservedSandbox, context: PlanContext): Ending | null {
	const state = observed.containers.find((candidate) => candidate.id === container.id) ?? null;
	const goal = effectiveGoal(spec, container);
	if ((goal !== 'Running' && goal !== 'Paused') || state?.status !== 'stopped') return null;
	if (!isCurrent(container, state) || !isHolderActive(observed) || !ranInThisRun(observed, state)) return { kind: 'lost' };
	if (state.error !== null) return { kind: 'lost' };
	const at = restartAt(container, state, context);
	if (at !== null) return { kind: 'restarting', at };
	const until = (state.finishedAt ?? 0) + context.settings.settle;
	// What was seen before that time does not show it, however late the plan is made: another look does.
	return context.seenAt < until ? { kind: 'settling', until } : { kind: 'ended' };
}

/** When its policy starts it again, ms since the epoch; null = it does not. */
function restartAt(container: ContainerSpec, state: ContainerState, context: PlanContext): number | null {
	const count = restartCount(container, context);
	if (!wantsRestart(container.restartPolicy, state.exitCode, count)) return null;
	const { restartFirst, restartLongest } = context.settings;
	const streak = ranLong(state, context) ? 0 : (context.restartStreaks.get(container.id) ?? count);
	return (state.finishedAt ?? 0) + exponential(restartFirst, restartLongest, streak);
}

/** Whether its last run was long enough to forget the restarts before it. */
export function ranLong(state: ContainerState, context: Pick<PlanContext, 'settings'>): boolean {
	return (state.finishedAt ?? 0) - (state.startedAt ?? 0) >= context.settings.restartReset;
}

/** Restarts by policy since it was last started by somebody. */
export function restartCount(container: ContainerSpec, context: Pick<PlanContext, 'restartCounts'>): number {
	return context.restartCounts.get(container.id) ?? container.restartCount;
}

function wantsRestart(policy: RestartPolicy | null, exitCode: number | null, count: number): boolean {
	switch (policy?.name) {
		case 'always':
		case 'unless-stopped':
			return true;
		case 'on-failure':
			return exitCode !== 0 && (policy.maximumRetryCount === 0 || count < policy.maximumRetryCount);
		default:
			return false;
	}
}
