import type { SandboxSpec } from '../../model/spec.ts';
import { imageKey } from '../plan/container-moves.ts';
import { effectiveGoal } from '../plan/facts.ts';
import { type Step, sandboxTarget, targetOf } from '../plan/step.ts';
import type { RunningStep } from './memory.ts';

/** Running steps that nobody waits for any more: pulls for what changed, and gentle stops of what is to be removed at once. */
export function obsoleteSteps(spec: SandboxSpec | null, running: ReadonlyMap<string, RunningStep>): readonly RunningStep[] {
	return [...running.values()].filter(({ step }) => {
		if (step.kind !== 'ensureImage' && step.kind !== 'stopContainer') return false;
		const container = spec?.containers.find((candidate) => candidate.id === step.containerId);
		if (spec === null || container === undefined) return true;
		if (step.kind === 'ensureImage') return effectiveGoal(spec, container) === 'Deleted' || imageKey(container) !== step.key;
		const gently = container.operation?.kind === 'delete' && container.operation.args.stop === true;
		return effectiveGoal(spec, container) === 'Deleted' && !gently;
	});
}

/** The operation that a step is run for; null = repair. */
export function operationIdOf(step: Step, spec: SandboxSpec | null): string | null {
	if (targetOf(step) === sandboxTarget) return spec?.operation?.id ?? null;
	if (!('containerId' in step)) return null;
	return spec?.containers.find((container) => container.id === step.containerId)?.operation?.id ?? null;
}
