import { messageOf } from '../../model/errors.ts';
import { sourceReference, sourceRepository } from '../../model/image-source.ts';
import { pause } from '../../model/repeat.ts';
import { imageSourceOf } from '../../store/containers.ts';
import type { Deps } from '../deps.ts';
import { imagesOnHosts } from '../host-images.ts';
import type { ImageService } from './image-service.ts';
import { uploadRepository } from './uploads.ts';

/**
 * Removes from hosts what came there from the image service, or is on its way to it, and is of no use any more. It is
 * left for a while, since it may be wanted again. What a container is made of an engine does not give up.
 */
export class ImageSweep {
	readonly #deps: Deps;
	readonly #options: ImageService['options'];
	readonly #stop = new AbortController();
	/** When an image was first seen without use, by host and name. */
	readonly #unused = new Map<string, number>();
	#running: Promise<void> = Promise.resolve();

	constructor(deps: Deps, { options }: ImageService) {
		this.#deps = deps;
		this.#options = options;
	}

	start(): void {
		this.#running = this.#loop(this.#stop.signal);
	}

	async stop(): Promise<void> {
		this.#stop.abort(new DOMException('the service stops', 'AbortError'));
		await this.#running;
	}

	/** One look at all hosts; answers the names of what was removed. */
	async look(signal: AbortSignal): Promise<readonly string[]> {
		const now = this.#deps.now();
		const seen = new Set<string>();
		const removed: string[] = [];
		for (const { hostname, images } of await imagesOnHosts(this.#deps, signal)) {
			for (const reference of images.flatMap(({ references }) => references)) {
				if (!isOurs(reference)) continue;
				const key = `${hostname} ${reference}`;
				seen.add(key);
				if (await this.#isNeeded(hostname, reference)) this.#unused.delete(key);
				else if (now - (this.#unused.get(key) ?? now) >= this.#options.unusedAfter) {
					if (await this.#remove(hostname, reference, signal)) removed.push(reference);
				} else if (!this.#unused.has(key)) this.#unused.set(key, now);
			}
		}
		for (const key of this.#unused.keys()) if (!seen.has(key)) this.#unused.delete(key);
		return removed;
	}

	async #loop(signal: AbortSignal): Promise<void> {
		while (!signal.aborted) {
			await pause(this.#options.sweepInterval, signal);
			if (signal.aborted) return;
			await this.look(AbortSignal.any([signal, AbortSignal.timeout(60_000)])).catch((error: unknown) =>
				this.#deps.log.warn({ error: messageOf(error) }, 'a look for images that no container needs failed'),
			);
		}
	}

	async #isNeeded(hostname: string, reference: string): Promise<boolean> {
		const { db } = this.#deps.store;
		const upload = await db.selectFrom('image_upload').select('image_id').where('engine_reference', '=', reference).executeTakeFirst();
		if (upload !== undefined) return true;
		const rows = await db
			.selectFrom('container')
			.innerJoin('sandbox', 'sandbox.id', 'container.sandbox_id')
			.select('container.image_source')
			.where('sandbox.host', '=', hostname)
			.where('container.image_source', 'is not', null)
			.execute();
		return rows.some((row) => {
			const source = imageSourceOf(row);
			return source !== null && sourceReference(source) === reference;
		});
	}

	async #remove(hostname: string, reference: string, signal: AbortSignal): Promise<boolean> {
		try {
			await this.#deps.bus.agent(hostname).images.remove(reference, signal);
			return true;
		} catch (error) {
			this.#deps.log.warn({ host: hostname, image: reference, error: messageOf(error) }, 'an image that no container needs is still there');
			return false;
		}
	}
}

function isOurs(reference: string): boolean {
	return reference.startsWith(`${sourceRepository}/`) || reference.startsWith(`${uploadRepository}/`);
}
