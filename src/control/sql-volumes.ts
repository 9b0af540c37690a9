import type { ContainerMount } from '../model/container.ts';
import { fail } from '../model/errors.ts';
import { newId } from '../model/ids.ts';
import type { Principal } from '../model/principal.ts';
import type { VolumeSpec } from '../model/spec.ts';
import { touchSandbox } from '../store/sandboxes.ts';
import type { Queryable, StoreTransaction } from '../store/store.ts';
import type { MountRequest } from './control.ts';
import { FileContents } from './file-contents.ts';
import { unwantVolume, wantVolume } from './servers/wanted-volumes.ts';
import { findVolume, type VolumeRow } from './volume-lookup.ts';
import type { Volumes } from './volumes.ts';

/** Seals and opens what the database must not hold in clear. */
export interface Sealer {
	seal(secret: string, rowId: string): string;
	unseal(sealed: string, rowId: string): string;
}

export interface VolumesOptions {
	/** Largest injected file, in bytes. */
	readonly maxFileSize: number;
	/** Smallest and largest volume, in GiB. */
	readonly minSize: number;
	readonly maxSize: number;
	/** Whether a host has room for a volume of so many GiB. */
	readonly hasRoom: (db: Queryable, hostname: string, gib: number) => Promise<boolean>;
	readonly now: () => number;
}

interface Target {
	readonly id: string;
	readonly host: string | null;
	readonly projectId: string;
}

/** Volumes and injected files over the store. Their data is made by the agent of the host that they are attached on. */
export class SqlVolumes implements Volumes {
	readonly #secrets: Sealer;
	readonly #files: FileContents;
	readonly #options: VolumesOptions;

	constructor(secrets: Sealer, options: VolumesOptions) {
		this.#secrets = secrets;
		this.#files = new FileContents((sealed, id) => secrets.unseal(sealed, id));
		this.#options = options;
	}

	async mount(
		tx: StoreTransaction,
		principal: Principal,
		sandbox: Target,
		mounts: readonly MountRequest[],
	): Promise<readonly ContainerMount[]> {
		const taken = new Set<string>();
		const made: ContainerMount[] = [];
		for (const mount of mounts) {
			if (!mount.destination.startsWith('/') || mount.destination.split('/').includes('..')) {
				throw fail('invalid-value', `mount destination ${mount.destination} must be an absolute path without ..`);
			}
			if (taken.has(mount.destination)) throw fail('invalid-value', `two mounts have the destination ${mount.destination}`);
			if (mount.destination !== '/') taken.add(mount.destination);
			const readOnly = mount.readOnly ?? false;
			const volumeId = await this.#mount(tx, principal, sandbox, mount);
			made.push({ type: mount.type, volumeId, destination: mount.destination, readOnly });
		}
		return made;
	}

	async unmount(tx: StoreTransaction, sandboxId: string, mounts: readonly ContainerMount[]): Promise<void> {
		for (const mount of mounts) {
			if (mount.type !== 'bind') {
				await unwantVolume(tx, sandboxId, mount.volumeId);
				continue;
			}
			await tx
				.updateTable('volume_attachment')
				.set({ detaching: 1 })
				.where('volume_id', '=', mount.volumeId)
				.where('sandbox_id', '=', sandboxId)
				.execute();
		}
		await dropDetachedFiles(tx, sandboxId);
	}

