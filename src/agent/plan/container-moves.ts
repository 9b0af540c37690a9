import type { ContainerState, ObservedSandbox } from '../../drivers/driver.ts';
import type { ImagePullPolicy } from '../../model/container.ts';
import type { ContainerSpec, SandboxSpec } from '../../model/spec.ts';
import { defaultGrace, type PlanContext } from './context.ts';
import { type Draft, nothing, steps } from './draft.ts';
import { isActive, isCurrent, isHolderActive, ranInThisRun } from './facts.ts';
import { missingHooks } from './sandbox-needs.ts';
import { imageTarget, type StartCause } from './step.ts';

/** One container, with all that its plan depends on. */
export interface Subject {
	readonly spec: SandboxSpec;
	readonly container: ContainerSpec;
	readonly state: ContainerState | null;
	readonly observed: ObservedSandbox;
	readonly context: PlanContext;
}

/**
 * The next step from anything to running: makes what is missing, replaces what is not as wanted, starts what does not
 * run. `grace` (seconds) is for what must be stopped first; undefined and null = the default.
 */
export function bringUp(subject: Subject, grace: number | null | undefined): Draft {
	const { container, state, observed } = subject;
	if (!isCurrent(container, state)) return replace(subject, true, grace);
	if (state.status === 'restarting') return nothing;
	if (isActive(state) && !ranInThisRun(observed, state)) return isHolderActive(observed) ? stop(subject, grace) : nothing;
	if (state.status === 'paused') return steps({ kind: 'unpauseContainer', containerId: container.id });
	if (state.status === 'running') return nothing;
	return start(subject, container.operation === null ? 'recovery' : 'asked');
}

/** The next step towards a container of the wanted revision that is a member of the sandbox. The image comes first. */
export function replace(subject: Subject, thenStart: boolean, grace?: number | null): Draft {
	const { spec, container, state, observed, context } = subject;
	if (context.imagesReady.get(container.id) !== imageKey(container)) return fetchImage(subject);
	if (missingHooks(spec, observed, context, thenStart ? 'start' : 'create').length > 0) return nothing;
	if (isActive(state)) return stop(subject, grace);
	if (state !== null) return steps({ kind: 'removeContainer', containerId: container.id });
	return steps({ kind: 'createContainer', containerId: container.id, thenStart });
}

/** Brings its image to the host, unless it is there or on its way. */
export function fetchImage({ container, context }: Subject): Draft {
	const key = imageKey(container);
	if (context.imagesReady.get(container.id) === key || context.busy.has(imageTarget(container.id))) return nothing;
	const { image: reference, registryAuth: auth, imageSource: source = null } = container;
	return steps({ kind: 'ensureImage', containerId: container.id, reference, auth, source, key, policy: pullPolicy(container) });
}

/** Starts it as soon as its sandbox is whole: a container never runs without its ports. */
export function start({ spec, container, observed, context }: Subject, cause: StartCause): Draft {
	if (missingHooks(spec, observed, context).length > 0 || observed.sandbox?.status !== 'running') return nothing;
	return steps({ kind: 'startContainer', containerId: container.id, cause });
}

export function stop({ container }: Subject, grace: number | null | undefined): Draft {
	return steps({ kind: 'stopContainer', containerId: container.id, timeout: grace ?? defaultGrace });
}

/** Names the wish for an image: a new operation that makes the container anew is a new wish. */
export function imageKey(container: ContainerSpec): string {
	return `${makesAnew(container) ? container.operation?.id : 'repair'}/${container.revision}/${container.image}`;
}

/** `always` means once for each time that a user has the container made, not for each repair. */
function pullPolicy(container: ContainerSpec): ImagePullPolicy {
	return container.imagePullPolicy === 'always' && !makesAnew(container) ? 'ifnotpresent' : container.imagePullPolicy;
}

/** Whether its operation has it made. */
export function makesAnew(container: ContainerSpec): boolean {
	return container.operation?.kind === 'create' || container.operation?.kind === 'rebuild';
}
