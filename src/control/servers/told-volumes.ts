import { fail } from '../../model/errors.ts';
import { newId } from '../../model/ids.ts';
import type { ServerVolume } from '../../model/server.ts';
import type { SandboxRow } from '../../store/sandboxes.ts';
import type { StoreTransaction } from '../../store/store.ts';
import type { Deps } from '../deps.ts';
import { dismissVolume } from './wanted-volumes.ts';

/**
 * Writes where a server's volumes are on its host, as block devices. `all` = it has no others. One that is not known was
 * attached with the compute service's own tools: it is the sandbox's like any other, and its containers may mount it.
 */
export async function noteVolumes(
	deps: Deps,
	tx: StoreTransaction,
	sandbox: SandboxRow,
	told: readonly ServerVolume[],
	all: boolean,
): Promise<void> {
	for (const { volumeId, device, readOnly } of told) {
		await ensureVolume(deps, tx, sandbox, volumeId);
		const attachment = await tx.selectFrom('volume_attachment').selectAll().where('volume_id', '=', volumeId).executeTakeFirst();
		if (attachment !== undefined && attachment.sandbox_id === sandbox.id) {
			await tx.updateTable('volume_attachment').set({ device, detaching: 0 }).where('id', '=', attachment.id).execute();
			continue;
		}
		// The compute service has one word on where it is, and the last.
		if (attachment !== undefined) await tx.deleteFrom('volume_attachment').where('id', '=', attachment.id).execute();
		await tx
			.insertInto('volume_attachment')
			.values({
				id: newId(),
				volume_id: volumeId,
				sandbox_id: sandbox.id,
				read_only: readOnly ? 1 : 0,
				detaching: 0,
				created_at: deps.now(),
				device,
			})
			.execute();
	}
	if (!all) return;
	const known = await tx
		.selectFrom('volume_attachment')
		.select(['volume_id', 'device'])
		.where('sandbox_id', '=', sandbox.id)
		.where('device', 'is not', null)
		.execute();
	for (const { volume_id } of known) {
		if (!told.some(({ volumeId }) => volumeId === volume_id)) await volumeGone(deps, tx, sandbox, volume_id);
	}
}

/** The host is to let go of it; what a compute service does not have there any more, control forgets then. */
export async function volumeGone(deps: Deps, tx: StoreTransaction, sandbox: SandboxRow, volumeId: string): Promise<void> {
	await dismissVolume(deps, tx, sandbox, volumeId, sandbox.status_reason ?? `The compute service took volume ${volumeId} away.`);
	await tx
		.updateTable('volume_attachment')
		.set({ detaching: 1 })
		.where('sandbox_id', '=', sandbox.id)
		.where('volume_id', '=', volumeId)
		.execute();
}

async function ensureVolume(deps: Deps, tx: StoreTransaction, sandbox: SandboxRow, id: string): Promise<void> {
	const known = await tx.selectFrom('volume').select('provider').where('id', '=', id).executeTakeFirst();
	if (known?.provider === 'cinder') return;
	if (known !== undefined) throw fail('conflict', `Volume ${id} is none that a compute service could attach.`);
	const now = deps.now();
	await tx
		.insertInto('volume')
		.values({
			id,
			name: '',
			project_id: sandbox.project_id,
			user_id: sandbox.user_id,
			provider: 'cinder',
			size: 0,
			status: 'in-use',
			status_reason: null,
			host: null,
			auto_remove: 0,
			contents: null,
			made: 1,
			created_at: now,
			updated_at: now,
		})
		.execute();
}
