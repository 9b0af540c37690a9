import { createHash } from 'node:crypto';
import { saveImage } from '../../../src/drivers/fake/fake-image.ts';
import { type FakeImage, makeBusyboxImage } from '../../../src/drivers/fake/index.ts';
import type { Heard, Script, Scripted, ScriptedCloud } from './scripted-cloud.ts';

/** An image of the fake engine and its archive, as `docker save` makes it, that gives itself these names. */
export function fakeArchive(marker: string, references: readonly string[]): { readonly archive: Buffer; readonly image: FakeImage } {
	const image = makeBusyboxImage(marker);
	return { archive: saveImage(image, references), image };
}

export interface ScriptedImage {
	readonly id: string;
	readonly name: string;
	readonly owner: string;
	readonly tags: readonly string[];
	readonly containerFormat: string;
	readonly visibility: string;
	status: string;
	data: Buffer | null;
}

/** Glance in memory. A token of the service user may all, another what its project may. */
export class ScriptedGlance {
	readonly images = new Map<string, ScriptedImage>();
	/** Projects by their users' tokens. */
	readonly projects = new Map<string, string>();
	/** Answers before its own; null = its own. */
	before: (heard: Heard) => Scripted | 'hang' | 'reset' | null = () => null;
	readonly #cloud: ScriptedCloud;

	constructor(cloud: ScriptedCloud) {
		this.#cloud = cloud;
		cloud.scripts['image'] = this.#script;
	}

	add(image: Pick<ScriptedImage, 'id' | 'name' | 'owner'> & Partial<ScriptedImage>): ScriptedImage {
		const made = { tags: [], containerFormat: 'docker', visibility: 'private', status: 'active', data: null, ...image };
		this.images.set(made.id, made);
		return made;
	}

	readonly #script: Script = (heard) => {
		const scripted = this.before(heard);
		if (scripted !== null) return scripted;
		const token = String(heard.headers['x-auth-token']);
		const admin = this.#cloud.tokens.includes(token);
		const project = this.projects.get(token);
		if (!admin && project === undefined) return { status: 401, body: { message: 'no such token' } };
		const [, , resource, id = '', file] = heard.path.split('/');
		if (resource !== 'images') return { status: 404 };
		const visible = (image: ScriptedImage) => admin || image.owner === project || image.visibility === 'public';
		if (id === '') return heard.method === 'POST' ? this.#create(heard.body, project ?? 'service') : this.#list(heard, visible);
		const image = this.images.get(id);
		if (image === undefined || !visible(image)) return { status: 404, body: { message: `no image ${id}` } };
		if (file === 'file') return heard.method === 'PUT' ? upload(image, heard.bytes) : download(image);
		if (heard.method !== 'DELETE') return { status: 200, body: bodyOf(image) };
		this.images.delete(id);
		return { status: 204 };
	};

	#create(body: unknown, owner: string): Scripted {
		const { id, name, tags, container_format: containerFormat, disk_format: disk } = fieldsOf(body);
		if (typeof id !== 'string' || disk !== 'raw' || this.images.has(id)) return { status: 409, body: { message: `no image ${id}` } };
		const words = Array.isArray(tags) ? tags.map(String) : [];
		const made = { id, name: String(name), owner, tags: words, containerFormat: String(containerFormat), status: 'queued' };
		return { status: 201, body: bodyOf(this.add(made)) };
	}

	#list({ query }: Heard, visible: (image: ScriptedImage) => boolean): Scripted {
		const name = query.get('name');
		const [, operator, wanted] = /^([^:]*):(.*)$/.exec(name ?? '') ?? [null, 'eq', name];
		if (operator !== 'eq') return { status: 400, body: { message: `Unable to filter by unknown operator '${operator}'.` } };
		const matches = (image: ScriptedImage) =>
			(wanted ?? image.name) === image.name &&
			(query.get('container_format') ?? image.containerFormat) === image.containerFormat &&
			query.getAll('tag').every((tag) => image.tags.includes(tag));
		return { status: 200, body: { images: [...this.images.values()].filter((image) => visible(image) && matches(image)).map(bodyOf) } };
	}
}

function upload(image: ScriptedImage, data: Buffer): Scripted {
	if (image.status !== 'queued') return { status: 409, body: { message: `image is ${image.status}` } };
	image.data = data;
	image.status = 'active';
	return { status: 204 };
}

function download({ data }: ScriptedImage): Scripted {
	return data === null ? { status: 204 } : { status: 200, text: data };
}

function bodyOf(image: ScriptedImage) {
	const { id, name, owner, tags, containerFormat, visibility, status, data } = image;
	const hash = data === null ? null : createHash('sha512').update(data).digest('hex');
	return {
		...{ id, name, owner, tags, visibility, status, size: data?.length ?? null },
		...{ container_format: containerFormat, disk_format: 'raw', updated_at: '2030-01-01T00:00:00Z' },
		...{ os_hash_algo: hash === null ? null : 'sha512', os_hash_value: hash, checksum: null },
	};
}

function fieldsOf(body: unknown): Record<string, unknown> {
	return typeof body === 'object' && body !== null ? { ...body } : {};
}
