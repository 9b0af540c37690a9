import { randomUUID } from 'node:crypto';
import { fail } from '../../../src/model/errors.ts';
import type { ServerVolume } from '../../../src/model/server.ts';
import type { Delegation } from '../../../src/providers/delegation.ts';
import { ProviderError } from '../../../src/providers/provider-error.ts';
import type { VolumeFacts, VolumeService } from '../../../src/providers/volume/volume-service.ts';
import type { Script } from './script.ts';

interface ModelVolume extends VolumeFacts {
	readonly projectId: string;
	/** Empty = a user made it. */
	readonly key: string;
	readonly device: string;
	state: VolumeFacts['state'];
	status: string;
	serverId: string;
	/** How often it is looked at before it is as it will be. */
	pending: number;
}

/** A volume service in memory. What takes time there takes looks here. */
export class ModelVolumes {
	readonly all = new Map<string, ModelVolume>();
	/** Why the next volume that is made breaks; null = it does not. */
	breaks = false;
	/** Whether the compute service fails to connect them, and says nothing of it. */
	unconnectable = false;
	#devices = 0;

	/** A volume that a user made. */
	make(projectId: string, name: string, size = 1): string {
		return this.#make(projectId, name, size, '', 0).volumeId;
	}

	service(script: Script, check: (user: Delegation) => void): VolumeService {
		return {
			resolve: async ({ projectId }, ref) => {
				const own = [...this.all.values()].filter((volume) => volume.projectId === projectId);
				const byId = own.filter(({ volumeId }) => volumeId === ref);
				const [first, second] = byId.length > 0 ? byId : own.filter(({ name }) => name === ref);
				if (first === undefined) throw fail('volume-not-found', `Volume ${ref} could not be found.`);
				if (second !== undefined) throw fail('conflict', `Several volumes are named ${ref}: use the id.`);
				return { ...first };
			},
			create: (order, user, signal) =>
				script.run('createVolume', signal, () => {
					check(user);
					return { ...this.#make(user.projectId, order.name, order.size, order.key, 2) };
				}),
			find: (projectId, key, signal) =>
				script.run('findVolume', signal, () => {
					const found = [...this.all.values()].find((volume) => volume.key === key && volume.projectId === projectId);
					return found === undefined ? null : { ...found };
				}),
			volume: (volumeId, signal) =>
				script.run('volume', signal, () => {
					const found = this.#look(volumeId);
					return found === null ? null : { ...found };
				}),
			remove: (volumeId, force, signal) =>
				script.run('removeVolume', signal, () => {
					const volume = this.all.get(volumeId);
					if (volume === undefined) return;
					if (volume.serverId !== '' || (volume.state !== 'available' && !force))
						throw new ProviderError('refused', `Invalid volume: Volume status must be available, not ${volume.status}.`);
					Object.assign(volume, { state: 'deleting', status: 'deleting', pending: 1 });
				}),
		};
	}

	/** Volumes that the server has, or is given. */
	of(serverId: string): readonly ModelVolume[] {
		return [...this.all.values()].filter((volume) => volume.serverId === serverId);
	}

	reserve(volumeId: string, serverId: string): ServerVolume {
		const volume = this.#volume(volumeId);
		if (volume.state !== 'available') throw new ProviderError('refused', `Invalid volume: volume ${volumeId} is ${volume.status}.`);
		Object.assign(volume, { serverId, state: 'changing', status: 'attaching' });
		return { volumeId, device: volume.device, readOnly: false };
	}

	attached(volumeId: string): void {
		Object.assign(this.#volume(volumeId), { state: 'used', status: 'in-use' });
	}

	/** Answers whether there is anything to detach. */
	beginDetach(volumeId: string, serverId: string): boolean {
		const volume = this.#volume(volumeId);
		if (volume.serverId !== serverId) return false;
		Object.assign(volume, { state: 'changing', status: 'detaching' });
		return true;
	}

	release(volumeId: string): void {
		Object.assign(this.#volume(volumeId), { serverId: '', state: 'available', status: 'available' });
	}

	#make(projectId: string, name: string, size: number, key: string, pending: number): ModelVolume {
		this.#devices += 1;
		const making = pending > 0;
		const volume: ModelVolume = {
			volumeId: randomUUID(),
			name,
			size,
			projectId,
			key,
			device: `/dev/model${this.#devices}`,
			state: making ? 'making' : 'available',
			status: making ? 'creating' : 'available',
			serverId: '',
			pending,
		};
		this.all.set(volume.volumeId, volume);
		return volume;
	}

	#look(volumeId: string): ModelVolume | null {
		const volume = this.all.get(volumeId);
		if (volume === undefined) return null;
		volume.pending -= 1;
		if (volume.pending > 0) return volume;
		if (volume.state === 'deleting') this.all.delete(volumeId);
		if (volume.state === 'making')
			Object.assign(volume, this.breaks ? { state: 'broken', status: 'error' } : { state: 'available', status: 'available' });
		return volume;
	}

	#volume(volumeId: string): ModelVolume {
		const volume = this.all.get(volumeId);
		if (volume === undefined) throw new ProviderError('not-found', `Volume ${volumeId} could not be found.`);
		return volume;
	}
}