	async release(tx: StoreTransaction, sandboxId: string): Promise<void> {
		const attached = await tx
			.selectFrom('volume_attachment')
			.innerJoin('volume', 'volume.id', 'volume_attachment.volume_id')
			.select(['volume.id', 'volume.auto_remove', 'volume.provider'])
			.where('volume_attachment.sandbox_id', '=', sandboxId)
			.execute();
		await tx.deleteFrom('volume_attachment').where('sandbox_id', '=', sandboxId).execute();
		await tx.deleteFrom('server_volume').where('sandbox_id', '=', sandboxId).execute();
		for (const volume of attached) {
			// Of a volume of another service only its place in the sandbox is kept here.
			if (volume.auto_remove === 1 || volume.provider !== 'local') {
				await tx.deleteFrom('volume').where('id', '=', volume.id).execute();
			} else {
				await tx.updateTable('volume').set({ status: 'available', updated_at: this.#options.now() }).where('id', '=', volume.id).execute();
			}
		}
	}

	async detached(tx: StoreTransaction, sandboxId: string, volumeIds: readonly string[]): Promise<void> {
		for (const id of volumeIds) {
			const attachment = await tx
				.deleteFrom('volume_attachment')
				.where('volume_id', '=', id)
				.where('sandbox_id', '=', sandboxId)
				.where('detaching', '=', 1)
				.executeTakeFirst();
			if (attachment.numDeletedRows === 0n) continue;
			await tx.deleteFrom('volume').where('id', '=', id).where('provider', '<>', 'local').execute();
			// Whoever takes it from the sandbox that it was made with means to keep it.
			const free = { status: 'available', auto_remove: 0, updated_at: this.#options.now() };
			await tx.updateTable('volume').set(free).where('id', '=', id).execute();
			await touchSandbox(tx, sandboxId);
		}
	}

	async made(tx: StoreTransaction, sandboxId: string, volumeIds: readonly string[]): Promise<void> {
		if (volumeIds.length === 0) return;
		await tx
			.updateTable('volume')
			.set({ made: 1 })
			.where('id', 'in', volumeIds)
			.where('made', '=', 0)
			.where('id', 'in', (eb) => eb.selectFrom('volume_attachment').select('volume_id').where('sandbox_id', '=', sandboxId))
			.execute();
	}

	async onHost(db: Queryable, hostname: string): Promise<readonly string[]> {
		const local = await db.selectFrom('volume').select('id').where('provider', '=', 'local').where('host', '=', hostname).execute();
		const files = await db
			.selectFrom('volume_attachment')
			.innerJoin('volume', 'volume.id', 'volume_attachment.volume_id')
			.innerJoin('sandbox', 'sandbox.id', 'volume_attachment.sandbox_id')
			.select('volume.id')
			.where('sandbox.host', '=', hostname)
			.execute();
		return [...new Set([...local, ...files].map(({ id }) => id))];
	}

	checkSize(size: number): void {
		const { minSize, maxSize } = this.#options;
		if (Number.isInteger(size) && size >= minSize && size <= maxSize) return;
		throw fail('invalid-value', `a volume has a whole number of GiB from ${minSize} to ${maxSize}, not ${size}`);
	}

	async specs(db: Queryable, sandboxId: string): Promise<readonly VolumeSpec[]> {
		const rows = await db
			.selectFrom('volume_attachment')
			.innerJoin('volume', 'volume.id', 'volume_attachment.volume_id')
			.select(['volume.id', 'volume.provider', 'volume.size', 'volume.made'])
			.select(['volume_attachment.read_only', 'volume_attachment.detaching', 'volume_attachment.device'])
			.where('volume_attachment.sandbox_id', '=', sandboxId)
			.orderBy('volume_attachment.created_at')
			.orderBy('volume.id')
			.execute();
		const files = rows.filter(({ provider }) => provider === 'file').map(({ id }) => id);
		const contents = files.length === 0 ? new Map<string, string>() : await this.#files.read(db, files);
		return rows.map((row) => ({
			id: row.id,
			provider: row.provider === 'file' ? 'file' : row.provider === 'cinder' ? 'cinder' : 'local',
			size: row.size,
			readOnly: row.read_only === 1,
			contents: contents.get(row.id) ?? null,
			made: row.made === 1,
			detached: row.detaching === 1,
			...(row.provider === 'cinder' ? { device: row.device } : {}),
		}));
	}

	async views(
		db: Queryable,
		sandboxIds: readonly string[],
	): Promise<ReadonlyMap<string, readonly { readonly volumeId: string; readonly readOnly: boolean }[]>> {
		const rows = await db
			.selectFrom('volume_attachment')
			.innerJoin('volume', 'volume.id', 'volume_attachment.volume_id')
			.select(['volume_attachment.volume_id', 'volume_attachment.sandbox_id', 'volume_attachment.read_only'])
			.where('volume_attachment.sandbox_id', 'in', sandboxIds)
			.where('volume.provider', '<>', 'file')
			.where('detaching', '=', 0)
			.execute();
		const views = new Map<string, { volumeId: string; readOnly: boolean }[]>();
		for (const row of rows) {
			const list = views.get(row.sandbox_id) ?? [];
			list.push({ volumeId: row.volume_id, readOnly: row.read_only === 1 });
			views.set(row.sandbox_id, list);
		}
		return views;
	}

	/** Answers the volume's id. */
	async #mount(tx: StoreTransaction, principal: Principal, sandbox: Target, mount: MountRequest): Promise<string> {
		if (mount.type === 'volume' && mount.resolved !== undefined) {
			return await wantVolume(tx, principal, sandbox, { ...mount, resolved: mount.resolved }, this.#options.now());
		}
		const volume = await this.#volumeFor(tx, principal, sandbox, mount);
		await this.#attach(tx, sandbox, volume, mount.readOnly ?? false);
		return volume.id;
	}

	async #volumeFor(tx: StoreTransaction, principal: Principal, sandbox: Target, mount: MountRequest): Promise<VolumeRow> {
		if (mount.type === 'bind') return await this.#file(tx, principal, sandbox, mount.source);
		if (mount.source !== undefined) {
			const volume = await findVolume(tx, principal, mount.source);
			if (volume.provider === 'file') throw fail('volume-not-found', `Volume ${mount.source} could not be found.`);
			return volume;
		}
		if (mount.size === undefined) throw fail('invalid-value', 'a mount needs a source (a volume) or a size (of a new one)');
		this.checkSize(mount.size);
		return await insertVolume(tx, {
			name: '',
			projectId: sandbox.projectId,
			userId: principal.userId,
			provider: 'local',
			size: mount.size,
			autoRemove: true,
			contents: null,
			now: this.#options.now(),
		});
	}

	async #file(tx: StoreTransaction, principal: Principal, sandbox: Target, content: string | undefined): Promise<VolumeRow> {
		if (content === undefined) throw fail('invalid-value', 'a mount of type bind needs a source: the base64 content of the file');
		const bytes = Buffer.from(content, 'base64');
		if (bytes.toString('base64').replaceAll('=', '') !== content.replaceAll(/[\s=]/g, '')) {
			throw fail('base-64-exception', 'the source of a mount of type bind must be base64');
		}
		if (bytes.length > this.#options.maxFileSize) {
			throw fail('invalid-value', `an injected file may have ${this.#options.maxFileSize} bytes at the most; this one has ${bytes.length}`);
		}
		const id = newId();
		return await insertVolume(tx, {
			id,
			name: '',
			projectId: sandbox.projectId,
			userId: principal.userId,
			provider: 'file',
			size: 0,
			autoRemove: true,
			contents: this.#secrets.seal(bytes.toString('base64'), id),
			now: this.#options.now(),
		});
	}

	async #attach(tx: StoreTransaction, sandbox: Target, volume: VolumeRow, readOnly: boolean): Promise<void> {
		const attachment = await tx.selectFrom('volume_attachment').selectAll().where('volume_id', '=', volume.id).executeTakeFirst();
		if (attachment !== undefined) {
			if (attachment.detaching === 1) throw fail('volume-in-use', `Volume ${volume.id} is being detached: try again in a moment.`);
			if (attachment.sandbox_id !== sandbox.id) {
				throw fail('volume-in-use', `Volume ${volume.id} is attached to sandbox ${attachment.sandbox_id}: detach it there first.`);
			}
			// One container may write what another only reads.
			if (attachment.read_only === 1 && !readOnly) {
				await tx.updateTable('volume_attachment').set({ read_only: 0 }).where('id', '=', attachment.id).execute();
			}
			return;
		}
		if (volume.status !== 'available')
			throw fail('volume-not-usable', `Volume ${volume.id} is ${volume.status}: ${volume.status_reason ?? 'it cannot be attached'}`);
		if (volume.host !== null && volume.host !== sandbox.host) {
			throw fail('volume-not-usable', `Volume ${volume.id} has its data on another host than sandbox ${sandbox.id}.`);
		}
		if (volume.host === null && sandbox.host !== null && volume.provider === 'local') {
			const room = await this.#options.hasRoom(tx, sandbox.host, volume.size);
			if (!room) throw fail('conflict', `The host of sandbox ${sandbox.id} has no room for a volume of ${volume.size} GiB.`);
		}
		const now = this.#options.now();
		await tx
			.insertInto('volume_attachment')
			.values({ id: newId(), volume_id: volume.id, sandbox_id: sandbox.id, read_only: readOnly ? 1 : 0, detaching: 0, created_at: now })
			.execute();
		await tx.updateTable('volume').set({ status: 'in-use', host: sandbox.host, updated_at: now }).where('id', '=', volume.id).execute();
	}
}

