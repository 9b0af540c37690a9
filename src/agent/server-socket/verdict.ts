import type { ServerCall } from '../../model/server.ts';
import type { OperationReport } from '../../model/spec.ts';
import type { Standing } from '../run/standing.ts';

/** What came of a call: it is so, or it failed, and why. */
export type Verdict = { readonly kind: 'done' } | { readonly kind: 'failed'; readonly reason: string };

const done: Verdict = { kind: 'done' };

/**
 * Whether a call that control has taken is over; null = not yet. With an operation that is told by the operation's end;
 * without one, by how the sandbox stands. `ended` = how the operation ended, as far as this agent knows; `since` = when
 * the call came, ms since the epoch: what failed before says nothing about it.
 */
export function verdictOn(call: ServerCall, callId: string | null, ended: OperationReport | null, standing: Standing, since: number) {
	if (ended !== null) return ofOutcome(ended);
	const { spec, failure } = standing;
	// Operations of a sandbox follow one another: while there is one, this call's may be it, or be after it.
	if (callId !== null && spec !== null && spec.operation !== null) return null;
	if (spec === null) return withoutSandbox(call, standing);
	if (isSo(call, standing)) return done;
	if (callId !== null) return failed('Something else was asked of the sandbox meanwhile.');
	return failure !== null && !failure.transient && failure.lastAt >= since ? failed(failure.reason) : null;
}

/** How an operation's end is told. */
export function ofOutcome({ outcome, error }: OperationReport): Verdict {
	return outcome === 'done' ? done : failed(error ?? 'It failed.');
}

function withoutSandbox(call: ServerCall, standing: Standing): Verdict | null {
	if (call.kind === 'destroy') return standing.gone ? done : null;
	if (call.kind === 'detach-port' || call.kind === 'detach-volume') return done;
	return failed('The sandbox is not on this host any more.');
}

/** Whether the sandbox is as the call wants it. What is plugged into one that does not run is plugged when it starts. */
function isSo(call: ServerCall, standing: Standing): boolean {
	const { spec, holder, ports, volumes } = standing;
	const runs = holder === 'running' || holder === 'paused';
	const has = (portIds: readonly string[], volumeIds: readonly string[]): boolean =>
		!runs || (portIds.every((id) => ports.has(id)) && volumeIds.every((id) => volumes.has(id)));
	switch (call.kind) {
		case 'spawn':
		case 'power-on': {
			const attached = has(
				call.ports.map(({ portId }) => portId),
				call.volumes.map(({ volumeId }) => volumeId),
			);
			return spec?.goal === 'Running' && holder === 'running' && attached;
		}
		case 'attach-port':
			return has([call.port.portId], []);
		case 'attach-volume':
			return has([], [call.volume.volumeId]);
		case 'detach-port':
			return spec?.ports.every(({ id }) => id !== call.portId) === true && !ports.has(call.portId);
		case 'detach-volume':
			return spec?.volumes.every(({ id, detached }) => id !== call.volumeId || detached) === true && !volumes.has(call.volumeId);
		case 'power-off':
			return spec?.goal === 'Stopped' && !runs;
		case 'pause':
			return spec?.goal === 'Paused' && holder === 'paused';
		case 'unpause':
			return spec?.goal === 'Running' && holder === 'running';
		case 'destroy':
			return false;
		case 'ready':
		case 'plug':
			return true;
	}
}

function failed(reason: string): Verdict {
	return { kind: 'failed', reason };
}
