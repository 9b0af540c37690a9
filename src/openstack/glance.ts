import { createHash } from 'node:crypto';
import { type Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { gone, OpenStackError } from './errors.ts';
import { Fields } from './fields.ts';
import type { Caller, Query, RequestFacts, Session } from './session.ts';

/** An image as the image service shows it. */
export interface GlanceImage {
	readonly id: string;
	readonly name: string;
	/** queued, saving, active, killed, deleted, ... */
	readonly status: string;
	/** null = the image has no data yet. */
	readonly size: number | null;
	/** `docker` = an archive of a container's image. */
	readonly containerFormat: string | null;
	readonly diskFormat: string | null;
	readonly visibility: string;
	/** Id of the project. */
	readonly owner: string | null;
	/** What the data must have; null = the service did not say. */
	readonly hash: { readonly algorithm: string; readonly value: string } | null;
	readonly updatedAt: number | null;
	readonly tags: readonly string[];
}

export interface NewImage {
	/** A uuid; missing = the service gives one. */
	readonly id?: string;
	readonly name: string;
	readonly containerFormat: string;
	readonly diskFormat: string;
	readonly tags?: readonly string[];
	/** `public` is for administrators. */
	readonly visibility?: 'private' | 'shared' | 'public';
	readonly properties?: Readonly<Record<string, string>>;
}

const pageSize = 100;
/** Silence in ms: a store may have much to do before the first byte comes or after the last went. */
const dataTimeout = 300_000;

/** The image service. Every method fails with an OpenStackError: 404 for what is not there, 413 for a quota that is used up. */
export class GlanceClient {
	readonly #session: Session;

	constructor(session: Session) {
		this.#session = session;
	}

	async image(caller: Caller, id: string, signal: AbortSignal): Promise<GlanceImage> {
		return readImage(await this.#ask(caller, { method: 'GET', path: `/images/${encodeURIComponent(id)}` }, signal));
	}

	/** Images that the caller may use, by the service's own filters, such as `{ name, container_format: 'docker', tag }`; the name as it is. */
	async images(caller: Caller, filter: Query, signal: AbortSignal): Promise<readonly GlanceImage[]> {
		const found: GlanceImage[] = [];
		// What is before a colon is taken for an operator, which images named as `repository:tag` would have.
		const named = filter['name'] === undefined ? {} : { name: `eq:${filter['name']}` };
		for (;;) {
			const query = { ...filter, ...named, limit: pageSize, marker: found.at(-1)?.id };
			const page = (await this.#ask(caller, { method: 'GET', path: '/images', query }, signal)).list('images').map(readImage);
			found.push(...page);
			if (page.length < pageSize) return found;
		}
	}

	/**
	 * The image's data. Reading fails at its end when it is not what the image's hash says, and before when nothing comes for
	 * long. It must be read to its end or destroyed.
	 */
	async download(caller: Caller, image: GlanceImage, signal: AbortSignal): Promise<Readable> {
		const path = `/images/${encodeURIComponent(image.id)}/file`;
		const headers = { accept: 'application/octet-stream' };
		const { status, body } = await this.#session.download(caller, 'image', { method: 'GET', path, headers, timeout: dataTimeout }, signal);
		if (status === 204) {
			body.destroy();
			throw new OpenStackError(`image ${image.id} has no data`, { service: 'image', status });
		}
		const check = checked(image);
		// Its failure is that of the stream that is answered.
		pipeline(body, check, { signal }).catch(() => {});
		return check;
	}

	/** A record without data. Not repeatable: after a failure without an answer, look for its tag or name before asking again. */
	async createImage(caller: Caller, image: NewImage, signal: AbortSignal): Promise<GlanceImage> {
		const body = {
			...image.properties,
			...(image.id === undefined ? {} : { id: image.id }),
			name: image.name,
			container_format: image.containerFormat,
			disk_format: image.diskFormat,
			...(image.tags === undefined ? {} : { tags: image.tags }),
			...(image.visibility === undefined ? {} : { visibility: image.visibility }),
		};
		return readImage(await this.#ask(caller, { method: 'POST', path: '/images', body }, signal));
	}

	/** Gives an image that has none its data. Not repeatable: after a failure the record is deleted and made anew. */
	async upload(caller: Caller, id: string, data: Readable, signal: AbortSignal): Promise<void> {
		const path = `/images/${encodeURIComponent(id)}/file`;
		const headers = { 'content-type': 'application/octet-stream' };
		await this.#session.upload(caller, 'image', { method: 'PUT', path, headers, stream: data, timeout: dataTimeout }, signal);
	}

	/** Succeeds also when it is not there. Answers whether it was. */
	async deleteImage(caller: Caller, id: string, signal: AbortSignal): Promise<boolean> {
		return await gone(this.#ask(caller, { method: 'DELETE', path: `/images/${encodeURIComponent(id)}` }, signal));
	}

	async #ask(caller: Caller, facts: RequestFacts, signal: AbortSignal): Promise<Fields> {
		const { body } = await this.#session.request(caller, 'image', facts, signal);
		return new Fields('image', 'answer', body ?? {});
	}
}

function readImage(image: Fields): GlanceImage {
	const algorithm = image.textOrNull('os_hash_algo');
	const value = image.textOrNull('os_hash_value');
	const md5 = image.textOrNull('checksum');
	const old = md5 === null ? null : { algorithm: 'md5', value: md5 };
	return {
		id: image.text('id'),
		name: image.textOr('name', ''),
		status: image.text('status'),
		size: image.numberOr('size', null),
		containerFormat: image.textOrNull('container_format'),
		diskFormat: image.textOrNull('disk_format'),
		visibility: image.textOr('visibility', 'private'),
		owner: image.textOrNull('owner'),
		hash: algorithm === null || value === null ? old : { algorithm, value },
		updatedAt: image.timeOrNull('updated_at'),
		tags: image.texts('tags'),
	};
}

/** Passes the data on and fails at its end when it is not the image's. */
function checked(image: GlanceImage): Transform {
	const hash = image.hash === null ? null : createHash(image.hash.algorithm);
	let length = 0;
	return new Transform({
		transform(chunk: Buffer, _encoding, done) {
			hash?.update(chunk);
			length += chunk.length;
			done(null, chunk);
		},
		flush(done) {
			const whole = image.size === null || image.size === length;
			const right = hash === null || hash.digest('hex') === image.hash?.value;
			if (whole && right) done();
			else done(new OpenStackError(`the data of image ${image.id} is not what its checksum says`, { service: 'image', status: 200 }));
		},
	});
}
