import { messageOf } from '../model/errors.ts';
import { pause } from '../model/repeat.ts';
import { askSandboxDelete, systemRequest } from './deletion.ts';
import type { Deps } from './deps.ts';
import { LostHosts } from './lost-hosts.ts';

/** Longest time between two looks, in ms: what a clock that was set forward costs at the most. */
const longestSleep = 10_000;

/** What the service does by itself as time goes by: sandboxes whose time is up end, hosts are given up, old history goes. */
export class Housekeeping {
	readonly #deps: Deps;
	readonly #lostHosts: LostHosts;
	readonly #stop = new AbortController();
	#running: Promise<void> = Promise.resolve();

	constructor(deps: Deps) {
		this.#deps = deps;
		this.#lostHosts = new LostHosts(deps);
	}

	start(): void {
		this.#running = this.#loop(this.#stop.signal);
	}

	async stop(): Promise<void> {
		this.#stop.abort();
		await this.#running;
	}

	async #loop(signal: AbortSignal): Promise<void> {
		let nextPurge = 0;
		while (!signal.aborted) {
			const changed = this.#deps.hub.next(await this.#untilNextExpiry(), signal);
			try {
				await this.expire();
				await this.#lostHosts.look();
				if (this.#deps.now() >= nextPurge) {
					await this.purge();
					nextPurge = this.#deps.now() + 600_000;
				}
			} catch (error) {
				this.#deps.log.error({ error: messageOf(error) }, 'housekeeping failed; it is tried again');
			}
			await changed;
			// Commits come in bursts; one look serves them all.
			await pause(200, signal);
		}
	}

	/** Asks for the deletion of every sandbox whose time is up; answers how many. */
	async expire(): Promise<number> {
		const now = this.#deps.now();
		const due = await this.#deps.store.db
			.selectFrom('sandbox')
			.select(['id'])
			.where('expires_at', '<=', now)
			.where('expires_remaining', 'is', null)
			.where('desired_status', '!=', 'Deleted')
			.execute();
		for (const { id } of due) {
			const row = await this.#deps.store.transaction(async (tx) => {
				const found = await tx.selectFrom('sandbox').selectAll().where('id', '=', id).executeTakeFirst();
				const over = found !== undefined && found.expires_at !== null && found.expires_at <= now && found.expires_remaining === null;
				if (!over || found.desired_status === 'Deleted') return null;
				await askSandboxDelete(this.#deps, tx, { requestId: systemRequest(id), userId: found.user_id }, found);
				return found;
			});
			if (row?.host) this.#deps.bus.wake(row.host, row.id);
		}
		return due.length;
	}

	/** Drops history and keys that have been kept for long enough. */
	async purge(): Promise<void> {
		const now = this.#deps.now();
		const { operationRetention, eventRetention, idempotencyRetention } = this.#deps.options;
		await this.#deps.store.transaction(async (tx) => {
			await tx
				.deleteFrom('operation')
				.where('finished_at', '<', now - operationRetention)
				.execute();
			await tx
				.deleteFrom('event')
				.where('created_at', '<', now - eventRetention)
				.execute();
			await tx
				.deleteFrom('idempotency')
				.where('created_at', '<', now - idempotencyRetention)
				.execute();
			await tx.deleteFrom('token').where('expires_at', '<', now).execute();
		});
	}

	async #untilNextExpiry(): Promise<number> {
		const next = await this.#deps.store.db
			.selectFrom('sandbox')
			.select((eb) => eb.fn.min('expires_at').as('at'))
			.where('expires_remaining', 'is', null)
			.where('desired_status', '!=', 'Deleted')
			.executeTakeFirst();
		const at = next?.at ?? null;
		return at === null ? longestSleep : Math.min(longestSleep, Math.max(1, at - this.#deps.now()));
	}
}
