import { setTimeout as delay } from 'node:timers/promises';
import type { Selectable, Updateable } from 'kysely';
import type { ImageDriver, ImageState } from '../drivers/driver.ts';
import { failPoint } from '../faults/fail-point.ts';
import type { PullProgress } from '../model/container.ts';
import { fail, messageOf } from '../model/errors.ts';
import { imageReference, isFromRegistry } from '../model/image.ts';
import { insertEvent } from '../store/events.ts';
import type { ImageTable } from '../store/schema.ts';
import type { Deps } from './deps.ts';

export interface ImageJobOptions {
	/** Tries of a pull or removal that fails for a reason that may pass; after the last one it is given up. */
	readonly maxAttempts: number;
	/** First and longest pause between two tries, in ms. */
	readonly firstPause: number;
	readonly longestPause: number;
	/** ms between two notes of how far a pull is. */
	readonly progressInterval: number;
	/** Longest time of one try, in ms. */
	readonly deadline: number;
}

/** About an hour of trying. */
const defaultImageJobOptions: ImageJobOptions = {
	maxAttempts: 66,
	firstPause: 1000,
	longestPause: 60_000,
	progressInterval: 1000,
	deadline: 3_600_000,
};

type ImageRow = Selectable<ImageTable>;

interface Lane {
	/** Ends the try under way, or the pause before the next one. */
	abort: AbortController;
	/** It was woken: what is wanted may be another thing now. */
	again: boolean;
	readonly done: Promise<void>;
}

/**
 * Makes true what the image rows want of their hosts: `Pulling` becomes Active or Error, `Deleting` becomes no row. One
 * lane for each image; what is to be done is read from the row at each try, so that a new process goes on where the
 * last one ended, and nothing else has to be remembered.
 */
export class ImageJobs {
	readonly #deps: Deps;
	readonly #options: ImageJobOptions;
	readonly #stop = new AbortController();
	readonly #lanes = new Map<string, Lane>();

	constructor(deps: Deps, options: Partial<ImageJobOptions>) {
		this.#deps = deps;
		this.#options = { ...defaultImageJobOptions, ...options };
	}

	async start(): Promise<void> {
		const rows = await this.#deps.store.db.selectFrom('image').select('id').where('status', 'in', ['Pulling', 'Deleting']).execute();
		for (const { id } of rows) this.wake(id);
	}

	/** Ends what is under way; the next start goes on with it. */
	async stop(): Promise<void> {
		this.#stop.abort(new DOMException('the service stops', 'AbortError'));
		await Promise.allSettled([...this.#lanes.values()].map((lane) => lane.done));
	}

	/** The row has changed: its lane looks at it anew. */
	wake(id: string): void {
		if (this.#stop.signal.aborted) return;
		const lane = this.#lanes.get(id);
		if (lane !== undefined) {
			lane.again = true;
			lane.abort.abort(new DOMException('something else is wanted of the image', 'AbortError'));
			return;
		}
		const { promise, resolve } = Promise.withResolvers<void>();
		const made: Lane = { abort: new AbortController(), again: true, done: promise };
		this.#lanes.set(id, made);
		this.#run(id, made)
			.catch((error: unknown) => this.#deps.log.error({ image: id, error: messageOf(error) }, 'work on an image failed'))
			.finally(() => {
				this.#lanes.delete(id);
				resolve();
			});
	}

	async #run(id: string, lane: Lane): Promise<void> {
		const stopping = this.#stop.signal;
		let attempt = 0;
		while (!stopping.aborted) {
			if (lane.again) {
				lane.again = false;
				lane.abort = new AbortController();
				attempt = 0;
			}
			const row = await this.#row(id);
			if (row === undefined || (row.status !== 'Pulling' && row.status !== 'Deleting')) {
				if (lane.again) continue;
				return;
			}
			const changed = AbortSignal.any([stopping, lane.abort.signal]);
			attempt += 1;
			const error = await this.#try(row, AbortSignal.any([changed, AbortSignal.timeout(this.#options.deadline)]));
			if (error === null || changed.aborted) continue;
			if (!mayPass(error) || attempt >= this.#options.maxAttempts) {
				await this.#giveUp(row, messageOf(error));
			} else {
				await this.#change(row, { status_reason: `${messageOf(error)} It is tried again.` });
				const pause = Math.min(this.#options.longestPause, this.#options.firstPause * 2 ** (attempt - 1));
				await delay(pause, undefined, { signal: changed }).catch(() => {});
			}
		}
	}

	/** What went wrong; null = nothing. */
	async #try(row: ImageRow, signal: AbortSignal): Promise<unknown> {
		try {
			if (row.status === 'Pulling') await this.#pull(row, signal);
			else await this.#remove(row, signal);
			return null;
		} catch (error) {
			return error ?? new Error('unknown failure');
		}
	}

	async #pull(row: ImageRow, signal: AbortSignal): Promise<void> {
		const { images } = this.#deps.bus.agent(row.host);
		failPoint('control.image.pull.before');
		let progress: PullProgress | null = null;
		const finished = new AbortController();
		const notes = this.#noteProgress(row, () => progress, finished.signal);
		let state: ImageState;
		try {
			state = await this.#fetch(row, images, signal, (now) => {
				progress = now;
			});
		} finally {
			finished.abort();
			await notes;
		}
		failPoint('control.image.pull.done');
		const known = progress === null ? {} : { progress: JSON.stringify(progress) };
		await this.#change(row, { ...known, status: 'Active', status_reason: null, image_id: state.id, size: String(state.size) });
	}

