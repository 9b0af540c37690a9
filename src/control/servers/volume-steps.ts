import { failPoint } from '../../faults/fail-point.ts';
import { ProviderError } from '../../providers/provider-error.ts';
import type { VolumeService } from '../../providers/volume/volume-service.ts';
import { updateSandbox } from '../../store/sandboxes.ts';
import { type ServerVolumeRow, updateServerVolume } from '../../store/servers.ts';
import { done, lookAgain, type StepContext, type StepResult, serverIdOf, userOf } from './step-context.ts';
import { dismissVolume, knowVolume } from './wanted-volumes.ts';

/** Looks for a volume that was asked for and is not found: the request may still be on its way. */
const looksBeforeAbsent = 4;
/** Looks at something that is under way, before it is asked for again. */
const looksBeforeRepeat = 60;
/** `tries` of a volume whose attachment is given up: one to begin with, and one for each that the compute service took up. */
const mostTries = 4;

/** A volume in the user's project and name. One that was asked for before a crash is found again. */
export async function makeVolume(context: StepContext, volume: ServerVolumeRow): Promise<StepResult> {
	const { deps, compute, sight, looks, signal } = context;
	const { sandbox, server } = sight;
	const volumes = serviceOf(context);
	let facts = volume.asked === 1 ? await volumes.find(volume.project_id, volume.id, signal) : null;
	if (facts === null) {
		if (volume.asked === 1 && looks < looksBeforeAbsent) return lookAgain(context);
		await deps.store.transaction((tx) => updateServerVolume(tx, volume.id, { asked: 1 }));
		failPoint('control.server.volume-asked');
		const order = { key: volume.id, sandboxId: sandbox.id, name: volume.name, size: volume.size };
		facts = await volumes.create(order, userOf(compute, server), signal);
		failPoint('control.server.volume-made');
	}
	const { volumeId } = facts;
	await deps.store.transaction(async (tx) => {
		await knowVolume(tx, sandbox.id, volume, volumeId);
		// Its id is shown.
		await updateSandbox(tx, sandbox.id, {}, deps.now());
	});
	return done;
}

/** What becomes of its making at the volume service. */
export async function followVolume(context: StepContext, volume: ServerVolumeRow, volumeId: string): Promise<StepResult> {
	const facts = await serviceOf(context).volume(volumeId, context.signal);
	if (facts === null) throw new ProviderError('refused', `Volume ${volumeId} was deleted while it was made.`);
	if (facts.state === 'making') return lookAgain(context);
	if (facts.state === 'broken')
		throw new ProviderError('refused', `The volume service could not make volume ${volumeId} (${facts.status}).`);
	await context.deps.store.transaction((tx) => updateServerVolume(tx, volume.id, { ready: 1 }));
	return done;
}

/** The compute service connects it to the host, which is told of it; that ends this. */
export async function attachVolume(context: StepContext, volume: ServerVolumeRow, volumeId: string): Promise<StepResult> {
	const { deps, compute, sight, looks, signal } = context;
	const serverId = serverIdOf(sight);
	const attached = await compute.provider.attachedVolumes(serverId, signal);
	if (attached.includes(volumeId)) {
		// Whoever did it may have gone in the middle, and then nobody goes on with it.
		if (looks > 0 && looks % looksBeforeStuck === 0) await compute.provider.detachVolume(serverId, volumeId, signal);
		return lookAgain(context);
	}
	const facts = await serviceOf(context).volume(volumeId, signal);
	if (facts === null) throw new ProviderError('refused', `Volume ${volumeId} was deleted.`);
	if (facts.state === 'changing' && looks < looksBeforeRepeat) return lookAgain(context);
	if (facts.state !== 'available') throw new ProviderError('refused', `Volume ${volumeId} is ${facts.status}: it cannot be attached.`);
	if (volume.tries >= mostTries)
		throw new ProviderError('refused', `The compute service could not connect volume ${volumeId} to the sandbox's host.`);
	const tries = Math.max(1, volume.tries);
	await deps.store.transaction((tx) => updateServerVolume(tx, volume.id, { attached: 1, tries }));
	failPoint('control.server.volume-attach-asked');
	await compute.provider.attachVolume(serverId, volumeId, signal);
	failPoint('control.server.volume-attached');
	// What was cut off by a crash before this counts for nothing.
	await deps.store.transaction((tx) => updateServerVolume(tx, volume.id, { tries: tries + 1 }));
	return lookAgain({ ...context, looks: 0 });
}

