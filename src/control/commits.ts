import { createHash } from 'node:crypto';
import type { Selectable } from 'kysely';
import type { AgentLink } from '../bus/bus.ts';
import type { ImageDriver } from '../drivers/driver.ts';
import { failPoint } from '../faults/fail-point.ts';
import { fail } from '../model/errors.ts';
import { parseImageName } from '../model/image.ts';
import { isAdmin, type Principal } from '../model/principal.ts';
import type { CommittedImageTable } from '../store/schema.ts';
import type { Queryable, StoreTransaction } from '../store/store.ts';
import type { Deps } from './deps.ts';
import { committedReference, fullReference, pushLogin } from './project-images.ts';
import { pushAs } from './push.ts';

type CommitRow = Selectable<CommittedImageTable>;

/** An image that a project made of a container. It is on the container's host. */
export interface Commit {
	readonly id: string;
	/** What the project's containers name it by. */
	readonly image: string;
	/** ms since the epoch. */
	readonly createdAt: number;
}

/** Images that projects made. They take a host's disk, so each project has a number of them, and can be rid of them. */
export class Commits {
	readonly #deps: Deps;

	constructor(deps: Deps) {
		this.#deps = deps;
	}

	/** Of the principal's project, newest first. */
	async list(principal: Principal): Promise<readonly Commit[]> {
		const rows = await this.#deps.store.db
			.selectFrom('committed_image')
			.selectAll()
			.where('project_id', '=', principal.projectId)
			.orderBy('created_at', 'desc')
			.orderBy('reference')
			.orderBy('host')
			.execute();
		return rows.map((row) => ({ id: commitId(row), image: row.reference, createdAt: row.created_at }));
	}

	/**
	 * The image goes from its host; where that is forgotten or given up for dead, only its note does.
	 * Throws `resource-not-found`, `conflict` (containers are made of it) and `host-not-up`.
	 */
	async delete(principal: Principal, id: string, signal: AbortSignal): Promise<void> {
		const { store, bus } = this.#deps;
		const row = await this.#find(principal, id);
		const host = await store.db.selectFrom('host').select('forced_down').where('hostname', '=', row.host).executeTakeFirst();
		const shared = await noted(store.db, row).where('engine_reference', '=', row.engine_reference).execute();
		if (host !== undefined && host.forced_down === 0 && shared.length < 2) {
			await bus.agent(row.host).images.remove(row.engine_reference, signal);
		}
		failPoint('control.commit.removed');
		await store.transaction((tx) => forget(tx, row));
	}

	async #find(principal: Principal, id: string): Promise<CommitRow> {
		let query = this.#deps.store.db.selectFrom('committed_image').selectAll();
		if (!isAdmin(principal)) query = query.where('project_id', '=', principal.projectId);
		const row = (await query.execute()).find((candidate) => commitId(candidate) === id);
		if (row === undefined) throw fail('resource-not-found', `Commit ${id} could not be found.`);
		return row;
	}
}

export interface CommitRequest {
	readonly projectId: string;
	readonly containerId: string;
	readonly host: string;
	readonly repository: string;
	readonly tag: string;
}

/**
 * Makes an image of a container, and puts it into the registry that its name names, if any. Answers the image's id.
 * It is noted before it is made: whatever happens meanwhile, no image is left that nobody knows of. So it stays, and can
 * be used, where only the push failed.
 * Throws `over-quota`.
 */
export async function commitImage(deps: Deps, agent: AgentLink, request: CommitRequest, signal: AbortSignal): Promise<string> {
	const { projectId, containerId, host, repository, tag } = request;
	const engineReference = committedReference(projectId, repository, tag);
	const login = await pushLogin(deps, projectId, repository);
	const row = {
		project_id: projectId,
		reference: fullReference(`${repository}:${tag}`),
		host,
		engine_reference: engineReference,
		created_at: deps.now(),
	};
	const isNew = await deps.store.transaction((tx) => note(deps, tx, row));
	failPoint('control.commit.noted');
	const before = isNew ? null : await agent.images.inspect(engineReference, signal);
	let image: string;
	try {
		image = await agent.commit(containerId, parseImageName(engineReference).repo, tag, signal);
	} catch (error) {
		// What was cut off may yet be done by the engine: its note stays.
		const none = !signal.aborted && (await agent.images.inspect(engineReference, signal).catch(() => undefined)) === null;
		if (isNew && none) await deps.store.transaction((tx) => forget(tx, row));
		throw error;
	}
	failPoint('control.commit.made');
	if (before !== null && before.id !== image) await removeNameless(agent.images, before.id, signal);
	if (login !== undefined) {
		await pushAs(deps.store, agent.images, { projectId, image: engineReference, reference: `${repository}:${tag}`, auth: login }, signal);
	}
	return image;
}

/** Whether it is a new one, rather than another image under a name that was there. */
async function note(deps: Deps, tx: StoreTransaction, row: CommitRow): Promise<boolean> {
	const rows = await tx.selectFrom('committed_image').selectAll().where('project_id', '=', row.project_id).execute();
	const isNew = !rows.some((one) => one.reference === row.reference && one.host === row.host);
	const { maxCommits } = deps.options;
	if (isNew && rows.length >= maxCommits) {
		throw fail('over-quota', `The project has ${rows.length} committed images, of ${maxCommits} at the most: delete some of /v1/commits.`);
	}
	await tx
		.insertInto('committed_image')
		.values(row)
		.onConflict((conflict) => conflict.columns(['project_id', 'reference', 'host']).doUpdateSet({ created_at: row.created_at }))
		.execute();
	return isNew;
}

async function forget(tx: StoreTransaction, row: CommitRow): Promise<void> {
	await tx
		.deleteFrom('committed_image')
		.where('project_id', '=', row.project_id)
		.where('reference', '=', row.reference)
		.where('host', '=', row.host)
		.execute();
}

function noted(db: Queryable, row: CommitRow) {
	return db.selectFrom('committed_image').select('reference').where('project_id', '=', row.project_id).where('host', '=', row.host);
}

/** An image whose name was given to a newer one. As long as a container is made of it, the engine keeps it. */
async function removeNameless(images: ImageDriver, id: string, signal: AbortSignal): Promise<void> {
	try {
		const state = await images.inspect(id, signal);
		if (state !== null && state.references.length === 0) await images.remove(id, signal);
	} catch {
		// It takes room, and no more than that.
	}
}

/** The same for the same name on the same host, which is what a commit is known by. */
export function commitId(row: CommitRow): string {
	const digest = createHash('sha256')
		.update(JSON.stringify([row.project_id, row.host, row.reference]))
		.digest('hex');
	const part = (from: number, to: number): string => digest.slice(from, to);
	return `${part(0, 8)}-${part(8, 12)}-8${part(13, 16)}-8${part(17, 20)}-${part(20, 32)}`;
}
