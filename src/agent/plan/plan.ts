import type { ObservedSandbox } from '../../drivers/driver.ts';
import type { SandboxSpec } from '../../model/spec.ts';
import { planContainer } from './container.ts';
import type { PlanContext } from './context.ts';
import { type Draft, merge } from './draft.ts';
import { planSandboxRemoval, planStrays } from './removal.ts';
import { planSandbox } from './sandbox.ts';
import { isContainerStep, isExclusive, type Step, sandboxTarget } from './step.ts';

/**
 * What to do now about one sandbox: every step that can run at this moment. They may all run at once; when any of
 * them ends, the caller looks again and plans anew.
 *
 * Invariants, whatever the arguments:
 * - at most one step for each target, and none for a target that is busy;
 * - a step that takes the sandbox away from under its containers is never planned beside a step of a container, nor
 *   while one runs;
 * - no operation whose repetition is told by time is acted on before control has recorded when it was taken up,
 *   fetching its image aside;
 * - a sandbox that is as wanted has an empty plan.
 *
 * `spec` is null for what control knows nothing of: a leftover, which goes.
 */
export function plan(spec: SandboxSpec | null, observed: ObservedSandbox, context: PlanContext): readonly Step[] {
	const removal = spec === null || spec.goal === 'Deleted';
	const sandbox = removal ? planSandboxRemoval(spec, observed, context) : planSandbox(spec, observed, context);
	const containers = spec === null ? [] : spec.containers.map((container) => planContainer(spec, container, observed, context));
	return assemble(keepApart(sandbox, merge([...containers, planStrays(spec, observed, context)]), context));
}

/** An exclusive step waits for the steps that run, and lets no new ones of containers begin meanwhile. */
function keepApart(sandbox: Draft, containers: Draft, context: PlanContext): Draft {
	const running = context.busy.get(sandboxTarget);
	const wanted = sandbox.steps.some(isExclusive);
	if (!wanted && (running === undefined || !isExclusive(running))) return merge([sandbox, containers]);
	const waiting: Draft = { ...containers, steps: containers.steps.filter((step) => !isContainerStep(step)) };
	const occupied = [...context.busy.values()].some(isContainerStep);
	const held: Draft = occupied ? { ...sandbox, steps: sandbox.steps.filter((step) => !isExclusive(step)) } : sandbox;
	return merge([held, waiting]);
}

/** One report for all, the earliest wait, and the work. */
function assemble(draft: Draft): readonly Step[] {
	const steps: Step[] = draft.steps.filter((step) => step.kind !== 'wait');
	const waits = draft.steps.filter((step) => step.kind === 'wait').map((step) => step.until);
	if (draft.reports.length > 0) steps.push({ kind: 'report', operations: draft.reports });
	if (waits.length > 0) steps.push({ kind: 'wait', until: Math.min(...waits) });
	return steps;
}