export interface NewVolume {
	readonly id?: string;
	readonly name: string;
	readonly projectId: string;
	readonly userId: string;
	readonly provider: 'local' | 'file';
	/** GiB. */
	readonly size: number;
	readonly autoRemove: boolean;
	readonly contents: string | null;
	readonly now: number;
}

export async function insertVolume(tx: StoreTransaction, volume: NewVolume): Promise<VolumeRow> {
	const row: VolumeRow = {
		id: volume.id ?? newId(),
		name: volume.name,
		project_id: volume.projectId,
		user_id: volume.userId,
		provider: volume.provider,
		size: volume.size,
		status: 'available',
		status_reason: null,
		host: null,
		auto_remove: volume.autoRemove ? 1 : 0,
		contents: volume.contents,
		made: 0,
		created_at: volume.now,
		updated_at: volume.now,
	};
	await tx.insertInto('volume').values(row).execute();
	return row;
}

/** A file's row goes with its attachment: the agent has nothing of it but a copy. */
async function dropDetachedFiles(tx: StoreTransaction, sandboxId: string): Promise<void> {
	const files = await tx
		.selectFrom('volume_attachment')
		.innerJoin('volume', 'volume.id', 'volume_attachment.volume_id')
		.select('volume.id')
		.where('volume_attachment.sandbox_id', '=', sandboxId)
		.where('volume_attachment.detaching', '=', 1)
		.where('volume.provider', '=', 'file')
		.execute();
	for (const { id } of files) {
		await tx.deleteFrom('volume_attachment').where('volume_id', '=', id).execute();
		await tx.deleteFrom('volume').where('id', '=', id).execute();
	}
}
