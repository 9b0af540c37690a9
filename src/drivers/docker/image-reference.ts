/** An image reference as the engine's calls want it: name and tag (or digest) apart. */
export interface ImageReference {
	readonly repository: string;
	/** Tag, or a digest such as `sha256:…`. */
	readonly tag: string;
}

/** A reference without a tag means `latest`: to the engine's pull it would mean every tag that there is. */
export function splitReference(reference: string): ImageReference {
	const digest = reference.indexOf('@');
	if (digest >= 0) return { repository: reference.slice(0, digest), tag: reference.slice(digest + 1) };
	const colon = reference.lastIndexOf(':');
	if (colon <= reference.lastIndexOf('/')) return { repository: reference, tag: 'latest' };
	return { repository: reference.slice(0, colon), tag: reference.slice(colon + 1) };
}
