import type { ObservedSandbox } from '../../drivers/driver.ts';
import type { OperationReport, SandboxReport, SandboxSpec } from '../../model/spec.ts';
import type { PlanContext } from '../plan/context.ts';
import { effectiveGoal, isHolderActive, stateOf } from '../plan/facts.ts';
import { isGone } from '../plan/removal.ts';
import { missingHooks } from '../plan/sandbox-needs.ts';
import { sandboxTarget, tearDownTarget } from '../plan/step.ts';
import { containerReport } from './container-report.ts';

/** What control is told of a sandbox and all in it, as it was seen. */
export function sandboxReport(
	spec: SandboxSpec,
	observed: ObservedSandbox,
	context: PlanContext,
	operations: readonly OperationReport[],
): SandboxReport {
	const removed = spec.goal === 'Deleted' && context.tornDown && isGone(observed);
	return {
		sandboxId: spec.id,
		version: spec.version,
		...sandboxStatus(spec, observed, context),
		containers: spec.containers.map((container) => containerReport(spec, container, observed, context)),
		removedContainers: spec.containers
			.filter((container) => effectiveGoal(spec, container) === 'Deleted' && stateOf(observed, container.id) === null)
			.filter((container) => !context.busy.has(container.id))
			.map((container) => container.id),
		removed,
		operations,
		activePorts: activePorts(spec, observed, context),
		detachedVolumes: spec.volumes.filter(({ id, detached }) => detached && context.host.detachedVolumes.has(id)).map(({ id }) => id),
		madeVolumes: spec.volumes.filter(({ id, provider }) => provider !== 'file' && context.host.volumes.has(id)).map(({ id }) => id),
	};
}

/** What control is told when the engine has been away for a while: nothing is known, and nothing is taken back. */
export function unknownReport(last: SandboxReport, reason: string): SandboxReport {
	return {
		...last,
		status: 'Unknown',
		statusReason: reason,
		containers: last.containers.map((container) => ({ ...container, status: 'Unknown', statusReason: reason, ended: false, pull: null })),
		removedContainers: [],
		removed: false,
		operations: [],
		detachedVolumes: [],
	};
}

function sandboxStatus(spec: SandboxSpec, observed: ObservedSandbox, context: PlanContext): Pick<SandboxReport, 'status' | 'statusReason'> {
	const failure = context.failures.get(sandboxTarget) ?? context.failures.get(tearDownTarget);
	const relevant = failure !== undefined && (spec.operation === null || failure.operationId === spec.operation.id) ? failure : undefined;
	const statusReason = relevant?.reason ?? null;
	const holder = observed.sandbox;
	if (spec.goal === 'Deleted')
		return { status: holder === null ? 'Missing' : isHolderActive(observed) ? 'Running' : 'Stopped', statusReason };
	if (holder?.status === 'paused') return { status: 'Paused', statusReason };
	const whole = holder?.status === 'running' && missingHooks(spec, observed, context).length === 0;
	// What could not be set up is not wanted any more, or is there by now.
	if (whole) return { status: 'Running', statusReason: relevant?.step.kind === 'setUp' ? null : statusReason };
	if (relevant !== undefined && !relevant.transient && relevant.step.kind === 'setUp' && !isHolderActive(observed)) {
		return { status: 'Error', statusReason };
	}
	if (spec.goal !== 'Stopped' && (spec.operation?.kind === 'create' || holder === null)) return { status: 'Creating', statusReason };
	if (holder?.status === 'running') return { status: 'Running', statusReason };
	return { status: 'Stopped', statusReason };
}

function activePorts(spec: SandboxSpec, observed: ObservedSandbox, { host }: PlanContext): readonly string[] {
	if (!isHolderActive(observed)) return [];
	return spec.ports.map((port) => port.id).filter((id) => !host.networked || host.ports.has(id));
}
