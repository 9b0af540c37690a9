import type { OperationReport, OperationSpec } from '../../model/spec.ts';
import type { PlanContext, StepFailure } from './context.ts';
import type { Step } from './step.ts';

/** Part of a plan. Reports are kept apart, so that one step carries them all. */
export interface Draft {
	readonly steps: readonly Step[];
	readonly reports: readonly OperationReport[];
}

export const nothing: Draft = { steps: [], reports: [] };

export function steps(...list: readonly Step[]): Draft {
	return { steps: list, reports: [] };
}

export function waitUntil(until: number): Draft {
	return steps({ kind: 'wait', until });
}

export function merge(drafts: readonly Draft[]): Draft {
	return { steps: drafts.flatMap((draft) => draft.steps), reports: drafts.flatMap((draft) => draft.reports) };
}

/** The operation is taken up. Its time is later than anything that the engine showed before. */
export function started(operation: OperationSpec, now: number, lastStart: number | null): Draft {
	return reported({ id: operation.id, outcome: 'started', error: null, at: Math.max(now, (lastStart ?? 0) + 1) });
}

export function done(operation: OperationSpec, context: PlanContext): Draft {
	return reported({ id: operation.id, outcome: 'done', error: null, at: context.now });
}

export function failed(operation: OperationSpec, reason: string, context: PlanContext): Draft {
	return reported({ id: operation.id, outcome: 'failed', error: reason, at: context.now });
}

/** An attempt failed and another follows: told once for each failure. */
export function retried(operation: OperationSpec, failure: StepFailure, context: PlanContext): Draft {
	if (context.retriesReported.get(operation.id) === failure.count) return nothing;
	return reported({ id: operation.id, outcome: 'retry', error: failure.reason, at: context.now });
}

function reported(report: OperationReport): Draft {
	return { steps: [], reports: [report] };
}
