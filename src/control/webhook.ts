import { messageOf } from '../model/errors.ts';
import type { Event } from '../model/event.ts';
import { pause } from '../model/repeat.ts';
import type { Sender } from '../providers/events/webhook-sender.ts';
import { eventsAfter, lastEvent } from '../store/events.ts';
import type { Deps } from './deps.ts';

export interface WebhookOptions {
	/** Kinds of events, or first parts such as `container`; none = all. */
	readonly kinds: readonly string[];
	/** The message of an event. */
	readonly render: (event: Event) => string;
	/** Tries of one event, after which it is left out. */
	readonly maxAttempts: number;
	/** First and longest pause between two tries, in ms. */
	readonly firstPause: number;
	readonly longestPause: number;
}

/** About an hour of trying. */
export const defaultWebhookTries = { maxAttempts: 66, firstPause: 1000, longestPause: 60_000 };

const positionKey = 'webhook.position';
const batch = 200;
/** ms between two notes of how far it is: each is a commit. What came after the last one is sent again after a crash. */
const noteInterval = 5000;
const patience = 30_000;

/**
 * Tells a receiver of every event of the service, one after another in their order, from where an earlier run stopped.
 * A message may come twice, never out of its order; a receiver that stays away for too long misses some, and can read
 * them with their numbers.
 */
export class Webhook {
	readonly #deps: Deps;
	readonly #send: Sender;
	readonly #options: WebhookOptions;
	readonly #stop = new AbortController();
	#running: Promise<void> = Promise.resolve();
	#noted = 0;
	#notedAt = 0;

	constructor(deps: Deps, send: Sender, options: WebhookOptions) {
		this.#deps = deps;
		this.#send = send;
		this.#options = options;
	}

	/** The first start begins with what happens from now on. */
	async start(): Promise<void> {
		const { db } = this.#deps.store;
		const row = await db.selectFrom('meta').select('value').where('key', '=', positionKey).executeTakeFirst();
		const position = row === undefined ? await lastEvent(db) : Number(row.value);
		if (row === undefined) await this.#note(position);
		this.#noted = position;
		this.#running = this.#loop(position);
	}

	async stop(): Promise<void> {
		this.#stop.abort();
		await this.#running;
	}

	async #loop(from: number): Promise<void> {
		const { signal } = this.#stop;
		const { hub, store, log } = this.#deps;
		let position = from;
		while (!signal.aborted) {
			const changed = hub.next(patience, signal);
			try {
				for (;;) {
					const events = await eventsAfter(store.db, position, null, batch);
					for (const event of events) {
						if (this.#isWanted(event)) await this.#deliver(event);
						if (signal.aborted) break;
						position = event.seq;
						if (performance.now() - this.#notedAt > noteInterval) await this.#note(position);
					}
					if (events.length < batch || signal.aborted) break;
				}
			} catch (error) {
				log.error({ error: messageOf(error) }, 'the webhook failed; it is tried again');
				await pause(this.#options.longestPause, signal);
			}
			await changed;
		}
		if (position !== this.#noted) await this.#note(position);
	}

	#isWanted({ kind }: Event): boolean {
		const { kinds } = this.#options;
		return kinds.length === 0 || kinds.some((wanted) => kind === wanted || kind.startsWith(`${wanted}.`));
	}

	/** Ends when the event was taken, was tried often enough, or the service stops. */
	async #deliver(event: Event): Promise<void> {
		const { signal } = this.#stop;
		const { maxAttempts, firstPause, longestPause, render } = this.#options;
		const body = render(event);
		for (let attempt = 1; !signal.aborted; attempt += 1) {
			try {
				return await this.#send(body, signal);
			} catch (error) {
				if (signal.aborted) return;
				const facts = { event: event.seq, attempt, error: messageOf(error) };
				if (attempt >= maxAttempts) return this.#deps.log.error(facts, 'an event was left out: the webhook did not take it');
				if (attempt === 1) this.#deps.log.warn(facts, 'the webhook did not take an event; it is sent again');
				await pause(Math.min(longestPause, firstPause * 2 ** (attempt - 1)), signal);
			}
		}
	}

	async #note(position: number): Promise<void> {
		const value = String(position);
		await this.#deps.store.transaction(async (tx) => {
			const row = { key: positionKey, value };
			await tx
				.insertInto('meta')
				.values(row)
				.onConflict((conflict) => conflict.column('key').doUpdateSet({ value }))
				.execute();
		});
		this.#noted = position;
		this.#notedAt = performance.now();
	}
}
