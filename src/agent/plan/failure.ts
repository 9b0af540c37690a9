import type { OperationSpec } from '../../model/spec.ts';
import type { PlanContext, PlanSettings, StepFailure } from './context.ts';

/** What a past failure means for what is to be done now. */
export type Verdict =
	| { readonly kind: 'go' }
	| { readonly kind: 'wait'; readonly until: number; readonly failure: StepFailure }
	| { readonly kind: 'failed'; readonly failure: StepFailure };

const go: Verdict = { kind: 'go' };

/**
 * An operation fails at once by what will not pass, and by what may pass only after its deadline; deletes are tried
 * for ever. A new operation has nothing to do with the failures before it. Repairs are tried for ever, ever more seldom.
 */
export function judge(failure: StepFailure | undefined, operation: OperationSpec | null, context: PlanContext): Verdict {
	if (failure === undefined) return go;
	if (operation !== null && failure.operationId !== operation.id) return go;
	if (operation !== null && operation.kind !== 'delete') {
		const late = failure.lastAt - failure.firstAt >= context.settings.operationDeadline;
		if (!failure.transient || late) return { kind: 'failed', failure };
	}
	const until = retryAt(failure, context.settings);
	return context.now < until ? { kind: 'wait', until, failure } : go;
}

/** When the next attempt is due, ms since the epoch. */
export function retryAt(failure: StepFailure, settings: PlanSettings): number {
	return failure.lastAt + exponential(...pauses(failure, settings), failure.count - 1);
}

/** First and longest pause. What only takes away is tried often: a delete always ends. */
function pauses(failure: StepFailure, settings: PlanSettings): [number, number] {
	if (failure.transient) return [settings.transientFirst, settings.transientLongest];
	const removes = failure.step.kind === 'removeContainer' || failure.step.kind === 'tearDown';
	return removes ? [settings.transientFirst, settings.removalLongest] : [settings.repairFirst, settings.repairLongest];
}

/** `first · 2^exponent`, at most `longest`. */
export function exponential(first: number, longest: number, exponent: number): number {
	return Math.min(longest, first * 2 ** Math.min(exponent, 30));
}
