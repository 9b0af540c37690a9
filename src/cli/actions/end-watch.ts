import { numberIn, resourceIn, textIn } from '../resource.ts';
import type { Client } from '../session/client.ts';
import { eventsOf } from '../session/event-stream.ts';

/**
 * Notes how containers end, for one that is deleted with its end: then only the events still tell. To be begun before
 * the container is made.
 */
export class EndWatch {
	readonly #exitCodes = new Map<string, number>();
	readonly #deleted = new Set<string>();
	readonly #stop = new AbortController();
	#changed = Promise.withResolvers<void>();

	private constructor() {}

	static async begin(client: Client): Promise<EndWatch> {
		const watch = new EndWatch();
		const answer = await client.stream('GET', '/events', { query: { kind: 'container' } }, watch.#stop.signal);
		const begun = Promise.withResolvers<void>();
		watch.#follow(eventsOf(answer, begun.resolve)).catch(() => begun.resolve());
		await begun.promise;
		return watch;
	}

	/** Exit code of a container that is gone; null when it was deleted without an end, or the time (ms) is over. */
	async exitCodeOf(id: string, timeout: number): Promise<number | null> {
		const over = AbortSignal.timeout(timeout);
		const ended = new Promise<void>((resolve) => over.addEventListener('abort', () => resolve(), { once: true }));
		while (!this.#deleted.has(id) && !over.aborted && !this.#stop.signal.aborted) await Promise.race([this.#changed.promise, ended]);
		return this.#exitCodes.get(id) ?? null;
	}

	end(): void {
		this.#stop.abort();
	}

	async #follow(events: ReturnType<typeof eventsOf>): Promise<void> {
		for await (const event of events) {
			const id = textIn(event, 'container_id');
			const exitCode = numberIn(resourceIn(event, 'detail'), 'exit_code');
			if (exitCode !== null) this.#exitCodes.set(id, exitCode);
			if (textIn(event, 'kind') === 'container.deleted') this.#deleted.add(id);
			this.#tell();
		}
	}

	#tell(): void {
		this.#changed.resolve();
		this.#changed = Promise.withResolvers();
	}
}
