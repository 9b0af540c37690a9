import type { ContainerState, ObservedSandbox, ObservedState, SandboxState } from '../driver.ts';
import type { DockerContext } from './context.ts';
import { items, text } from './engine/json.ts';
import { toObject } from './engine-objects.ts';
import { mapLimited } from './map-limited.ts';
import { containerEngineName, labels, ownFilter, sandboxEngineName } from './names.ts';
import { containerState, sandboxState } from './state.ts';

/** Descriptions that are asked for at once. */
const concurrency = 16;

/**
 * Looks at what there is: one call that lists, and at once after it the descriptions of what was listed, since the list
 * lacks exit codes, times and errors.
 */
export class Observation {
	readonly #context: DockerContext;

	constructor(context: DockerContext) {
		this.#context = context;
	}

	async list(signal: AbortSignal): Promise<ObservedState> {
		return this.#look(undefined, signal);
	}

	async observe(sandboxId: string, signal: AbortSignal): Promise<ObservedSandbox> {
		const { sandboxes, containers } = await this.#look(sandboxId, signal);
		return { sandbox: sandboxes[0] ?? null, containers };
	}

	async #look(sandboxId: string | undefined, signal: AbortSignal): Promise<ObservedState> {
		const { engine, owner } = this.#context;
		const filters = JSON.stringify(ownFilter(owner, sandboxId));
		const { body } = await engine.json({ method: 'GET', path: '/containers/json', query: { all: true, filters }, signal });
		const described = await mapLimited(items(body), concurrency, (row) => this.#describe(text(row, 'Id'), signal));
		const holders = new Map<string, string>();
		const sandboxes: SandboxState[] = [];
		const containers: ContainerState[] = [];
		for (const inspected of described) {
			if (kindOf(inspected) !== 'sandbox') continue;
			const state = sandboxState(inspected);
			sandboxes.push(state);
			holders.set(state.id, text(inspected, 'Id'));
			this.#context.objects.learn('sandbox', state.id, toObject(inspected));
		}
		for (const inspected of described) {
			if (kindOf(inspected) !== 'container') continue;
			const state = containerState(inspected, holders.get(text(inspected, 'Config', 'Labels', labels.sandbox)) ?? null);
			containers.push(state);
			this.#context.objects.learn('container', state.id, toObject(inspected));
		}
		return { sandboxes, containers };
	}

	/** null for what was removed since it was listed. */
	async #describe(engineId: string, signal: AbortSignal): Promise<unknown> {
		const answer = await this.#context.engine.json({ method: 'GET', path: `/containers/${engineId}/json`, signal, accept: [404] });
		return answer.status === 404 ? null : answer.body;
	}
}

/** The mark says what it is; the name says that it is not a stranger's container with a copy of our labels. */
function kindOf(inspected: unknown): 'sandbox' | 'container' | null {
	const name = text(inspected, 'Name');
	const mark = (label: string): string => text(inspected, 'Config', 'Labels', label);
	const kind = mark(labels.kind);
	if (kind === 'sandbox' && name === `/${sandboxEngineName(mark(labels.sandbox))}`) return kind;
	if (kind === 'container' && name === `/${containerEngineName(mark(labels.container))}`) return kind;
	return null;
}
