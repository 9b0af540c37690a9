import type { ObservedSandbox } from '../../drivers/driver.ts';
import type { SandboxSpec } from '../../model/spec.ts';
import type { PlanContext, StepFailure } from './context.ts';
import { type Draft, done, failed, merge, nothing, retried, steps, waitUntil } from './draft.ts';
import { endingOf } from './ending.ts';
import { effectiveGoal, isActive, isCurrent, isHolderActive, stateOf } from './facts.ts';
import { judge } from './failure.ts';
import { hasVolumesToDetach, missingHooks } from './sandbox-needs.ts';
import { hookNames, imageTarget, isExclusive, sandboxTarget, tearDownTarget } from './step.ts';

/** What is to be done about the sandbox as a whole now, its containers aside. */
export function planSandbox(spec: SandboxSpec, observed: ObservedSandbox, context: PlanContext): Draft {
	if (context.busy.has(sandboxTarget)) return nothing;
	const operation = spec.operation;

	const failure = context.failures.get(sandboxTarget);
	const verdict = judge(failure, operation, context);
	if (failure !== undefined && verdict.kind !== 'go' && leftHalfMade(failure, observed, context)) {
		return steps({ kind: 'tearDown', hooks: hookNames });
	}
	if (verdict.kind === 'failed' && operation !== null) return failed(operation, verdict.failure.reason, context);
	const told = operation !== null && failure?.operationId === operation.id ? retried(operation, failure, context) : nothing;
	if (verdict.kind === 'wait') return merge([told, waitUntil(verdict.until)]);

	const next = towardsGoal(spec, observed, context);
	if (next.steps.length > 0 || operation === null) return merge([told, next]);
	if (operation.kind === 'update' && observed.sandbox !== null && !context.applied.has(operation.id)) {
		return merge([told, steps({ kind: 'setUp', hooks: ['limits'], operationId: operation.id })]);
	}
	const refusal = operation.kind === 'pause' ? pauseFailure(spec, context) : null;
	if (refusal !== null) return failed(operation, refusal, context);
	return isAtGoal(spec, observed, context) ? done(operation, context) : nothing;
}

/**
 * Whether a sandbox that cannot be built stands half-made with nobody in it: it goes, so that the host holds nothing
 * of what failed. A clean-up that fails itself must not hide the reason.
 */
function leftHalfMade(failure: StepFailure, observed: ObservedSandbox, context: PlanContext): boolean {
	if (failure.transient || failure.step.kind !== 'setUp' || context.failures.has(tearDownTarget)) return false;
	return isExclusive(failure.step) && observed.containers.length === 0 && !context.tornDown;
}

function towardsGoal(spec: SandboxSpec, observed: ObservedSandbox, context: PlanContext): Draft {
	switch (spec.goal) {
		case 'Running':
			if (observed.sandbox?.status === 'paused') return steps({ kind: 'unpauseSandbox' });
			return setUp(spec, observed, context, 'start');
		case 'Paused':
			if (observed.sandbox?.status === 'paused')
				return makesContainers(spec) ? setUp(spec, observed, context, 'create') : detachVolumes(spec, context);
			return merge([setUp(spec, observed, context, 'start'), pauseWhenQuiet(spec, observed, context)]);
		case 'Stopped':
			return towardsStopped(spec, observed, context);
		case 'Deleted':
			return nothing;
	}
}

/** Its containers end first, each with its grace. Containers may be made in a sandbox that does not run. */
function towardsStopped(spec: SandboxSpec, observed: ObservedSandbox, context: PlanContext): Draft {
	const prepared = makesContainers(spec) ? setUp(spec, observed, context, 'create') : detachVolumes(spec, context);
	if (prepared.steps.length > 0 || !isHolderActive(observed)) return prepared;
	// What cannot be stopped by itself ends with the holder.
	const stops = (id: string): boolean => context.failures.get(id)?.step.kind !== 'stopContainer';
	if (observed.containers.some((state) => isActive(state) && stops(state.id))) return nothing;
	return steps({ kind: 'tearDown', hooks: ['start', 'rules', 'ports'] });
}

function setUp(spec: SandboxSpec, observed: ObservedSandbox, context: PlanContext, purpose: 'create' | 'start'): Draft {
	const hooks = missingHooks(spec, observed, context, purpose);
	return hooks.length === 0 ? nothing : steps({ kind: 'setUp', hooks, operationId: null });
}

/** They go from a sandbox that does not run, too: somebody may wait to have them elsewhere. */
function detachVolumes(spec: SandboxSpec, context: PlanContext): Draft {
	return hasVolumesToDetach(spec, context) ? steps({ kind: 'setUp', hooks: ['volumes'], operationId: null }) : nothing;
}

/** The holder is frozen last, when no container in it runs or is about to. */
function pauseWhenQuiet(spec: SandboxSpec, observed: ObservedSandbox, context: PlanContext): Draft {
	if (missingHooks(spec, observed, context).length > 0) return nothing;
	return isQuiet(spec, observed, context) ? steps({ kind: 'pauseSandbox' }) : nothing;
}

/** Whether every container that follows the sandbox's goal has come as far as it can. */
function isQuiet(spec: SandboxSpec, observed: ObservedSandbox, context: PlanContext): boolean {
	return spec.containers.every((container) => {
		if (context.busy.has(container.id)) return false;
		const goal = effectiveGoal(spec, container);
		if (goal !== 'Running' && goal !== 'Paused') return true;
		if (container.operation !== null && spec.goal === 'Running') return true;
		const state = stateOf(observed, container.id);
		const wanted = spec.goal === 'Paused' ? 'paused' : goal === 'Paused' ? 'paused' : 'running';
		if (isCurrent(container, state) && state.status === wanted) return true;
		const ending = endingOf(spec, container, observed, context);
		if (ending !== null && ending.kind !== 'lost') return true;
		const failure = context.failures.get(container.id) ?? context.failures.get(imageTarget(container.id));
		return failure !== undefined && failure.step.kind !== 'pauseContainer';
	});
}

function pauseFailure(spec: SandboxSpec, context: PlanContext): string | null {
	for (const container of spec.containers) {
		const failure = context.failures.get(container.id);
		if (failure?.step.kind === 'pauseContainer' && !failure.transient) return `Container ${container.name}: ${failure.reason}`;
	}
	return null;
}

function isAtGoal(spec: SandboxSpec, observed: ObservedSandbox, context: PlanContext): boolean {
	switch (spec.goal) {
		case 'Running':
			return spec.operation?.kind === 'create' || isQuiet(spec, observed, context);
		case 'Paused':
			return observed.sandbox?.status === 'paused';
		case 'Stopped':
			return !isHolderActive(observed);
		case 'Deleted':
			return false;
	}
}

function makesContainers(spec: SandboxSpec): boolean {
	return spec.containers.some(({ operation }) => operation?.kind === 'create' || operation?.kind === 'rebuild');
}
