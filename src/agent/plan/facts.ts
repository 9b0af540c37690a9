import type { ContainerState, ObservedSandbox } from '../../drivers/driver.ts';
import type { ContainerGoal } from '../../model/container.ts';
import type { ContainerSpec, OperationSpec, SandboxSpec } from '../../model/spec.ts';

/** What can be said of one container from what is wanted and what is seen. */

export function stateOf(observed: ObservedSandbox, containerId: string): ContainerState | null {
	return observed.containers.find((state) => state.id === containerId) ?? null;
}

/** Containers follow their sandbox, and keep their own goals meanwhile. */
export function effectiveGoal(spec: SandboxSpec, container: ContainerSpec): ContainerGoal {
	if (spec.goal === 'Deleted' || container.goal === 'Deleted') return 'Deleted';
	if (container.goal === 'Created' || container.goal === 'Stopped') return container.goal;
	if (spec.goal === 'Stopped') return 'Stopped';
	return spec.goal === 'Paused' ? 'Paused' : container.goal;
}

/**
 * Whether control must have written when the operation was taken up before anything is done for it: only by that time
 * is it seen later what was done for it, and what is still to be done. All others are told by how things stand.
 */
export function isToBeginFirst(operation: OperationSpec): boolean {
	return operation.startedAt === null && beginFirst.has(operation.kind);
}

const beginFirst: ReadonlySet<string> = new Set(['start', 'reboot', 'kill', 'rebuild']);

/** Operations that are acted on, and of which control does not know yet that they are. */
export function untold(spec: SandboxSpec): readonly OperationSpec[] {
	return [spec, ...spec.containers].flatMap(({ operation }) =>
		operation !== null && operation.startedAt === null && !isToBeginFirst(operation) ? [operation] : [],
	);
}

/** Whether it has processes. */
export function isActive(state: ContainerState | null): boolean {
	return state !== null && (state.status === 'running' || state.status === 'paused' || state.status === 'restarting');
}

export function isHolderActive(observed: ObservedSandbox): boolean {
	return observed.sandbox?.status === 'running' || observed.sandbox?.status === 'paused';
}

/** The run of the sandbox that stands, by its start; null = it does not run. */
export function runOf(observed: ObservedSandbox): number | null {
	return isHolderActive(observed) ? (observed.sandbox?.startedAt ?? null) : null;
}

/** Whether it is what is wanted: of the wanted revision, and a member of the sandbox that stands now. */
export function isCurrent(container: ContainerSpec, state: ContainerState | null): state is ContainerState {
	return state !== null && state.revision === container.revision && state.joinsCurrentSandbox && state.status !== 'dead';
}

/**
 * Whether it has run since the sandbox's holder was last started. What has not, was lost with the run before: it did
 * not end by itself, and if it still runs, it runs in namespaces that nobody else shares any more.
 */
export function ranInThisRun(observed: ObservedSandbox, state: ContainerState): boolean {
	if (!isHolderActive(observed) || !state.joinsCurrentSandbox) return false;
	return state.startedAt !== null && state.startedAt >= (observed.sandbox?.startedAt ?? 0);
}
