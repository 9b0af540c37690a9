import type { Readable } from 'node:stream';
import type { ImageSource } from '../../model/image-source.ts';
import type { Principal } from '../../model/principal.ts';
import type { Delegation } from '../delegation.ts';

/**
 * A service that keeps images of containers as archives, as `docker save` makes them. Each call fails with a
 * ProviderError, or with the signal's reason.
 */
export interface ImageProvider {
	/**
	 * What a user means by an id or a name, found with the user's rights. Throws ZunboxError for what the user got wrong:
	 * `image-not-found` also for an image that no container can be made of, `conflict` for a name that several images bear.
	 */
	find(principal: Principal, idOrName: string, signal: AbortSignal): Promise<ImageSource>;
	/** Images of containers that the user may see, by name: the whole one or a part of it; or by id. */
	search(principal: Principal, name: string, exact: boolean, signal: AbortSignal): Promise<readonly StoredImage[]>;
	/** The archive. Reading fails likewise, and at its end when it is not what its checksum says. */
	download(imageId: string, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>>;
	/** Makes the record of an image without data, in the user's project and with the user's rights. */
	create(user: Delegation, image: NewStoredImage, signal: AbortSignal): Promise<void>;
	/** Gives an image its data; with the user's rights, or with the service's own where `user` is null. */
	upload(user: Delegation | null, imageId: string, data: Readable, signal: AbortSignal): Promise<void>;
	/** `empty` = it waits for its data; `gone` = there is no such image, or it can have no data any more. */
	state(imageId: string, signal: AbortSignal): Promise<'empty' | 'busy' | 'ready' | 'gone'>;
	/** What is gone already is no error. */
	remove(imageId: string, signal: AbortSignal): Promise<void>;
}

export interface NewStoredImage {
	/** A uuid of ours, so that it can be found again whatever comes between. */
	readonly id: string;
	readonly name: string;
	readonly tag: string;
}

/** An image as its service shows it. */
export interface StoredImage {
	readonly id: string;
	readonly name: string;
	readonly tags: readonly string[];
	readonly status: string;
	/** Bytes; null = it has no data yet. */
	readonly size: number | null;
	readonly visibility: string;
	/** Id of the project. */
	readonly owner: string | null;
	readonly containerFormat: string | null;
	readonly diskFormat: string | null;
	/** ms since the epoch; null = not told. */
	readonly updatedAt: number | null;
}
