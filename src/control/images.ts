import type { Selectable } from 'kysely';
import type { ImagePullPolicy } from '../model/container.ts';
import { fail } from '../model/errors.ts';
import { newId } from '../model/ids.ts';
import { type Image, type ImageStatus, imageInRegistry, imageReference, isFromRegistry, parseImageName } from '../model/image.ts';
import type { Principal } from '../model/principal.ts';
import { insertEvent } from '../store/events.ts';
import { fromNullableJson } from '../store/json.ts';
import type { ImageTable } from '../store/schema.ts';
import { Commits, commitId } from './commits.ts';
import type { ListQuery } from './control.ts';
import type { Deps } from './deps.ts';
import { foundImages } from './host-images.ts';
import { type ImageJobOptions, ImageJobs } from './image-jobs.ts';
import { imagePage } from './image-list.ts';
import { LeftPushes } from './left-pushes.ts';

export interface PullImage {
	/** Name of the image; a tag or digest in it counts more than `tag`. */
	readonly repo: string;
	readonly tag?: string;
	/** Id or name. */
	readonly host: string;
	readonly imageId?: string;
	readonly size?: string;
	readonly pullPolicy?: ImagePullPolicy;
	/** Registry whose login the pull uses, by id or name. */
	readonly registry?: string;
}

/** Images on hosts: what administrators bring there, and what is there anyhow. */
export class Images {
	readonly #deps: Deps;
	readonly #jobs: ImageJobs;
	readonly #leftPushes: LeftPushes;
	/** What projects make themselves. */
	readonly commits: Commits;

	constructor(deps: Deps, options: Partial<ImageJobOptions> = {}) {
		this.#deps = deps;
		this.#jobs = new ImageJobs(deps, options);
		this.#leftPushes = new LeftPushes(deps);
		this.commits = new Commits(deps);
	}

	/** Goes on with what was under way when the service ended. */
	async start(): Promise<void> {
		await this.#leftPushes.start();
		await this.#jobs.start();
	}

	async stop(): Promise<void> {
		await this.#jobs.stop();
		await this.#leftPushes.stop();
	}