const looksBeforeStuck = 600;

/** The host unmounts it before the compute service disconnects it. Asked for once, and again where nothing came of it for long. */
export async function detachVolume(context: StepContext, volume: ServerVolumeRow, volumeId: string): Promise<StepResult> {
	const { deps, compute, sight, looks, signal } = context;
	const serverId = serverIdOf(sight);
	const attached = await compute.provider.attachedVolumes(serverId, signal);
	if (!attached.includes(volumeId)) {
		await deps.store.transaction((tx) => updateServerVolume(tx, volume.id, { attached: 0 }));
		return done;
	}
	if (looks % looksBeforeRepeat === 0) await compute.provider.detachVolume(serverId, volumeId, signal);
	failPoint('control.server.volume-detaching');
	return lookAgain(context);
}

/** Made with the sandbox, it is deleted, also if its making was never heard of; any other is only forgotten. */
export async function removeVolume(context: StepContext, volume: ServerVolumeRow): Promise<StepResult> {
	const { deps, sight, looks, signal } = context;
	// What nothing was written to is kept by nobody.
	if (volume.made === 1 && (volume.keep === 0 || volume.tries === 0)) {
		const found =
			volume.volume_id === null && volume.asked === 1 ? await serviceOf(context).find(volume.project_id, volume.id, signal) : null;
		const volumeId = volume.volume_id ?? found?.volumeId ?? null;
		if (volumeId === null && volume.asked === 1 && looks < looksBeforeAbsent) return lookAgain(context);
		if (volumeId !== null && !(await isDeleted(context, volumeId))) return lookAgain(context);
	}
	failPoint('control.server.volume-removed');
	await deps.store.transaction(async (tx) => {
		const id = volume.volume_id ?? volume.id;
		await tx.deleteFrom('volume_attachment').where('volume_id', '=', id).where('sandbox_id', '=', sight.sandbox.id).execute();
		await tx.deleteFrom('volume').where('id', '=', id).where('provider', '=', 'cinder').execute();
		await tx.deleteFrom('server_volume').where('id', '=', volume.id).execute();
		await updateSandbox(tx, sight.sandbox.id, {}, deps.now());
	});
	return done;
}

/** Sees to it; answers whether it is so. */
async function isDeleted(context: StepContext, volumeId: string): Promise<boolean> {
	const { looks, signal } = context;
	const volumes = serviceOf(context);
	const facts = await volumes.volume(volumeId, signal);
	if (facts === null) return true;
	const isLate = looks > 0 && looks % looksBeforeRepeat === 0;
	if (facts.state === 'available' || facts.state === 'broken') await volumes.remove(volumeId, facts.state === 'broken', signal);
	else if (isLate && facts.state !== 'used') await volumes.remove(volumeId, true, signal);
	else if (isLate) throw new ProviderError('conflict', `Volume ${volumeId}, which goes with it, is still ${facts.status}.`);
	failPoint('control.server.volume-removing');
	return false;
}

/** It cannot be had: what waits for it fails, and it is taken away again. */
export async function giveUpVolume({ deps, sight }: StepContext, volume: ServerVolumeRow, reason: string): Promise<void> {
	await deps.store.transaction((tx) => dismissVolume(deps, tx, sight.sandbox, volume.volume_id ?? volume.id, reason));
}

function serviceOf({ compute }: StepContext): VolumeService {
	if (compute.volumes === undefined)
		throw new ProviderError('unavailable', 'There is no volume service: set volumes.provider to cinder again.');
	return compute.volumes;
}
