import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../model/errors.ts';
import type { Deps } from './deps.ts';
import { isPushed, leftOver } from './push.ts';

/** First and longest pause between two tries, while a host cannot be reached, in ms. */
const firstPause = 1_000;
const longestPause = 60_000;

/**
 * Ends what pushes of an earlier run of the service left: names in the engines of hosts, and the marks that keep others
 * from what bears them.
 */
export class LeftPushes {
	readonly #deps: Deps;
	readonly #stop = new AbortController();
	#running: Promise<void> = Promise.resolve();

	constructor(deps: Deps) {
		this.#deps = deps;
	}

	/** To be called before the first push of this run. */
	async start(): Promise<void> {
		await this.#deps.store.transaction(async (tx) => {
			for (const { reference, project_id } of await tx
				.selectFrom('private_image')
				.selectAll()
				.where('project_id', 'like', 'push:%')
				.execute()) {
				await tx.deleteFrom('private_image').where('reference', '=', reference).where('project_id', '=', project_id).execute();
				await tx
					.insertInto('private_image')
					.values({ reference, project_id: leftOver(project_id.slice('push:'.length)) })
					.onConflict((conflict) => conflict.doNothing())
					.execute();
			}
		});
		this.#running = this.#loop(this.#stop.signal);
	}

	async stop(): Promise<void> {
		this.#stop.abort();
		await this.#running;
	}

	async #loop(signal: AbortSignal): Promise<void> {
		for (let pause = firstPause; !signal.aborted; pause = Math.min(longestPause, 2 * pause)) {
			const left = await this.#marks();
			if (left.length === 0) return;
			for (const mark of left) {
				if (signal.aborted) return;
				await this.#end(mark, AbortSignal.any([signal, AbortSignal.timeout(60_000)])).catch((error: unknown) =>
					this.#deps.log.warn({ image: mark.reference, error: messageOf(error) }, 'what a push left is still there'),
				);
			}
			await delay(pause, undefined, { signal }).catch(() => {});
		}
	}

	#marks() {
		return this.#deps.store.db.selectFrom('private_image').selectAll().where('project_id', 'like', leftOver('%')).execute();
	}

	async #end(mark: { readonly reference: string; readonly project_id: string }, signal: AbortSignal): Promise<void> {
		const { store, bus } = this.#deps;
		const projectId = mark.project_id.slice(leftOver('').length);
		const commits = await store.db
			.selectFrom('committed_image')
			.innerJoin('host', 'host.hostname', 'committed_image.host')
			.select(['committed_image.host', 'committed_image.engine_reference'])
			.where('project_id', '=', projectId)
			.where('reference', '=', mark.reference)
			.where('host.forced_down', '=', 0)
			.execute();
		for (const { host, engine_reference } of commits) {
			const { images } = bus.agent(host);
			if (await isPushed(images, engine_reference, mark.reference, signal)) await images.remove(mark.reference, signal);
		}
		await store.transaction(async (tx) => {
			await tx.deleteFrom('private_image').where('reference', '=', mark.reference).where('project_id', '=', mark.project_id).execute();
		});
	}
}
