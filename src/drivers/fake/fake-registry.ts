import { DriverError, type PullRequest } from '../driver.ts';
import { type FakeImage, normalReference } from './fake-image.ts';
import { pauseFor } from './faults.ts';

export interface RegistryEntry {
	readonly image: FakeImage;
	/** Bytes of each layer as the progress of a pull shows them. */
	readonly layerSizes: readonly number[];
	/** How long each layer takes, in ms. */
	readonly layerDelay: number;
	/** Who may pull it; null = everybody. */
	readonly credentials: { readonly username: string; readonly password: string } | null;
}

/** A registry that pulls and pushes of a fake engine reach. */
export class FakeRegistry {
	/** While true, pulls and pushes fail with `unavailable`. */
	down = false;
	readonly #entries = new Map<string, RegistryEntry>();

	add(reference: string, image: FakeImage, fields: Partial<Omit<RegistryEntry, 'image'>> = {}): void {
		const layerSizes = fields.layerSizes ?? image.layers.map((layer) => layer.length);
		this.#entries.set(normalReference(reference), {
			image,
			layerSizes,
			layerDelay: fields.layerDelay ?? 0,
			credentials: fields.credentials ?? null,
		});
	}

	has(reference: string): boolean {
		return this.#entries.has(normalReference(reference));
	}

	async pull(request: PullRequest, signal: AbortSignal): Promise<FakeImage> {
		const entry = this.#open(request);
		if (entry === undefined) throw new DriverError('image-not-found', `Image ${request.reference} is not in the registry.`);
		const bytesTotal = entry.layerSizes.reduce((sum, size) => sum + size, 0);
		const layersTotal = entry.layerSizes.length;
		let bytesDone = 0;
		request.onProgress?.({ layersDone: 0, layersTotal, bytesDone, bytesTotal });
		for (const [index, size] of entry.layerSizes.entries()) {
			signal.throwIfAborted();
			if (entry.layerDelay > 0) await pauseFor(entry.layerDelay, signal);
			bytesDone += size;
			request.onProgress?.({ layersDone: index + 1, layersTotal, bytesDone, bytesTotal });
		}
		return entry.image;
	}

	push(request: PullRequest, image: FakeImage): void {
		const credentials = this.#open(request)?.credentials ?? null;
		this.add(request.reference, image, { credentials });
	}

	#open(request: PullRequest): RegistryEntry | undefined {
		if (this.down) throw new DriverError('unavailable', 'The registry cannot be reached.');
		const entry = this.#entries.get(normalReference(request.reference));
		const wanted = entry?.credentials ?? null;
		const given = request.auth;
		if (wanted !== null && (given?.username !== wanted.username || given.password !== wanted.password)) {
			throw new DriverError('unauthorized', `The registry does not let you have ${request.reference}.`);
		}
		return entry;
	}
}
