import type { ContainerState } from '../../drivers/driver.ts';
import type { OperationSpec } from '../../model/spec.ts';
import { bringUp, replace, type Subject, start, stop } from './container-moves.ts';
import { type Draft, done, failed, nothing, steps } from './draft.ts';
import { effectiveGoal, isActive, isCurrent, ranInThisRun } from './facts.ts';
import { missingHooks } from './sandbox-needs.ts';

/**
 * The next step of what was asked of a container, or the report that it is done. Whether it is done is seen in the
 * engine, so that an agent that crashed before it told so neither repeats nor forgets it: what the engine did after
 * `startedAt` was done for this operation. Signals other than KILL leave no trace: after a crash they may be sent again.
 */
export function planContainerOperation(subject: Subject, operation: OperationSpec): Draft {
	switch (operation.kind) {
		case 'create':
			return create(subject, operation);
		case 'start':
			return startContainer(subject, operation);
		case 'stop':
			return isActive(subject.state) ? stop(subject, operation.args.timeout) : done(operation, subject.context);
		case 'reboot':
			return reboot(subject, operation);
		case 'pause':
			return pause(subject, operation);
		case 'unpause':
			return unpause(subject, operation);
		case 'kill':
			return kill(subject, operation);
		case 'rebuild':
			return rebuild(subject, operation);
		case 'update':
			return update(subject, operation);
		case 'network_attach':
		case 'network_detach':
		case 'add_security_group':
		case 'remove_security_group':
			return missingHooks(subject.spec, subject.observed, subject.context).length === 0 ? done(operation, subject.context) : nothing;
		default:
			return failed(operation, `This host does not know the operation ${operation.kind}.`, subject.context);
	}
}

function create(subject: Subject, operation: OperationSpec): Draft {
	const { container, state, context } = subject;
	const run = (operation.args.run === true || container.goal === 'Running') && wantsToRun(subject);
	if (!isCurrent(container, state)) return replace(subject, run);
	if (run && state.startedAt === null) return start(subject, 'asked');
	return done(operation, context);
}

function startContainer(subject: Subject, operation: OperationSpec): Draft {
	if (!wantsToRun(subject)) return failed(operation, `Its sandbox is not running but ${subject.spec.goal}.`, subject.context);
	if (isUp(subject) || ranSince(subject.state, operation)) return done(operation, subject.context);
	return bringUp(subject, null);
}

function reboot(subject: Subject, operation: OperationSpec): Draft {
	const { state, context } = subject;
	if (!wantsToRun(subject)) return failed(operation, `Its sandbox is not running but ${subject.spec.goal}.`, context);
	if (ranSince(state, operation)) return done(operation, context);
	if (isActive(state)) return stop(subject, operation.args.timeout);
	return bringUp(subject, operation.args.timeout);
}

function pause(subject: Subject, operation: OperationSpec): Draft {
	const { container, state, context } = subject;
	if (state?.status === 'paused') return done(operation, context);
	if (state?.status === 'running') return steps({ kind: 'pauseContainer', containerId: container.id });
	if (!wantsToRun(subject) || state === null || !isLost(subject, state)) return failed(operation, 'It is not running.', context);
	return bringUp(subject, null);
}

function unpause(subject: Subject, operation: OperationSpec): Draft {
	const { container, state, context } = subject;
	if (state?.status === 'running') return done(operation, context);
	if (state?.status === 'paused') return steps({ kind: 'unpauseContainer', containerId: container.id });
	if (!wantsToRun(subject) || state === null || !isLost(subject, state)) return failed(operation, 'It is not paused.', context);
	return bringUp(subject, null);
}

function kill(subject: Subject, operation: OperationSpec): Draft {
	const { container, state, context } = subject;
	const signal = operation.args.signal ?? 'SIGKILL';
	if (context.applied.has(operation.id)) return done(operation, context);
	if (isActive(state)) return steps({ kind: 'killContainer', containerId: container.id, signal, operationId: operation.id });
	const endedSince = (state?.finishedAt ?? -1) >= (operation.startedAt ?? 0);
	if (signal === 'SIGKILL' || endedSince) return done(operation, context);
	return failed(operation, 'It is not running.', context);
}

function rebuild(subject: Subject, operation: OperationSpec): Draft {
	const { container, state, context } = subject;
	const run = operation.args.wasRunning === true && wantsToRun(subject);
	if (!isCurrent(container, state)) return replace(subject, run);
	if (run && !isUp(subject) && !ranSince(state, operation)) return bringUp(subject, null);
	return done(operation, context);
}

function update({ container, state, context }: Subject, operation: OperationSpec): Draft {
	if (state === null || context.applied.has(operation.id)) return done(operation, context);
	return steps({ kind: 'updateContainer', containerId: container.id, operationId: operation.id });
}

/** Whether the sandbox lets it run now. */
function wantsToRun({ spec, container }: Subject): boolean {
	return spec.goal === 'Running' && effectiveGoal(spec, container) !== 'Deleted';
}

function isUp({ container, state, observed }: Subject): boolean {
	return isCurrent(container, state) && state.status === 'running' && ranInThisRun(observed, state);
}

/** Whether it was started for the operation, though it may have ended since. */
function ranSince(state: ContainerState | null, operation: OperationSpec): boolean {
	return state !== null && state.startedAt !== null && operation.startedAt !== null && state.startedAt >= operation.startedAt;
}

/** Whether it does not run because its sandbox or the engine went down. */
function isLost({ container, observed }: Subject, state: ContainerState): boolean {
	return state.status === 'stopped' && (!isCurrent(container, state) || !ranInThisRun(observed, state));
}
