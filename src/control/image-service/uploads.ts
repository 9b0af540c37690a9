import { Readable } from 'node:stream';
import type { Selectable } from 'kysely';
import type { AgentLink } from '../../bus/bus.ts';
import { failPoint } from '../../faults/fail-point.ts';
import { renameArchive } from '../../model/archive-rename.ts';
import { fail, messageOf } from '../../model/errors.ts';
import { newId } from '../../model/ids.ts';
import { ownImageDomain, parseImageName } from '../../model/image.ts';
import { Limiter } from '../../model/limiter.ts';
import type { Principal } from '../../model/principal.ts';
import { pause } from '../../model/repeat.ts';
import { type Delegation, delegationOf } from '../../providers/delegation.ts';
import { ProviderError } from '../../providers/provider-error.ts';
import type { ContainerRow } from '../../store/containers.ts';
import { insertOperation } from '../../store/operations.ts';
import type { ImageUploadTable } from '../../store/schema.ts';
import type { Deps } from '../deps.ts';
import { committedReference } from '../project-images.ts';
import { asUserErrors } from '../servers/prepare.ts';
import type { ImageService } from './image-service.ts';

/** Where images that are on their way to the image service are in the engine of a host. */
export const uploadRepository = `${ownImageDomain}/glance-upload`;

type UploadRow = Selectable<ImageUploadTable>;

export interface UploadRequest {
	readonly container: ContainerRow;
	readonly host: string;
	readonly repository: string;
	readonly tag: string;
}

/**
 * Puts images of containers into the image service. What is asked for is noted before anything is made, so that after a
 * crash either goes on or nothing is left of it, there and on the host. One lane for each image.
 */
export class ImageUploads {
	readonly #deps: Deps;
	readonly #service: ImageService;
	readonly #stop = new AbortController();
	readonly #lanes = new Map<string, Promise<void>>();
	readonly #turns: Limiter;

	constructor(deps: Deps, service: ImageService) {
		this.#deps = deps;
		this.#service = service;
		const { uploadsAtOnce: atOnce } = service.options;
		const refuse = (): Error => fail('too-many-requests', 'Too many images are on their way to the image service: try again.');
		this.#turns = new Limiter({ atOnce, waiting: Number.MAX_SAFE_INTEGER, refuse });
	}

