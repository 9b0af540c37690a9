import type { ObservedSandbox } from '../../drivers/driver.ts';
import { unreachable } from '../../model/errors.ts';
import type { ContainerSpec, SandboxSpec } from '../../model/spec.ts';
import { bringUp, fetchImage, makesAnew, type Subject, start, stop } from './container-moves.ts';
import { planContainerOperation } from './container-operation.ts';
import type { PlanContext, StepFailure } from './context.ts';
import { type Draft, failed, merge, nothing, retried, started, steps, waitUntil } from './draft.ts';
import { endingOf } from './ending.ts';
import { effectiveGoal, isActive, isCurrent, isToBeginFirst, ranInThisRun, stateOf } from './facts.ts';
import { judge } from './failure.ts';
import { planContainerRemoval } from './removal.ts';
import { missingHooks } from './sandbox-needs.ts';
import { imageTarget, sandboxTarget } from './step.ts';

/** What is to be done about one container now. */
export function planContainer(spec: SandboxSpec, container: ContainerSpec, observed: ObservedSandbox, context: PlanContext): Draft {
	const subject: Subject = { spec, container, observed, context, state: stateOf(observed, container.id) };
	if (context.busy.has(container.id)) return nothing;
	const operation = container.operation;
	const removed = effectiveGoal(spec, container) === 'Deleted';
	if (operation !== null && isToBeginFirst(operation) && !removed) {
		// An image does no harm: it is fetched while control writes that the operation has begun.
		const fetched = makesAnew(container) ? fetchImage(subject) : nothing;
		return merge([started(operation, context.now, subject.state?.startedAt ?? null), fetched]);
	}
	if (removed) return planContainerRemoval(subject);

	const failure = failureOf(subject);
	const verdict = judge(failure, operation, context);
	const told = operation !== null && failure?.operationId === operation.id ? retried(operation, failure, context) : nothing;
	if (verdict.kind === 'wait') return merge([told, waitUntil(verdict.until)]);
	if (operation === null) return planGoal(subject);
	if (verdict.kind === 'failed') return failed(operation, verdict.failure.reason, context);
	const next = planContainerOperation(subject, operation);
	return next.reports.length > 0 ? next : merge([told, next]);
}

/** Operations that wait until their sandbox is whole, and so fail with it. */
const needsSandbox: ReadonlySet<string> = new Set(['create', 'start', 'reboot', 'rebuild']);

/** The failure that hinders the container: its own, its image's, or that of the sandbox it waits for. */
function failureOf({ container, spec, observed, context }: Subject): StepFailure | undefined {
	const own = context.failures.get(container.id) ?? context.failures.get(imageTarget(container.id));
	const sandbox = context.failures.get(sandboxTarget);
	const operation = container.operation;
	if (own !== undefined || sandbox === undefined || operation === null || !needsSandbox.has(operation.kind)) return own;
	const waits = spec.operation === null && missingHooks(spec, observed, context).length > 0;
	return waits && !sandbox.transient ? { ...sandbox, operationId: operation.id } : undefined;
}

/** Nothing was asked for: what differs from the goal is repaired. */
function planGoal(subject: Subject): Draft {
	const { spec, container, state } = subject;
	const goal = effectiveGoal(spec, container);
	switch (goal) {
		case 'Deleted':
			return nothing;
		case 'Created':
			return isActive(state) && spec.goal === 'Stopped' ? stop(subject, spec.operation?.args.timeout) : nothing;
		case 'Stopped':
			return isActive(state) ? stop(subject, spec.operation?.args.timeout) : nothing;
		case 'Paused':
		case 'Running':
			return keepUp(subject, goal === 'Paused' ? 'paused' : 'running');
		default:
			return unreachable(goal);
	}
}

function keepUp(subject: Subject, wanted: 'running' | 'paused'): Draft {
	const { spec, container, state, observed, context } = subject;
	const inPlace = isCurrent(container, state) && isActive(state) && ranInThisRun(observed, state);
	if (inPlace && state.status === wanted) return nothing;
	if (spec.goal === 'Paused' && observed.sandbox?.status === 'paused') {
		// What is wrong with it is put right when the sandbox runs again; only that it runs cannot wait.
		return state?.status === 'running' ? steps({ kind: 'pauseContainer', containerId: container.id }) : nothing;
	}
	if (inPlace && state.status === 'running') return steps({ kind: 'pauseContainer', containerId: container.id });
	const ending = endingOf(spec, container, observed, context);
	if (ending?.kind === 'ended') return nothing;
	if (ending?.kind === 'settling') return waitUntil(ending.until);
	if (ending?.kind === 'restarting') return context.now < ending.at ? waitUntil(ending.at) : start(subject, 'policy');
	return bringUp(subject, null);
}
