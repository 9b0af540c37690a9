import type { ContainerSpec, OperationReport, OperationSpec, SandboxReport, SandboxSpec } from '../../../src/model/spec.ts';

/** What control does with a report, as far as an agent can tell: an operation that failed leaves what is seen as what is wanted. */
export function takeReport(spec: SandboxSpec, report: SandboxReport): SandboxSpec | null {
	if (report.removed && spec.goal === 'Deleted') return null;
	const outcome = (operation: OperationSpec | null) => report.operations.filter(({ id }) => id === operation?.id).at(-1);
	// What could not be made is not this host's business any more.
	if (spec.operation?.kind === 'create' && outcome(spec.operation)?.outcome === 'failed') return null;
	const failed = outcome(spec.operation)?.outcome === 'failed' && spec.goal !== 'Deleted';
	const seen = report.status === 'Running' || report.status === 'Paused' ? report.status : 'Stopped';
	const containers = spec.containers
		.filter(({ id, goal }) => !report.removedContainers.includes(id) || (goal !== 'Deleted' && spec.goal !== 'Deleted'))
		.map((container): ContainerSpec => {
			const told = outcome(container.operation);
			const seen = report.containers.find(({ id }) => id === container.id);
			const failed = told?.outcome === 'failed' && container.goal !== 'Deleted';
			const goal = seen?.ended ? 'Stopped' : failed ? seenGoal(seen?.status) : container.goal;
			const restartCount = seen?.restartCount ?? container.restartCount;
			return { ...container, goal, operation: after(container.operation, told), restartCount };
		});
	return { ...spec, goal: failed ? seen : spec.goal, containers, operation: after(spec.operation, outcome(spec.operation)) };
}

function after(operation: OperationSpec | null, report: OperationReport | undefined): OperationSpec | null {
	if (operation === null || report === undefined) return operation;
	const unfinished = report.outcome === 'started' || report.outcome === 'retry';
	return unfinished ? { ...operation, startedAt: operation.startedAt ?? report.at } : null;
}

function seenGoal(status: string | undefined): ContainerSpec['goal'] {
	return status === 'Running' || status === 'Paused' ? status : 'Stopped';
}
