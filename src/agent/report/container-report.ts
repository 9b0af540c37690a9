import type { ContainerState, ObservedSandbox } from '../../drivers/driver.ts';
import type { ContainerStatus } from '../../model/container.ts';
import type { ContainerReport, ContainerSpec, SandboxSpec } from '../../model/spec.ts';
import type { PlanContext, StepFailure } from '../plan/context.ts';
import { endingOf, restartCount } from '../plan/ending.ts';
import { effectiveGoal, isActive, stateOf } from '../plan/facts.ts';
import { imageTarget, sandboxTarget } from '../plan/step.ts';

/** What control is told of one container. */
export function containerReport(
	spec: SandboxSpec,
	container: ContainerSpec,
	observed: ObservedSandbox,
	context: PlanContext,
): ContainerReport {
	const state = stateOf(observed, container.id);
	const ending = endingOf(spec, container, observed, context);
	const { status, reason } = statusOf(spec, container, observed, context);
	return {
		id: container.id,
		status,
		statusReason: reason,
		runtimeId: state?.runtimeId ?? null,
		revision: state?.revision ?? container.revision,
		exitCode: state?.exitCode ?? null,
		oomKilled: state?.oomKilled ?? false,
		startedAt: state?.startedAt ?? null,
		finishedAt: state?.finishedAt ?? null,
		health: state?.health ?? null,
		restartCount: restartCount(container, context),
		command: state?.command ?? null,
		entrypoint: state?.entrypoint ?? null,
		workdir: state?.workdir ?? null,
		hostname: state?.hostname ?? null,
		ports: state?.ports ?? [],
		pull: context.pulls.get(container.id) ?? null,
		pulledWithLogin: context.loginPulls.get(container.id) ?? null,
		ended: ending?.kind === 'ended' && container.operation === null,
	};
}

interface Seen {
	readonly status: ContainerReport['status'];
	readonly reason: string | null;
}

function statusOf(spec: SandboxSpec, container: ContainerSpec, observed: ObservedSandbox, context: PlanContext): Seen {
	const state = stateOf(observed, container.id);
	const goal = effectiveGoal(spec, container);
	const failure = context.failures.get(container.id) ?? context.failures.get(imageTarget(container.id));
	const sandboxFailure = context.failures.get(sandboxTarget);
	if (goal === 'Deleted') return { status: state === null ? 'Missing' : 'Deleting', reason: failure?.reason ?? null };
	if (isActive(state)) return { status: activeStatus(container, state), reason: failure?.reason ?? null };
	if (failure !== undefined && isFatal(failure, container)) return { status: 'Error', reason: failure.reason };
	const reason = failure?.reason ?? null;
	if (container.operation?.kind === 'rebuild') return { status: 'Rebuilding', reason };
	const hindered = container.operation === null || sandboxFailure?.operationId === spec.operation?.id;
	if (state === null && hindered && sandboxFailure?.transient === false) {
		return { status: 'Error', reason: `Its sandbox cannot be made: ${sandboxFailure.reason}` };
	}
	if (state === null) return { status: missingStatus(container, goal), reason };
	if (state.error !== null) return { status: 'Error', reason: state.error };
	if (state.status === 'dead') return { status: 'Dead', reason };
	if (state.status === 'created') return { status: 'Created', reason };
	const ending = endingOf(spec, container, observed, context);
	if (ending?.kind === 'restarting') return { status: 'Restarting', reason: `It ended with exit code ${state.exitCode}.` };
	if (ending?.kind === 'lost') return { status: 'Restarting', reason: reason ?? 'It was lost with its sandbox, and is brought back.' };
	return { status: container.operation?.kind === 'reboot' ? 'Restarting' : 'Stopped', reason };
}

function activeStatus(container: ContainerSpec, state: ContainerState | null): ContainerStatus {
	if (container.operation?.kind === 'rebuild') return 'Rebuilding';
	if (container.operation?.kind === 'reboot' || state?.status === 'restarting') return 'Restarting';
	return state?.status === 'paused' ? 'Paused' : 'Running';
}

function missingStatus(container: ContainerSpec, goal: string): Seen['status'] {
	if (container.operation?.kind === 'create') return 'Creating';
	return goal === 'Running' || goal === 'Paused' ? 'Restarting' : 'Missing';
}

/** Failures of making and starting show on the container; those of stopping and the like only on their operation. */
function isFatal(failure: StepFailure, container: ContainerSpec): boolean {
	if (failure.transient && container.operation !== null) return false;
	if (container.operation !== null && failure.operationId !== container.operation.id) return false;
	return failure.step.kind === 'createContainer' || failure.step.kind === 'startContainer' || failure.step.kind === 'ensureImage';
}
