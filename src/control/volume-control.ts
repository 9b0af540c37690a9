import { sql } from 'kysely';
import { fail } from '../model/errors.ts';
import { isAdmin, type Principal } from '../model/principal.ts';
import { type Volume, volumeStatuses } from '../model/volume.ts';
import { idList } from '../store/id-list.ts';
import { touchSandbox } from '../store/sandboxes.ts';
import type { Queryable } from '../store/store.ts';
import type { Deps } from './deps.ts';
import { findSandbox } from './lookup.ts';
import { prepareMounts } from './servers/prepare.ts';
import { isPending } from './servers/record.ts';
import { takeVolumeAway } from './servers/wanted-volumes.ts';
import { insertVolume } from './sql-volumes.ts';
import { findVolume, type VolumeRow } from './volume-lookup.ts';

export interface VolumeView extends Omit<Volume, 'contents'> {
	readonly attachment: {
		readonly sandboxId: string;
		readonly readOnly: boolean;
		/** Its host has still to let go of it. */
		readonly detaching: boolean;
	} | null;
}

export interface VolumeQuery {
	readonly allProjects: boolean;
	readonly name?: string;
	/** Id of the last one of the page before. */
	readonly marker?: string;
	readonly limit: number;
}

/** Volumes as resources of their own. Injected files are not among them. */
export class VolumeControl {
	readonly #deps: Deps;

	constructor(deps: Deps) {
		this.#deps = deps;
	}

