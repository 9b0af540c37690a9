import { getHashes } from 'node:crypto';
import type { Readable } from 'node:stream';
import { fail } from '../../../model/errors.ts';
import { isId } from '../../../model/ids.ts';
import { parseImageName } from '../../../model/image.ts';
import type { ImageSource } from '../../../model/image-source.ts';
import type { Principal } from '../../../model/principal.ts';
import { OpenStackError, orNull } from '../../../openstack/errors.ts';
import type { GlanceClient, GlanceImage } from '../../../openstack/glance.ts';
import { asService, type Caller } from '../../../openstack/session.ts';
import { type Delegation, delegationOf } from '../../delegation.ts';
import { asUser, calling } from '../../openstack-failure.ts';
import { ProviderError } from '../../provider-error.ts';
import type { ImageProvider, NewStoredImage, StoredImage } from '../image-provider.ts';

/** What Glance calls an image of a container. */
const format = { containerFormat: 'docker', diskFormat: 'raw' } as const;
const onlyContainers = { container_format: format.containerFormat };

/** Images in Glance. */
export class GlanceImages implements ImageProvider {
	readonly #glance: GlanceClient;

	constructor(glance: GlanceClient) {
		this.#glance = glance;
	}

	async find(principal: Principal, idOrName: string, signal: AbortSignal): Promise<ImageSource> {
		const user = asUser(delegationOf(principal));
		const byId = isId(idOrName) ? await calling(user, orNull(this.#glance.image(user, idOrName, signal))) : null;
		return sourceOf(byId ?? (await this.#byName(user, principal, idOrName, signal)));
	}

	async search(principal: Principal, name: string, exact: boolean, signal: AbortSignal): Promise<readonly StoredImage[]> {
		const user = asUser(delegationOf(principal));
		if (isId(name)) {
			const image = await calling(user, orNull(this.#glance.image(user, name, signal)));
			return image === null ? [] : [image];
		}
		const images = await calling(user, this.#glance.images(user, exact ? { ...onlyContainers, name } : onlyContainers, signal));
		return images.filter((image) => exact || image.name.includes(name));
	}

	async download(imageId: string, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
		const data = await calling(asService, this.#download(imageId, signal));
		return told(data, imageId, signal);
	}

	async create(user: Delegation, { id, name, tag }: NewStoredImage, signal: AbortSignal): Promise<void> {
		const caller = asUser(user);
		await calling(caller, this.#glance.createImage(caller, { ...format, id, name, tags: [tag] }, signal), true);
	}

	async upload(user: Delegation | null, imageId: string, data: Readable, signal: AbortSignal): Promise<void> {
		const caller = user === null ? asService : asUser(user);
		await calling(caller, this.#glance.upload(caller, imageId, data, signal));
	}

	async state(imageId: string, signal: AbortSignal): Promise<'empty' | 'busy' | 'ready' | 'gone'> {
		const image = await calling(asService, orNull(this.#glance.image(asService, imageId, signal)));
		if (image === null) return 'gone';
		switch (image.status) {
			case 'queued':
				return 'empty';
			case 'saving':
			case 'uploading':
			case 'importing':
				return 'busy';
			case 'active':
			case 'deactivated':
				return 'ready';
			default:
				return 'gone';
		}
	}

	async remove(imageId: string, signal: AbortSignal): Promise<void> {
		await calling(asService, this.#glance.deleteImage(asService, imageId, signal));
	}

	async #download(imageId: string, signal: AbortSignal): Promise<Readable> {
		const image = await this.#glance.image(asService, imageId, signal);
		return await this.#glance.download(asService, image, signal);
	}

	/** A name as it is; else, as Zun has it, the name and the tag of an image apart. */
	async #byName(user: Caller, principal: Principal, name: string, signal: AbortSignal): Promise<GlanceImage> {
		const { repo, tag } = parseImageName(name);
		const filters = [{ name }, ...(repo === name ? [] : [{ name: repo, tag }])];
		let other: GlanceImage | undefined;
		for (const filter of filters) {
			const found = await calling(user, this.#glance.images(user, filter, signal));
			const usable = found.filter((image) => whyNot(image) === null);
			const own = usable.filter(({ owner }) => owner === principal.projectId);
			const [image, second] = own.length > 0 ? own : usable;
			if (second !== undefined) {
				const ids = (own.length > 0 ? own : usable).map(({ id }) => id);
				throw fail('conflict', `Several images are named ${name}: use the id (${ids.join(', ')}).`);
			}
			if (image !== undefined) return image;
			other ??= found[0];
		}
		if (other !== undefined) return other;
		throw fail('image-not-found', `Image ${name} could not be found in Glance.`);
	}
}

/** Why no container can be made of the image; null = one can. */
function whyNot({ status, containerFormat, hash }: GlanceImage): string | null {
	if (containerFormat !== format.containerFormat) {
		const is = containerFormat === null ? 'has no container format' : `has container format ${containerFormat}`;
		return `it ${is}: one is needed that was made with --container-format docker`;
	}
	if (status !== 'active') return `it is ${status}`;
	if (hash === null || !getHashes().includes(hash.algorithm)) return 'it has no checksum by which it could be checked';
	return null;
}

function sourceOf(image: GlanceImage): ImageSource {
	const reason = whyNot(image);
	if (reason !== null || image.hash === null) throw fail('image-not-found', `Image ${image.id} cannot be run: ${reason}.`);
	const { algorithm, value } = image.hash;
	return { imageId: image.id.toLowerCase(), hash: { algorithm, value: value.toLowerCase() }, size: image.size };
}

/** The data, whose failures are told as those of calls are. */
async function* told(data: Readable, imageId: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
	try {
		for await (const piece of data) yield piece;
	} catch (error) {
		signal.throwIfAborted();
		// It was there when it was asked for: what broke on the way, or came wrong, may come right.
		const text = error instanceof OpenStackError ? error.message : `the data of image ${imageId} broke off`;
		throw new ProviderError('unavailable', text, { cause: error });
	} finally {
		data.destroy();
	}
}
