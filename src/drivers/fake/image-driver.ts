import { DriverError, type ImageDriver, type ImageState, type PullRequest } from '../driver.ts';
import { collectBytes } from '../tar.ts';
import type { FakeEngine } from './fake-engine.ts';
import { loadImages, normalReference, saveImage } from './fake-image.ts';
import { abortable } from './faults.ts';

export class FakeImageDriver implements ImageDriver {
	readonly #engine: FakeEngine;

	constructor(engine: FakeEngine) {
		this.#engine = engine;
	}

	inspect(reference: string, signal: AbortSignal): Promise<ImageState | null> {
		return this.#call('inspect', signal, () => {
			const image = this.#engine.images.find(reference);
			return image === null ? null : this.#engine.images.state(image);
		});
	}

	list(signal: AbortSignal): Promise<readonly ImageState[]> {
		return this.#call('list', signal, () => this.#engine.images.list());
	}

	pull(request: PullRequest, signal: AbortSignal): Promise<ImageState> {
		return this.#call('pull', signal, async () => {
			const image = await this.#engine.registry.pull(request, signal);
			this.#engine.images.add(image, [request.reference]);
			return this.#engine.images.state(image);
		});
	}

	load(tar: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<readonly string[]> {
		return this.#call('load', signal, async () => {
			const loaded = loadImages(await abortable(collectBytes(tar), signal));
			for (const { image, references } of loaded) this.#engine.images.add(image, references);
			return loaded.flatMap(({ references }) => references);
		});
	}

	async *save(reference: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
		const image = await this.#call('save', signal, () => this.#engine.images.get(reference));
		const named = reference.startsWith('sha256:') ? [] : [normalReference(reference)];
		yield* chunks(saveImage(image, named));
	}

	tag(reference: string, newReference: string, signal: AbortSignal): Promise<void> {
		return this.#call('tag', signal, () => this.#engine.images.add(this.#engine.images.get(reference), [newReference]));
	}

	push(request: PullRequest, signal: AbortSignal): Promise<void> {
		return this.#call('push', signal, () => this.#engine.registry.push(request, this.#engine.images.get(request.reference)));
	}

	remove(reference: string, signal: AbortSignal): Promise<void> {
		return this.#call('remove', signal, () => {
			const image = this.#engine.images.find(reference);
			const last = image !== null && (reference.startsWith('sha256:') || this.#engine.images.references(image).length < 2);
			if (last && this.#engine.uses(image)) throw new DriverError('conflict', `Image ${reference} is used by a container.`);
			this.#engine.images.remove(reference);
		});
	}

	#call<T>(method: string, signal: AbortSignal, effect: () => T | Promise<T>): Promise<T> {
		return this.#engine.faults.call(`images.${method}`, signal, effect);
	}
}

/** The bytes as a stream brings them. */
export function* chunks(bytes: Uint8Array): Generator<Uint8Array> {
	for (let at = 0; at < bytes.length; at += 65536) yield bytes.subarray(at, at + 65536);
}
