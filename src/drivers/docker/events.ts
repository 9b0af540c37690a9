import type { DriverEvent } from '../driver.ts';
import type { DockerContext } from './context.ts';
import { field, text } from './engine/json.ts';
import { jsonLines } from './engine/json-lines.ts';
import { labels, ownFilter } from './names.ts';

/** What says something about a state. Execs, attaches and resizes are many and say nothing of it. */
const actions = ['create', 'start', 'die', 'oom', 'stop', 'kill', 'pause', 'unpause', 'restart', 'destroy', 'update', 'health_status'];

/** The engine's events about what is ours; ends when the engine goes away, and fails with `unavailable` when it is away. */
export async function* driverEvents(context: DockerContext, signal: AbortSignal): AsyncGenerator<DriverEvent, void, undefined> {
	const filters = JSON.stringify({ type: ['container'], event: actions, ...ownFilter(context.owner) });
	const { body } = await context.engine.stream({ method: 'GET', path: '/events', query: { filters }, signal });
	try {
		for await (const line of jsonLines(body)) {
			const event = driverEvent(line);
			if (event !== null) yield event;
		}
	} catch (error) {
		// Whether it says good-bye or not, the engine's end is the end of the events; so is the caller's will.
		if (error !== signal.reason && !(error instanceof Error && 'code' in error && error.code === 'unavailable')) throw error;
	}
}

/** What one of the engine's events says; null for one that is none of a sandbox or container. */
export function driverEvent(message: unknown): DriverEvent | null {
	const attributes = field(message, 'Actor', 'Attributes');
	const kind = text(attributes, labels.kind);
	const sandboxId = text(attributes, labels.sandbox);
	if ((kind !== 'sandbox' && kind !== 'container') || sandboxId === '') return null;
	const action = text(message, 'Action');
	return {
		kind,
		sandboxId,
		containerId: kind === 'container' ? text(attributes, labels.container) : null,
		action: action.startsWith('health_status') ? 'health' : action,
	};
}
