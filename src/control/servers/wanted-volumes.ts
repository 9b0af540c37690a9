import { failPoint } from '../../faults/fail-point.ts';
import { fail } from '../../model/errors.ts';
import { newId } from '../../model/ids.ts';
import type { Principal } from '../../model/principal.ts';
import type { ResolvedVolume, VolumeFacts } from '../../providers/volume/volume-service.ts';
import { containersOf } from '../../store/containers.ts';
import { endOperations } from '../../store/operations.ts';
import { type SandboxRow, touchSandbox } from '../../store/sandboxes.ts';
import { giveServerWork, type ServerVolumeRow, updateServerVolume } from '../../store/servers.ts';
import type { StoreTransaction } from '../../store/store.ts';
import { changeContainer } from '../changes.ts';
import type { MountRequest } from '../control.ts';
import type { Deps } from '../deps.ts';

/** The sandbox that is to have a volume. */
interface Target {
	readonly id: string;
	readonly projectId: string;
}

type WantedMount = MountRequest & { readonly resolved: ResolvedVolume };

/**
 * Writes that the sandbox is to have a volume of the volume service, which the provisioner makes true; answers its id
 * here, which is the volume service's from when it has one. What the sandbox has already is shared by its containers.
 */
export async function wantVolume(
	tx: StoreTransaction,
	principal: Principal,
	sandbox: Target,
	mount: WantedMount,
	now: number,
): Promise<string> {
	if (principal.projectId !== sandbox.projectId) {
		throw fail('conflict', `Sandbox ${sandbox.id} is of another project: volumes are attached only within one.`);
	}
	const { resolved } = mount;
	const id = resolved.kind === 'new' ? newId() : resolved.volume.volumeId;
	if (resolved.kind === 'existing' && (await share(tx, sandbox, resolved.volume, mount))) return id;
	const size = resolved.kind === 'new' ? resolved.size : resolved.volume.size;
	const name = resolved.kind === 'new' ? '' : resolved.volume.name;
	const { projectId } = sandbox;
	await tx
		.insertInto('volume')
		.values({ ...mirror, id, name, size, project_id: projectId, user_id: principal.userId, created_at: now, updated_at: now })
		.onConflict((conflict) => conflict.column('id').doNothing())
		.execute();
	await tx
		.insertInto('volume_attachment')
		.values({ id: newId(), volume_id: id, sandbox_id: sandbox.id, read_only: mount.readOnly ? 1 : 0, detaching: 0, created_at: now })
		.execute();
	const made = resolved.kind === 'new' ? 1 : 0;
	await tx
		.insertInto('server_volume')
		.values({
			id: made === 1 ? id : newId(),
			sandbox_id: sandbox.id,
			project_id: projectId,
			volume_id: made === 1 ? null : id,
			name: '',
			size,
			made,
			keep: 0,
			own: isOwn(mount) ? 1 : 0,
			asked: 0,
			ready: 1 - made,
			attached: 0,
			tries: 0,
			leaving: 0,
			created_at: now,
		})
		.execute();
	await giveServerWork(tx, sandbox.id);
	failPoint('control.server-volume.wanted');
	return id;
}

/** Of the columns of a volume: what is shown of one that is another service's. */
const mirror = { provider: 'cinder', status: 'in-use', status_reason: null, host: null, auto_remove: 0, contents: null, made: 0 } as const;

/** What was asked for with the sandbox is mounted nowhere, and it is the sandbox's; so is what is made with it. */
function isOwn(mount: WantedMount): boolean {
	return mount.destination === '/' || mount.resolved.kind === 'new';
}

/** Answers whether the sandbox has it already; throws where it cannot have it. */
async function share(tx: StoreTransaction, sandbox: Target, volume: VolumeFacts, mount: WantedMount): Promise<boolean> {
	const id = volume.volumeId;
	const row = await tx.selectFrom('server_volume').selectAll().where('volume_id', '=', id).executeTakeFirst();
	const attachment = await tx.selectFrom('volume_attachment').selectAll().where('volume_id', '=', id).executeTakeFirst();
	const holder = row?.sandbox_id ?? attachment?.sandbox_id;
	if (holder !== undefined && holder !== sandbox.id) {
		throw fail('volume-in-use', `Volume ${id} is attached to sandbox ${holder}: detach it there first.`);
	}
	if (row?.leaving === 1 || attachment?.detaching === 1) {
		throw fail('volume-in-use', `Volume ${id} is being detached: try again in a moment.`);
	}
	if (attachment !== undefined) {
		// One container may write what another only reads.
		if (attachment.read_only === 1 && mount.readOnly !== true) {
			await tx.updateTable('volume_attachment').set({ read_only: 0 }).where('id', '=', attachment.id).execute();
		}
		if (row !== undefined && isOwn(mount)) await updateServerVolume(tx, row.id, { own: 1 });
		return true;
	}
	if (volume.state === 'available') return false;
	if (volume.state === 'used') throw fail('volume-in-use', `Volume ${id} is ${volume.status}: detach it first.`);
	throw fail('volume-not-usable', `Volume ${id} is ${volume.status}: it must be available.`);
}

