import { DriverError, type ImageState } from '../driver.ts';
import { type FakeImage, normalReference } from './fake-image.ts';

/** The images on a fake host and their names. */
export class ImageStore {
	readonly #images = new Map<string, FakeImage>();
	readonly #references = new Map<string, string>();

	/** By name or id; null when it is not there. */
	find(reference: string): FakeImage | null {
		const id = reference.startsWith('sha256:') ? reference : this.#references.get(normalReference(reference));
		return this.#images.get(id ?? '') ?? null;
	}

	/** Fails with `image-not-found`. */
	get(reference: string): FakeImage {
		const image = this.find(reference);
		if (image === null) throw new DriverError('image-not-found', `Image ${reference} is not on the host.`);
		return image;
	}

	add(image: FakeImage, references: readonly string[]): void {
		this.#images.set(image.id, image);
		for (const reference of references) this.#references.set(normalReference(reference), image.id);
	}

	/** Takes the name away, and the image with its last name. By id, all of it. */
	remove(reference: string): void {
		const image = this.find(reference);
		if (image === null) return;
		if (reference.startsWith('sha256:')) for (const name of this.references(image)) this.#references.delete(name);
		this.#references.delete(normalReference(reference));
		if (this.references(image).length === 0) this.#images.delete(image.id);
	}

	references(image: FakeImage): readonly string[] {
		return [...this.#references].filter(([, id]) => id === image.id).map(([reference]) => reference);
	}

	list(): readonly ImageState[] {
		return [...this.#images.values()].map((image) => this.state(image));
	}

	state(image: FakeImage): ImageState {
		return {
			id: image.id,
			references: this.references(image),
			size: image.size,
			architecture: image.config.architecture,
			createdAt: image.config.createdAt,
			command: image.config.command,
			entrypoint: image.config.entrypoint,
		};
	}
}