	/** Throws invalid-value (unknown host), image-already-exists, registry-not-found. The pull itself goes on by itself. */
	async pull(principal: Principal, input: PullImage): Promise<Image> {
		const image = await this.#deps.store.transaction(async (tx) => {
			const host = await tx
				.selectFrom('host')
				.select('hostname')
				.where((eb) => eb.or([eb('id', '=', input.host), eb('hostname', '=', input.host)]))
				.executeTakeFirst();
			if (host === undefined) throw fail('invalid-value', `Host ${input.host} could not be found.`);
			const registry = input.registry === undefined ? null : await this.#deps.registries.find(tx, principal, input.registry);
			const reference = registry === null ? input.repo : imageInRegistry(input.repo, registry.domain);
			if (registry !== null && !isFromRegistry(reference, registry.domain)) {
				throw fail('invalid-value', `Image ${input.repo} is not in registry ${input.registry}, whose domain is ${registry.domain}.`);
			}
			const name = nameOf(reference, input.tag);
			const taken = await tx
				.selectFrom('image')
				.select('id')
				.where('repo', '=', name.repo)
				.where('tag', '=', name.tag)
				.where('host', '=', host.hostname)
				.executeTakeFirst();
			if (taken !== undefined) {
				throw fail('image-already-exists', `An image ${imageReference(name)} already exists on host ${host.hostname}: ${taken.id}.`);
			}
			const now = this.#deps.now();
			const row = {
				id: newId(),
				project_id: principal.projectId,
				user_id: principal.userId,
				image_id: input.imageId ?? null,
				...name,
				size: input.size ?? null,
				host: host.hostname,
				status: 'Pulling',
				status_reason: null,
				progress: null,
				pull_policy: input.pullPolicy ?? 'always',
				registry_id: registry?.id ?? null,
				created_at: now,
				updated_at: now,
			};
			await tx.insertInto('image').values(row).execute();
			const detail = { image_uuid: row.id, ...name, host: row.host };
			const subject = { projectId: row.project_id, sandboxId: null, containerId: null };
			await insertEvent(tx, { ...subject, kind: 'image.created', status: row.status, reason: null, detail }, now);
			return toImage(row);
		});
		this.#jobs.wake(image.id);
		return image;
	}

	/** Of all projects: an image serves whoever comes to its host. A host that cannot be reached shows only what was brought to it. */
	async list(query: ListQuery, signal: AbortSignal): Promise<readonly Image[]> {
		return imagePage(await this.#all(signal), { ...query, limit: Math.min(query.limit, this.#deps.options.maxLimit) });
	}

	/** Throws image-not-found. */
	async show(id: string, signal: AbortSignal): Promise<Image> {
		const row = await this.#deps.store.db.selectFrom('image').selectAll().where('id', '=', id).executeTakeFirst();
		const image = row === undefined ? (await this.#all(signal)).find((candidate) => candidate.id === id) : toImage(row);
		if (image === undefined) throw fail('image-not-found', `Image ${id} could not be found.`);
		return image;
	}

	/** The image goes from its host, as soon as the host can be reached; at once where the host is dead or forgotten. */
	async delete(principal: Principal, id: string, signal: AbortSignal): Promise<void> {
		const image = await this.show(id, signal);
		if (image.userId === null) {
			const commit = await this.#commitOf(image);
			if (commit !== undefined) return await this.commits.delete(principal, commitId(commit), signal);
		}
		await this.#deps.store.transaction(async (tx) => {
			const now = this.#deps.now();
			const change = { status: 'Deleting', status_reason: null, updated_at: now };
			const changed = await tx.updateTable('image').set(change).where('id', '=', image.id).executeTakeFirst();
			// What nobody brought is noted when it is to go, so that it goes also over a restart.
			if (changed.numUpdatedRows > 0n) return;
			if (image.userId !== null) throw fail('image-not-found', `Image ${id} could not be found.`);
			const { repo, tag, host, size, createdAt } = image;
			await tx
				.insertInto('image')
				.values({
					...{ id: image.id, project_id: principal.projectId, user_id: principal.userId, image_id: image.imageId },
					...{ repo, tag, size, host, progress: null, pull_policy: image.pullPolicy, registry_id: null },
					...{ created_at: createdAt, ...change },
				})
				.execute();
		});
		this.#jobs.wake(id);
	}

	async #all(signal: AbortSignal): Promise<readonly Image[]> {
		const brought = (await this.#deps.store.db.selectFrom('image').selectAll().execute()).map(toImage);
		return [...brought, ...(await foundImages(this.#deps, brought, signal))];
	}

	#commitOf(image: Image) {
		return this.#deps.store.db
			.selectFrom('committed_image')
			.selectAll()
			.where('host', '=', image.host)
			.where('engine_reference', '=', imageReference(image))
			.executeTakeFirst();
	}
}

function nameOf(reference: string, tag: string | undefined): { readonly repo: string; readonly tag: string } {
	const name = parseImageName(reference);
	const named = reference !== name.repo;
	return named || tag === undefined ? name : { repo: name.repo, tag };
}

function toImage(row: Selectable<ImageTable>): Image {
	return {
		id: row.id,
		projectId: row.project_id,
		userId: row.user_id,
		imageId: row.image_id,
		repo: row.repo,
		tag: row.tag,
		size: row.size,
		host: row.host,
		status: row.status as ImageStatus,
		statusReason: row.status_reason,
		progress: fromNullableJson(row.progress),
		pullPolicy: row.pull_policy as ImagePullPolicy,
		registryId: row.registry_id,
		createdAt: row.created_at,
		updatedAt: row.updated_at,
	};
}
