import { ownImageDomain } from './image.ts';

/**
 * The data of an image service that a container is made of, as it was found with the rights of who asked for it. It never
 * changes under its id and hash.
 */
export interface ImageSource {
	/** Of the image at that service, a uuid. */
	readonly imageId: string;
	readonly hash: DataHash;
	/** Bytes of the archive; null = not known. */
	readonly size: number | null;
}

/** What data must have. */
export interface DataHash {
	/** As OpenSSL names it, such as `sha512`. */
	readonly algorithm: string;
	/** Lower-case hexadecimal digits. */
	readonly value: string;
}

/** Where images of an image service are in the engine of a host. Users cannot name anything there. */
export const sourceRepository = `${ownImageDomain}/glance`;

/** Name of the image in the engine. It is never one that its archive has: whoever made that would choose it. */
export function sourceReference({ imageId, hash }: ImageSource): string {
	return `${sourceRepository}/${imageId}:${hash.value.slice(0, 12)}`;
}
