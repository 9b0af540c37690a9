import type { ObservedSandbox } from '../../drivers/driver.ts';
import type { OperationSpec, SandboxSpec } from '../../model/spec.ts';
import { type Subject, stop } from './container-moves.ts';
import type { PlanContext } from './context.ts';
import { type Draft, done, failed, merge, nothing, retried, steps, waitUntil } from './draft.ts';
import { isActive } from './facts.ts';
import { judge, retryAt } from './failure.ts';
import { hookNames, sandboxTarget, tearDownTarget } from './step.ts';

const overtaken = 'It was deleted meanwhile.';

/** The next step to rid the host of one container; its operation is done when the engine has it no more. */
export function planContainerRemoval(subject: Subject): Draft {
	const { container, state, context } = subject;
	if (container.operation !== null && container.operation.kind !== 'delete') {
		return merge([failed(container.operation, overtaken, context), remove(subject, null)]);
	}
	if (state === null) return container.operation === null ? nothing : done(container.operation, context);
	return remove(subject, container.operation);
}

function remove(subject: Subject, operation: OperationSpec | null): Draft {
	const { container, state, context } = subject;
	if (state === null) return nothing;
	const failure = context.failures.get(container.id);
	const told = operation !== null && failure?.operationId === operation.id ? retried(operation, failure, context) : nothing;
	const verdict = judge(failure, operation, context);
	if (verdict.kind === 'wait') return merge([told, waitUntil(verdict.until)]);
	if (isActive(state) && operation?.args.stop === true && failure === undefined) return stop(subject, operation.args.timeout);
	return merge([told, steps({ kind: 'removeContainer', containerId: container.id })]);
}

/** Containers of ours in the sandbox that nobody wants any more. */
export function planStrays(spec: SandboxSpec | null, observed: ObservedSandbox, context: PlanContext): Draft {
	const wanted = new Set(spec?.containers.map((container) => container.id));
	return merge(
		observed.containers
			.filter((state) => !wanted.has(state.id) && !context.busy.has(state.id))
			.map((state) => {
				const failure = context.failures.get(state.id);
				const until = failure === undefined ? 0 : retryAt(failure, context.settings);
				return context.now < until ? waitUntil(until) : steps({ kind: 'removeContainer', containerId: state.id });
			}),
	);
}

/**
 * The sandbox goes: its containers first, then all that it had on the host. What cannot be removed is tried for ever,
 * and hinders nothing else from going. `spec` is null for a leftover that control knows nothing of.
 */
export function planSandboxRemoval(spec: SandboxSpec | null, observed: ObservedSandbox, context: PlanContext): Draft {
	if (context.busy.has(sandboxTarget)) return nothing;
	const operation = spec?.operation ?? null;
	if (operation !== null && operation.kind !== 'delete') return failed(operation, overtaken, context);
	if (context.tornDown && isGone(observed)) return operation === null ? nothing : done(operation, context);
	if (context.tornDown && observed.sandbox === null) return nothing;
	if (observed.containers.some((state) => !context.failures.has(state.id) || context.busy.has(state.id))) return nothing;
	const failure = context.failures.get(tearDownTarget);
	const told = operation !== null && failure?.operationId === operation.id ? retried(operation, failure, context) : nothing;
	const until = failure === undefined ? 0 : retryAt(failure, context.settings);
	if (context.now < until) return merge([told, waitUntil(until)]);
	return merge([told, steps({ kind: 'tearDown', hooks: hookNames })]);
}

/** Whether the engine has nothing of it. */
export function isGone(observed: ObservedSandbox): boolean {
	return observed.sandbox === null && observed.containers.length === 0;
}