	/** Goes on with what was under way; of what nobody was told is left nothing. */
	async start(): Promise<void> {
		await this.#deps.store.transaction(async (tx) => {
			await tx.updateTable('image_upload').set({ stage: 'failed' }).where('stage', '=', 'making').execute();
		});
		const rows = await this.#deps.store.db.selectFrom('image_upload').select('image_id').execute();
		for (const { image_id } of rows) this.#wake(image_id, null);
	}

	/** Ends what is under way; the next start goes on with it. */
	async stop(): Promise<void> {
		this.#stop.abort(new DOMException('the service stops', 'AbortError'));
		await Promise.allSettled(this.#lanes.values());
	}

	/**
	 * Makes an image of the container and its record at the image service, in the principal's project; answers the record's
	 * id. The data follows by itself.
	 */
	async begin(principal: Principal, agent: AgentLink, request: UploadRequest, signal: AbortSignal): Promise<string> {
		const { container, host, repository, tag } = request;
		const user = delegationOf(principal);
		// Throws for what cannot be a name.
		committedReference(user.projectId, repository, tag);
		const id = newId();
		const reference = `${repository}:${tag}`;
		const engineReference = `${uploadRepository}/${id}:latest`;
		await this.#note({
			image_id: id,
			project_id: user.projectId,
			user_id: principal.userId,
			request_id: principal.requestId,
			container_id: container.id,
			sandbox_id: container.sandbox_id,
			host,
			engine_reference: engineReference,
			reference,
			stage: 'making',
			error: null,
			created_at: this.#deps.now(),
		});
		try {
			failPoint('control.image-upload.noted');
			await agent.commit(container.id, parseImageName(engineReference).repo, 'latest', signal);
			failPoint('control.image-upload.made');
			const image = { id, name: tag === 'latest' ? repository : reference, tag };
			await asUserErrors(this.#service.provider.create(user, image, signal));
			failPoint('control.image-upload.created');
			await this.#change(id, { stage: 'uploading' });
		} catch (error) {
			await this.#change(id, { stage: 'failed', error: messageOf(error) });
			this.#wake(id, null);
			throw error;
		}
		this.#wake(id, user);
		return id;
	}

	async #note(row: UploadRow): Promise<void> {
		const { projectUploads } = this.#service.options;
		await this.#deps.store.transaction(async (tx) => {
			const rows = await tx.selectFrom('image_upload').select('image_id').where('project_id', '=', row.project_id).execute();
			if (rows.length >= projectUploads) {
				throw fail('too-many-requests', `The project has ${rows.length} images on their way to the image service: wait for them.`);
			}
			await tx.insertInto('image_upload').values(row).execute();
		});
	}

	#wake(id: string, user: Delegation | null): void {
		if (this.#stop.signal.aborted || this.#lanes.has(id)) return;
		const lane = this.#run(id, user)
			.catch((error: unknown) => this.#deps.log.error({ image: id, error: messageOf(error) }, 'an upload of an image failed'))
			.finally(() => this.#lanes.delete(id));
		this.#lanes.set(id, lane);
	}

	async #run(id: string, user: Delegation | null): Promise<void> {
		const { firstRetry, longestRetry, uploadDeadline } = this.#service.options;
		const signal = this.#stop.signal;
		let inNameOf = user;
		for (let attempt = 0; !signal.aborted; attempt += 1) {
			const row = await this.#row(id);
			if (row === undefined) return;
			try {
				const ending = AbortSignal.any([signal, AbortSignal.timeout(uploadDeadline)]);
				if (row.stage === 'uploading') await this.#turns.run(() => this.#upload(row, inNameOf, ending));
				else await this.#clear(row, ending);
				attempt = -1;
			} catch (error) {
				if (signal.aborted) return;
				const late = this.#deps.now() - row.created_at >= uploadDeadline;
				if (row.stage === 'uploading' && (late || !mayPass(error))) await this.#end(row, messageOf(error));
				else await this.#change(id, { error: messageOf(error) });
				// Who began it may not have a token any more that is taken.
				if (error instanceof ProviderError && error.failure === 'unauthorized') inNameOf = null;
				await pause(Math.min(longestRetry, firstRetry * 2 ** Math.min(attempt, 20)), signal);
			}
		}
	}

	async #upload(row: UploadRow, user: Delegation | null, signal: AbortSignal): Promise<void> {
		const { provider } = this.#service;
		const state = await provider.state(row.image_id, signal);
		if (state === 'gone') throw fail('image-not-found', `Image ${row.image_id} was deleted before it had its data.`);
		if (state === 'busy') throw new ProviderError('conflict', `Image ${row.image_id} is still being written.`);
		if (state === 'empty') {
			const saved = this.#deps.bus.agent(row.host).images.save(row.engine_reference, signal);
			const archive = renameArchive(saved, { reference: row.reference, hash: null });
			failPoint('control.image-upload.upload');
			await provider.upload(user, row.image_id, Readable.from(archive, { objectMode: false }), signal);
			failPoint('control.image-upload.uploaded');
		}
		await this.#end(row, null);
	}

	/** The image is whole, or given up; what is left on the host, and there, goes. */
	async #end(row: UploadRow, error: string | null): Promise<void> {
		await this.#deps.store.transaction(async (tx) => {
			await tx
				.updateTable('image_upload')
				.set({ stage: error === null ? 'done' : 'failed', error })
				.where('image_id', '=', row.image_id)
				.execute();
			await insertOperation(
				tx,
				{
					requestId: row.request_id,
					projectId: row.project_id,
					userId: row.user_id,
					target: 'container',
					targetId: row.container_id,
					sandboxId: row.sandbox_id,
					kind: 'commit',
					host: row.host,
					outcome: { error },
				},
				this.#deps.now(),
			);
		});
		failPoint('control.image-upload.ended');
	}

	async #clear(row: UploadRow, signal: AbortSignal): Promise<void> {
		const { store, bus } = this.#deps;
		if (row.stage === 'failed') {
			await this.#service.provider.remove(row.image_id, signal).catch((error: unknown) => {
				// Its project has protected it since: it is the project's.
				if (!(error instanceof ProviderError) || error.failure !== 'refused') throw error;
				this.#deps.log.warn({ image: row.image_id, error: error.message }, 'an image without data cannot be deleted');
			});
		}
		const host = await store.db.selectFrom('host').select('forced_down').where('hostname', '=', row.host).executeTakeFirst();
		// What a dead host still has is looked for when it is back.
		if (host !== undefined && host.forced_down === 0) await bus.agent(row.host).images.remove(row.engine_reference, signal);
		failPoint('control.image-upload.cleared');
		await store.transaction(async (tx) => {
			await tx.deleteFrom('image_upload').where('image_id', '=', row.image_id).execute();
		});
	}

	async #change(id: string, change: Partial<Pick<UploadRow, 'stage' | 'error'>>): Promise<void> {
		await this.#deps.store.transaction(async (tx) => {
			await tx.updateTable('image_upload').set(change).where('image_id', '=', id).execute();
		});
	}

	async #row(id: string): Promise<UploadRow | undefined> {
		return await this.#deps.store.db.selectFrom('image_upload').selectAll().where('image_id', '=', id).executeTakeFirst();
	}
}

/** Whether the same may succeed later: the host, its engine or the image service is away, or it took too long. */
function mayPass(error: unknown): boolean {
	if (error instanceof ProviderError) return error.failure !== 'refused' && error.failure !== 'not-found';
	if (!(error instanceof Error)) return false;
	if (error.name === 'TimeoutError') return true;
	if ('transient' in error) return error.transient === true;
	return 'code' in error && error.code === 'host-not-up';
}