/** The volume that was asked for has an id at the volume service: from now on it is known by that one. */
export async function knowVolume(tx: StoreTransaction, sandboxId: string, volume: ServerVolumeRow, volumeId: string): Promise<void> {
	const known = await tx.selectFrom('volume').selectAll().where('id', '=', volume.id).executeTakeFirst();
	await updateServerVolume(tx, volume.id, { volume_id: volumeId });
	if (known === undefined) return;
	await tx
		.insertInto('volume')
		.values({ ...known, id: volumeId })
		.execute();
	await tx.updateTable('volume_attachment').set({ volume_id: volumeId }).where('volume_id', '=', volume.id).execute();
	await tx.deleteFrom('volume').where('id', '=', volume.id).execute();
	for (const container of await containersOf(tx, sandboxId)) {
		if (!mountsVolume(container, volume.id)) continue;
		const mounts = container.mounts.replaceAll(`"${volume.id}"`, `"${volumeId}"`);
		await tx.updateTable('container').set({ mounts }).where('id', '=', container.id).execute();
	}
	await touchSandbox(tx, sandboxId);
}

export function mountsVolume(container: { readonly mounts: string }, volumeId: string): boolean {
	return container.mounts.includes(`"${volumeId}"`);
}

/** A container that mounted it is gone: with the last one goes what is not the sandbox's. */
export async function unwantVolume(tx: StoreTransaction, sandboxId: string, volumeId: string): Promise<void> {
	const row = await tx
		.selectFrom('server_volume')
		.selectAll()
		.where('volume_id', '=', volumeId)
		.where('sandbox_id', '=', sandboxId)
		.executeTakeFirst();
	if (row === undefined || row.own === 1 || row.leaving === 1) return;
	if ((await containersOf(tx, sandboxId)).some((container) => mountsVolume(container, volumeId))) return;
	await updateServerVolume(tx, row.id, { leaving: 1 });
	await giveServerWork(tx, sandboxId);
	failPoint('control.server-volume.unwanted');
}

/**
 * A user takes the volume from the sandbox. Whoever takes one that was made with it means to keep it. Answers false for a
 * volume of the host's own.
 */
export async function takeVolumeAway(tx: StoreTransaction, sandbox: SandboxRow, volumeId: string, now: number): Promise<boolean> {
	const volume = await tx.selectFrom('volume').selectAll().where('id', '=', volumeId).executeTakeFirst();
	if (volume?.provider !== 'cinder') return false;
	const row = await tx
		.selectFrom('server_volume')
		.select('id')
		.where('sandbox_id', '=', sandbox.id)
		.where((eb) => eb.or([eb('volume_id', '=', volumeId), eb('id', '=', volumeId)]))
		.executeTakeFirst();
	if (row !== undefined) await updateServerVolume(tx, row.id, { leaving: 1, keep: 1 });
	else {
		// It was attached with the compute service's own tools.
		const { id, size, project_id } = volume;
		const told = { made: 0, keep: 1, own: 1, asked: 0, ready: 1, attached: 1, tries: 0, leaving: 1, created_at: now };
		await tx
			.insertInto('server_volume')
			.values({ id: newId(), sandbox_id: sandbox.id, project_id, volume_id: id, name: '', size, ...told })
			.execute();
	}
	await giveServerWork(tx, sandbox.id);
	return true;
}

/**
 * The sandbox does not get the volume, or has it no more, though it wants it: containers that wait for it end in Error.
 * What was made and may have been written to is kept.
 */
export async function dismissVolume(
	deps: Deps,
	tx: StoreTransaction,
	sandbox: Pick<SandboxRow, 'id'>,
	volumeId: string,
	reason: string,
): Promise<void> {
	const row = await tx
		.selectFrom('server_volume')
		.selectAll()
		.where('sandbox_id', '=', sandbox.id)
		.where((eb) => eb.or([eb('volume_id', '=', volumeId), eb('id', '=', volumeId)]))
		.executeTakeFirst();
	if (row === undefined || row.leaving === 1) return;
	const volume = await tx.selectFrom('volume').select('made').where('id', '=', volumeId).executeTakeFirst();
	await updateServerVolume(tx, row.id, { leaving: 1, ...(volume?.made === 1 ? { keep: 1 } : {}) });
	await giveServerWork(tx, sandbox.id);
	const now = deps.now();
	for (const container of await containersOf(tx, sandbox.id)) {
		if (container.runtime_id !== null || container.desired_status === 'Deleted' || !mountsVolume(container, volumeId)) continue;
		await endOperations(tx, container.id, reason, now);
		const failed = { status: 'Error', status_reason: reason, task_state: null, desired_status: 'Created' } as const;
		await changeContainer(tx, container, failed, now);
	}
	await touchSandbox(tx, sandbox.id);
}