	async #fetch(row: ImageRow, images: ImageDriver, signal: AbortSignal, onProgress: (progress: PullProgress) => void): Promise<ImageState> {
		const reference = imageReference(row);
		if (row.pull_policy !== 'always') {
			const present = await images.inspect(reference, signal);
			if (present !== null) return present;
			if (row.pull_policy === 'never') {
				throw fail('image-not-found', `Image ${reference} is not on host ${row.host}, and its pull policy is never.`);
			}
		}
		const found = row.registry_id === null ? null : await this.#deps.registries.auth(this.#deps.store.db, row.registry_id);
		const auth = found !== null && isFromRegistry(reference, found.domain) ? found : null;
		return await images.pull({ reference, auth, onProgress }, signal);
	}

	/** Writes how far the pull is, every so often, until it ends. */
	async #noteProgress(row: ImageRow, progress: () => PullProgress | null, finished: AbortSignal): Promise<void> {
		let noted: PullProgress | null = null;
		while (!finished.aborted) {
			const now = progress();
			if (now !== noted && now !== null) {
				noted = now;
				await this.#change(row, { progress: JSON.stringify(now) }).catch((error: unknown) =>
					this.#deps.log.warn({ image: row.id, error: messageOf(error) }, 'progress of a pull was not noted'),
				);
			}
			await delay(this.#options.progressInterval, undefined, { signal: finished }).catch(() => {});
		}
	}

	async #remove(row: ImageRow, signal: AbortSignal): Promise<void> {
		const host = await this.#deps.store.db.selectFrom('host').select('forced_down').where('hostname', '=', row.host).executeTakeFirst();
		if (host !== undefined && host.forced_down === 0) {
			failPoint('control.image.remove.before');
			await this.#deps.bus.agent(row.host).images.remove(imageReference(row), signal);
		}
		failPoint('control.image.remove.done');
		const now = this.#deps.now();
		await this.#deps.store.transaction(async (tx) => {
			await tx.deleteFrom('image').where('id', '=', row.id).execute();
			await insertEvent(tx, { ...subject(row), kind: 'image.deleted', status: null, reason: null, detail: detailOf(row) }, now);
		});
	}

	/** A pull has failed. An image that cannot be removed, such as one in use, is there as before. */
	async #giveUp(row: ImageRow, reason: string): Promise<void> {
		const removal = row.status === 'Deleting';
		const status = removal && row.image_id !== null ? 'Active' : 'Error';
		await this.#change(row, { status, status_reason: removal ? `delete failed: ${reason}` : reason });
	}

	/** Changes the row, unless something else is wanted of it by now; its events go with it. */
	async #change(row: ImageRow, change: Updateable<ImageTable>): Promise<void> {
		const now = this.#deps.now();
		await this.#deps.store.transaction(async (tx) => {
			const result = await tx
				.updateTable('image')
				.set({ ...change, updated_at: now })
				.where('id', '=', row.id)
				.where('status', '=', row.status)
				.executeTakeFirst();
			if (result.numUpdatedRows === 0n) return;
			const { progress, status, status_reason: reason = null } = change;
			if (progress !== undefined && progress !== null) {
				const detail = { ...detailOf(row), ...JSON.parse(progress) };
				await insertEvent(tx, { ...subject(row), kind: 'image.pull', status: null, reason: null, detail }, now);
			}
			if (status !== undefined) {
				await insertEvent(tx, { ...subject(row), kind: 'image.status', status, reason, detail: detailOf(row) }, now);
			}
		});
	}

	async #row(id: string): Promise<ImageRow | undefined> {
		return await this.#deps.store.db.selectFrom('image').selectAll().where('id', '=', id).executeTakeFirst();
	}
}

function subject(row: ImageRow) {
	return { projectId: row.project_id, sandboxId: null, containerId: null };
}

function detailOf(row: ImageRow) {
	return { image_uuid: row.id, repo: row.repo, tag: row.tag, host: row.host };
}

/** Whether the same may succeed later: the host or the registry is away, a disk is full, it took too long. */
function mayPass(error: unknown): boolean {
	if (!(error instanceof Error)) return false;
	if (error.name === 'TimeoutError') return true;
	if ('transient' in error) return error.transient === true;
	return 'code' in error && error.code === 'host-not-up';
}