	/** `size` in GiB. */
	async create(principal: Principal, input: { readonly name?: string; readonly size: number }): Promise<VolumeView> {
		this.#deps.volumes.checkSize(input.size);
		const row = await this.#deps.store.transaction(async (tx) => {
			const created = await insertVolume(tx, {
				name: input.name ?? '',
				projectId: principal.projectId,
				userId: principal.userId,
				provider: 'local',
				size: input.size,
				autoRemove: false,
				contents: null,
				now: this.#deps.now(),
			});
			await this.#deps.quotas.check(tx, principal.projectId, ['volumes', 'volume_gigabytes']);
			return created;
		});
		return await this.#view(this.#deps.store.db, row);
	}

	/** A page, the oldest first. */
	async list(principal: Principal, { allProjects, name, marker, limit }: VolumeQuery): Promise<readonly VolumeView[]> {
		const db = this.#deps.store.db;
		let query = db.selectFrom('volume').selectAll().where('provider', '<>', 'file').orderBy('created_at').orderBy('id');
		if (!(allProjects && isAdmin(principal))) query = query.where('project_id', '=', principal.projectId);
		if (name !== undefined) query = query.where('name', '=', name);
		if (marker !== undefined) {
			const last = await db.selectFrom('volume').select(['id', 'created_at']).where('id', '=', marker).executeTakeFirst();
			if (last === undefined)
				throw fail('invalid-value', `marker ${marker} could not be found: it is the id of the last item of the page before`);
			const later = sql<boolean>`(created_at, id) > (${last.created_at}, ${last.id})`;
			query = query.where(later);
		}
		return await this.#views(db, await query.limit(limit).execute());
	}

	/** Volumes that the sandbox has, in the order of attaching. */
	async attached(principal: Principal, sandboxRef: string): Promise<readonly VolumeView[]> {
		const db = this.#deps.store.db;
		const sandbox = await findSandbox(db, principal, sandboxRef);
		const rows = await db
			.selectFrom('volume_attachment')
			.innerJoin('volume', 'volume.id', 'volume_attachment.volume_id')
			.selectAll('volume')
			.where('volume_attachment.sandbox_id', '=', sandbox.id)
			.where('volume.provider', '<>', 'file')
			.orderBy('volume_attachment.created_at')
			.orderBy('volume.id')
			.execute();
		return await this.#views(db, rows);
	}

	async show(principal: Principal, ref: string): Promise<VolumeView> {
		const db = this.#deps.store.db;
		return await this.#view(db, await this.#find(db, principal, ref));
	}

	/** `volume-in-use` while a sandbox has it. */
	async delete(principal: Principal, ref: string): Promise<void> {
		const host = await this.#deps.store.transaction(async (tx) => {
			const row = await this.#find(tx, principal, ref);
			const attachment = await tx.selectFrom('volume_attachment').selectAll().where('volume_id', '=', row.id).executeTakeFirst();
			if (attachment !== undefined) {
				throw fail('conflict', `Volume ${row.id} is in use by sandbox ${attachment.sandbox_id}: detach it first.`);
			}
			await tx.deleteFrom('volume').where('id', '=', row.id).execute();
			return row.host;
		});
		if (host !== null) this.#deps.bus.wake(host, null);
	}

	/** The sandbox's containers made from now on can mount it. */
	async attach(principal: Principal, sandboxRef: string, volumeRef: string, readOnly: boolean): Promise<VolumeView> {
		const [wanted] = await prepareMounts(this.#deps, principal, [{ source: volumeRef }]);
		const { sandbox, volumeId } = await this.#deps.store.transaction(async (tx) => {
			const row = await findSandbox(tx, principal, sandboxRef);
			if (row.desired_status === 'Deleted')
				throw fail('invalid-state-exception', `Cannot attach volume to sandbox ${row.id} in Deleting state`);
			if (row.host === null && !isPending(row)) throw fail('conflict', `Sandbox ${row.id} has no host.`);
			const target = { id: row.id, host: row.host, projectId: row.project_id };
			const [mount] = await this.#deps.volumes.mount(tx, principal, target, [
				{ ...wanted, type: 'volume', source: volumeRef, destination: '/', readOnly },
			]);
			await touchSandbox(tx, row.id);
			return { sandbox: row, volumeId: mount?.volumeId ?? volumeRef };
		});
		if (sandbox.host !== null) this.#deps.bus.wake(sandbox.host, sandbox.id);
		return await this.show(principal, volumeId);
	}

	/** `volume-in-use` while a container of the sandbox mounts it. */
	async detach(principal: Principal, sandboxRef: string, volumeRef: string): Promise<void> {
		const sandbox = await this.#deps.store.transaction(async (tx) => {
			const row = await findSandbox(tx, principal, sandboxRef);
			const volume = await this.#find(tx, principal, volumeRef);
			const containers = await tx.selectFrom('container').select(['id', 'name', 'mounts']).where('sandbox_id', '=', row.id).execute();
			const user = containers.find((container) => container.mounts.includes(`"${volume.id}"`));
			if (user !== undefined)
				throw fail('conflict', `Volume ${volume.id} is mounted by container ${user.name} (${user.id}): delete it first.`);
			if (await takeVolumeAway(tx, row, volume.id, this.#deps.now())) return row;
			const result = await tx
				.updateTable('volume_attachment')
				.set({ detaching: 1 })
				.where('volume_id', '=', volume.id)
				.where('sandbox_id', '=', row.id)
				.executeTakeFirst();
			if (result.numUpdatedRows === 0n) throw fail('invalid', `Volume ${volume.id} is not attached to sandbox ${row.id}.`);
			await touchSandbox(tx, row.id);
			return row;
		});
		if (sandbox.host !== null) this.#deps.bus.wake(sandbox.host, sandbox.id);
	}

	async #find(db: Queryable, principal: Principal, ref: string): Promise<VolumeRow> {
		const row = await findVolume(db, principal, ref);
		if (row.provider === 'file') throw fail('volume-not-found', `Volume ${ref} could not be found.`);
		return row;
	}

	async #view(db: Queryable, row: VolumeRow): Promise<VolumeView> {
		const [view] = await this.#views(db, [row]);
		if (view === undefined) throw new Error(`volume ${row.id} has no view`);
		return view;
	}

	async #views(db: Queryable, rows: readonly VolumeRow[]): Promise<readonly VolumeView[]> {
		const attachments = await db
			.selectFrom('volume_attachment')
			.selectAll()
			.where('volume_id', 'in', idList(rows.map(({ id }) => id)))
			.execute();
		const byVolume = new Map(attachments.map((attachment) => [attachment.volume_id, attachment]));
		return rows.map((row) => {
			const attachment = byVolume.get(row.id);
			return {
				id: row.id,
				name: row.name,
				projectId: row.project_id,
				userId: row.user_id,
				provider: row.provider === 'cinder' ? 'cinder' : 'local',
				size: row.size,
				status: volumeStatuses.find((status) => status === row.status) ?? 'error',
				statusReason: row.status_reason,
				host: row.host,
				autoRemove: row.auto_remove === 1,
				createdAt: row.created_at,
				updatedAt: row.updated_at,
				attachment:
					attachment === undefined
						? null
						: { sandboxId: attachment.sandbox_id, readOnly: attachment.read_only === 1, detaching: attachment.detaching === 1 },
			};
		});
	}
}
