import type { ImagePullPolicy, PullProgress } from './container.ts';

export const imageStatuses = ['Pulling', 'Active', 'Error', 'Deleting'] as const;
export type ImageStatus = (typeof imageStatuses)[number];

/** An image on a host: one that an administrator has brought there, or what else the engine holds. */
export interface Image {
	readonly id: string;
	/** Who brought or committed it; null = it came with a container, or by hand. */
	readonly projectId: string | null;
	/** null = nobody brought it. */
	readonly userId: string | null;
	/** The engine's id, `sha256:…`; null until it is known. */
	readonly imageId: string | null;
	readonly repo: string;
	/** A tag, or a digest such as `sha256:…`. */
	readonly tag: string;
	/** Bytes as text, as Zun writes them. */
	readonly size: string | null;
	readonly host: string;
	readonly status: ImageStatus;
	readonly statusReason: string | null;
	readonly progress: PullProgress | null;
	readonly pullPolicy: ImagePullPolicy;
	readonly registryId: string | null;
	/** ms since the epoch. */
	readonly createdAt: number;
	readonly updatedAt: number;
}

export interface ImageName {
	readonly repo: string;
	readonly tag: string;
}

/** Name and tag (or digest) of a reference apart; without either the tag is `latest`. */
export function parseImageName(reference: string): ImageName {
	const digest = reference.indexOf('@');
	if (digest >= 0) return { repo: reference.slice(0, digest), tag: reference.slice(digest + 1) };
	const colon = reference.lastIndexOf(':');
	if (colon <= reference.lastIndexOf('/')) return { repo: reference, tag: 'latest' };
	return { repo: reference.slice(0, colon), tag: reference.slice(colon + 1) };
}

export function imageReference({ repo, tag }: ImageName): string {
	return tag.includes(':') ? `${repo}@${tag}` : `${repo}:${tag}`;
}

/** Images that are named under it are ours to give out: users cannot name them as they are named in the engine. */
export const ownImageDomain = 'zunbox.local';

/** The registry that a reference names itself; null = none, which engines take for Docker Hub. */
export function explicitDomain(reference: string): string | null {
	const slash = reference.indexOf('/');
	if (slash < 0) return null;
	const first = reference.slice(0, slash);
	return /[.:]/.test(first) || first === 'localhost' ? first : null;
}

const hub = 'docker.io';

/** A registry's domain in one form: without scheme and path, in lower case, Docker Hub under one name. */
export function normalDomain(domain: string): string {
	const bare = domain
		.replace(/^https?:\/\//i, '')
		.replace(/\/.*$/, '')
		.toLowerCase();
	return bare === 'index.docker.io' || bare === 'registry-1.docker.io' ? hub : bare;
}

/**
 * Whether credentials of a registry may be sent for the image. An engine sends them to whatever registry the image's
 * name begins with: without this check, who may use a registry could have its password sent to a server of his own.
 */
export function isFromRegistry(image: string, domain: string): boolean {
	return normalDomain(explicitDomain(image) ?? hub) === normalDomain(domain);
}

/** The image's name in a registry: one that names no registry itself is taken to be there. */
export function imageInRegistry(image: string, domain: string): string {
	const wanted = normalDomain(domain);
	return explicitDomain(image) !== null || wanted === hub ? image : `${wanted}/${image}`;
}
