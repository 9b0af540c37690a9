import type { Event } from '../model/event.ts';
import { isAdmin, type Principal } from '../model/principal.ts';
import { eventsAfter } from '../store/events.ts';
import type { EventControl, EventFilter } from './control.ts';
import type { Deps } from './deps.ts';
import { EventTail } from './event-tail.ts';
import { findContainer, findSandbox } from './lookup.ts';

/** Rows read at a time, which bounds what a slow watcher holds in memory. */
const batch = 200;

/** Longest time between two looks at the table, in ms. */
const patience = 30_000;

/** Events as they are committed. Who is behind reads them from the table, so a watcher may be as slow as it likes. */
export class Events implements EventControl {
	readonly #deps: Deps;
	readonly #tail: EventTail;

	constructor(deps: Deps) {
		this.#deps = deps;
		this.#tail = new EventTail(deps.store);
	}

	async *watch(principal: Principal, filter: EventFilter, signal: AbortSignal): AsyncIterable<Event> {
		const left = new AbortController();
		try {
			yield* this.#watch(principal, filter, AbortSignal.any([signal, left.signal]));
		} finally {
			left.abort();
		}
	}

	async *#watch(principal: Principal, filter: EventFilter, signal: AbortSignal): AsyncIterable<Event> {
		const db = this.#deps.store.db;
		const all = filter.allProjects === true && isAdmin(principal);
		const sandboxId = filter.sandbox === undefined ? null : await this.#sandboxId(principal, filter.sandbox);
		const containerId = filter.container === undefined ? null : await this.#containerId(principal, filter.container);
		let after = filter.after ?? (await this.#tail.last());
		while (!signal.aborted) {
			const changed = this.#deps.hub.next(patience, signal);
			for (;;) {
				const newest = await this.#tail.after(after);
				const events = newest ?? (await eventsAfter(db, after, all ? null : principal.projectId, batch));
				for (const event of events) {
					if (signal.aborted) return;
					after = event.seq;
					if (!all && event.projectId !== principal.projectId) continue;
					if (sandboxId !== null && event.sandboxId !== sandboxId) continue;
					if (containerId !== null && event.containerId !== containerId) continue;
					if (filter.kind !== undefined && event.kind !== filter.kind && !event.kind.startsWith(`${filter.kind}.`)) continue;
					yield event;
				}
				if (newest !== null || events.length < batch) break;
				// Who resumes from long ago, and whose filter lets little through, holds up nobody else meanwhile.
				await new Promise(setImmediate);
			}
			await changed;
		}
	}

	/** What is gone already can still be named by its id: its events are there. */
	async #sandboxId(principal: Principal, ref: string): Promise<string> {
		return await findSandbox(this.#deps.store.db, principal, ref).then(
			(row) => row.id,
			() => ref,
		);
	}

	async #containerId(principal: Principal, ref: string): Promise<string> {
		return await findContainer(this.#deps.store.db, principal, ref).then(
			(row) => row.id,
			() => ref,
		);
	}
}
