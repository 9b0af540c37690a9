import type { ObservedSandbox, ObservedState } from '../../drivers/driver.ts';

/** What the engine shows of a sandbox that it does not have. */
export const nothingObserved: ObservedSandbox = { sandbox: null, containers: [] };

/** Whether nothing happened between two looks that a plan or a report could depend on. */
export function sameObservation(a: ObservedSandbox, b: ObservedSandbox): boolean {
	if (a.containers.length !== b.containers.length) return false;
	if (a.sandbox?.status !== b.sandbox?.status || a.sandbox?.startedAt !== b.sandbox?.startedAt) return false;
	return a.containers.every((left) => {
		const right = b.containers.find((candidate) => candidate.id === left.id);
		return (
			right !== undefined &&
			left.status === right.status &&
			left.startedAt === right.startedAt &&
			left.finishedAt === right.finishedAt &&
			left.revision === right.revision &&
			left.runtimeId === right.runtimeId &&
			left.health === right.health &&
			left.error === right.error &&
			left.joinsCurrentSandbox === right.joinsCurrentSandbox
		);
	});
}

/** What was observed of everything, by sandbox. */
export function bySandbox(state: ObservedState): Map<string, ObservedSandbox> {
	const containers = Map.groupBy(state.containers, (container) => container.sandboxId);
	const sandboxes = new Map(state.sandboxes.map((sandbox) => [sandbox.id, sandbox]));
	const ids = new Set([...containers.keys(), ...sandboxes.keys()]);
	return new Map([...ids].map((id) => [id, { sandbox: sandboxes.get(id) ?? null, containers: containers.get(id) ?? [] }]));
}
