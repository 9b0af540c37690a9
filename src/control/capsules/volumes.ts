import type { Principal } from '../../model/principal.ts';
import type { SandboxRow } from '../../store/sandboxes.ts';
import type { StoreTransaction } from '../../store/store.ts';
import type { MountRequest } from '../control.ts';
import type { Deps } from '../deps.ts';
import { prepareMounts } from '../servers/prepare.ts';
import type { CapsuleVolume, CreateCapsule } from './capsule-control.ts';

/** What the sandbox of a capsule is asked to have of each volume, by its name in the template. */
export function volumeRequests(input: CreateCapsule): ReadonlyMap<string, MountRequest> {
	const mounts = [...input.initContainers, ...input.containers].flatMap((container) => container.mounts);
	const request = ({ name, volume, resolved }: CapsuleVolume): MountRequest => ({
		type: 'volume',
		...('id' in volume ? { source: volume.id } : { size: volume.size }),
		destination: '/',
		...(resolved === undefined ? {} : { resolved }),
		readOnly: mounts.filter((mount) => mount.volume === name).every((mount) => mount.readOnly),
	});
	return new Map(input.volumes.map((volume) => [volume.name, request(volume)]));
}

/** Finds what the template names of another service's volumes; before the transaction. */
export async function prepareVolumes(deps: Deps, principal: Principal, { volumes }: CreateCapsule): Promise<readonly CapsuleVolume[]> {
	const wishes = volumes.map((one) => ('id' in one.volume ? { one, source: one.volume.id } : { one, size: one.volume.size }));
	const found: readonly ((typeof wishes)[number] & Pick<MountRequest, 'resolved'>)[] = await prepareMounts(deps, principal, wishes);
	return found.map(({ one, resolved }) => (resolved === undefined ? one : { ...one, resolved }));
}

/** Attaches the volumes to the sandbox, each once however many containers mount it. Answers their ids by the names. */
export async function attachVolumes(
	deps: Deps,
	tx: StoreTransaction,
	principal: Principal,
	sandbox: SandboxRow,
	input: CreateCapsule,
): Promise<ReadonlyMap<string, string>> {
	const target = { id: sandbox.id, host: sandbox.host, projectId: sandbox.project_id };
	const ids = new Map<string, string>();
	for (const [name, request] of volumeRequests(input)) {
		const [made] = await deps.volumes.mount(tx, principal, target, [request]);
		if (made === undefined) throw new Error('a mount was asked for, and none was made');
		ids.set(name, made.volumeId);
	}
	for (const { name, volume, autoRemove } of input.volumes) {
		const id = ids.get(name);
		if ('id' in volume || autoRemove || id === undefined) continue;
		// It stays when the capsule goes, so it gets a name to be found by.
		const kept = { auto_remove: 0, name: `${sandbox.name}-${name}`.slice(0, 255) };
		await tx.updateTable('volume').set(kept).where('id', '=', id).execute();
		await tx.updateTable('server_volume').set({ keep: 1, name: kept.name }).where('id', '=', id).execute();
	}
	return ids;
}
