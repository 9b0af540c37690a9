import type { ImagePullPolicy } from '../../model/container.ts';
import type { ImageSource } from '../../model/image-source.ts';
import type { OperationReport, RegistryAuth } from '../../model/spec.ts';

/** The hooks that build a sandbox, in the order of building. Tearing down runs them backwards. */
export const hookNames = ['names', 'holder', 'volumes', 'limits', 'start', 'rules', 'ports'] as const;
export type HookName = (typeof hookNames)[number];

/** Why a container is started: an operation, its restart policy, or because it was lost or never came up. */
export type StartCause = 'asked' | 'policy' | 'recovery';

/**
 * What the agent can do about one sandbox. Each is an *ensure*: it may be run again after a crash at any instant.
 * A new kind does not compile without its executor.
 */
export interface StepArguments {
	/** Runs these hooks in their order. */
	readonly setUp: { readonly hooks: readonly HookName[]; readonly operationId: string | null };
	/** Runs these hooks backwards, all of them, whatever fails. */
	readonly tearDown: { readonly hooks: readonly HookName[] };
	readonly pauseSandbox: object;
	readonly unpauseSandbox: object;
	/** Brings the image to the host. `key` names the wish, so that one wish pulls once. */
	readonly ensureImage: {
		readonly containerId: string;
		readonly reference: string;
		readonly policy: ImagePullPolicy;
		readonly auth: RegistryAuth | null;
		/** The archive that it is made of; null = it is pulled. */
		readonly source: ImageSource | null;
		readonly key: string;
	};
	readonly createContainer: { readonly containerId: string; readonly thenStart: boolean };
	readonly startContainer: { readonly containerId: string; readonly cause: StartCause };
	/** `timeout`: seconds of grace. */
	readonly stopContainer: { readonly containerId: string; readonly timeout: number };
	readonly pauseContainer: { readonly containerId: string };
	readonly unpauseContainer: { readonly containerId: string };
	readonly killContainer: { readonly containerId: string; readonly signal: string; readonly operationId: string };
	readonly updateContainer: { readonly containerId: string; readonly operationId: string };
	readonly removeContainer: { readonly containerId: string };
	/** Tells control how operations stand, together with all that is seen. */
	readonly report: { readonly operations: readonly OperationReport[] };
	/** Nothing to do before this time, ms since the epoch. */
	readonly wait: { readonly until: number };
}

export type StepKind = keyof StepArguments;

/** A step of one of the kinds. */
export type Step<K extends StepKind = StepKind> = { [P in K]: { readonly kind: P } & StepArguments[P] }[K];

/** The executor of each kind of step. */
export type Executors = { readonly [K in StepKind]: (step: Step<K>, signal: AbortSignal) => Promise<void> };

/** Runs the executor of the step's kind. */
export function execute<K extends StepKind>(executors: Executors, step: Step<K>, signal: AbortSignal): Promise<void> {
	return executors[step.kind](step, signal);
}

/** Target of the steps that concern the sandbox as a whole. */
export const sandboxTarget = 'sandbox';

/** Where failures of tearing down are kept, apart from those of what it undoes. */
export const tearDownTarget = 'sandbox:tearDown';

/** Never two steps at once on one target. Reports and waits have none. */
export function targetOf(step: Step): string | null {
	switch (step.kind) {
		case 'report':
		case 'wait':
			return null;
		case 'setUp':
		case 'tearDown':
		case 'pauseSandbox':
		case 'unpauseSandbox':
			return sandboxTarget;
		case 'ensureImage':
			return imageTarget(step.containerId);
		default:
			return step.containerId;
	}
}

/** Target of the work on a container's image, which hinders nothing else. */
export function imageTarget(containerId: string): string {
	return `image:${containerId}`;
}

/** Whether no container of the sandbox may be touched while the step runs. */
export function isExclusive(step: Step): boolean {
	switch (step.kind) {
		case 'setUp':
			return step.hooks.some((hook) => hook === 'holder' || hook === 'start');
		case 'tearDown':
		case 'pauseSandbox':
		case 'unpauseSandbox':
			return true;
		default:
			return false;
	}
}

/** Whether the step changes a container in the engine. */
export function isContainerStep(step: Step): boolean {
	const target = targetOf(step);
	return target !== null && target !== sandboxTarget && step.kind !== 'ensureImage';
}
