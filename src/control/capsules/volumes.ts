import type { Principal } from '../../model/principal.ts';
import type { SandboxRow } from '../../store/sandboxes.ts';
import type { StoreTransaction } from '../../store/store.ts';
import type { Deps } from '../deps.ts';
import type { CreateCapsule } from './capsule-control.ts';

/**
 * Attaches the volumes of a template to the capsule's sandbox, each once however many containers mount it. Answers
 * their ids by their names in the template.
 */
export async function attachVolumes(
	deps: Deps,
	tx: StoreTransaction,
	principal: Principal,
	sandbox: SandboxRow,
	input: CreateCapsule,
): Promise<ReadonlyMap<string, string>> {
	const mounts = [...input.initContainers, ...input.containers].flatMap((container) => container.mounts);
	const target = { id: sandbox.id, host: sandbox.host, projectId: sandbox.project_id };
	const ids = new Map<string, string>();
	for (const { name, volume, autoRemove } of input.volumes) {
		const source = 'id' in volume ? { source: volume.id } : { size: volume.size };
		const readOnly = mounts.filter((mount) => mount.volume === name).every((mount) => mount.readOnly);
		const [made] = await deps.volumes.mount(tx, principal, target, [{ type: 'volume', ...source, destination: '/', readOnly }]);
		if (made === undefined) throw new Error('a mount was asked for, and none was made');
		ids.set(name, made.volumeId);
		if ('id' in volume || autoRemove) continue;
		// It stays when the capsule goes, so it gets a name to be found by.
		await tx
			.updateTable('volume')
			.set({ auto_remove: 0, name: `${sandbox.name}-${name}`.slice(0, 255) })
			.where('id', '=', made.volumeId)
			.execute();
	}
	return ids;
}
