import { fail } from '../../../model/errors.ts';
import { isId } from '../../../model/ids.ts';
import type { Principal } from '../../../model/principal.ts';
import type { CinderClient, CinderVolume } from '../../../openstack/cinder.ts';
import { asService } from '../../../openstack/session.ts';
import { one } from '../../choose.ts';
import { type Delegation, delegationOf } from '../../delegation.ts';
import { asUser, calling } from '../../openstack-failure.ts';
import { isNotFound } from '../../provider-error.ts';
import type { VolumeFacts, VolumeOrder, VolumeService, VolumeState } from '../volume-service.ts';

/** Key of the metadata in which a volume tells what it was made for. */
const keyName = 'zunbox_volume';

/** Cinder: volumes are found and made with the user's rights in the user's project; all else is done by the service user. */
export class CinderVolumeService implements VolumeService {
	readonly #cinder: CinderClient;

	constructor(cinder: CinderClient) {
		this.#cinder = cinder;
	}

	async resolve(principal: Principal, idOrName: string, signal: AbortSignal): Promise<VolumeFacts> {
		const user = asUser(delegationOf(principal));
		const volume = isId(idOrName) ? await this.#orNull(calling(user, this.#cinder.volume(user, idOrName, signal))) : null;
		const found = volume === null ? await calling(user, this.#cinder.volumes(user, { name: idOrName }, signal)) : [volume];
		// An administrator sees those of others.
		const own = found.filter((each) => each.projectId === null || each.projectId === principal.projectId);
		return factsOf(one(own, 'volume', idOrName, () => fail('volume-not-found', `Volume ${idOrName} could not be found.`)));
	}

	async create({ key, sandboxId, name, size }: VolumeOrder, user: Delegation, signal: AbortSignal): Promise<VolumeFacts> {
		const caller = asUser(user);
		const created = this.#cinder.createVolume(
			caller,
			{
				name: name === '' ? `zunbox-${key}` : name,
				description: `Made with sandbox ${sandboxId}`,
				size,
				metadata: { zunbox_sandbox: sandboxId, [keyName]: key },
			},
			signal,
		);
		return factsOf(await calling(caller, created, true));
	}

	async find(projectId: string, key: string, signal: AbortSignal): Promise<VolumeFacts | null> {
		const found = await calling(asService, this.#cinder.volumes(asService, { metadata: { [keyName]: key } }, signal));
		// What is written on a volume can be anybody's word.
		const own = found.find((volume) => volume.projectId === projectId && volume.metadata[keyName] === key);
		return own === undefined ? null : factsOf(own);
	}

	async volume(volumeId: string, signal: AbortSignal): Promise<VolumeFacts | null> {
		const volume = await this.#orNull(calling(asService, this.#cinder.volume(asService, volumeId, signal)));
		return volume === null ? null : factsOf(volume);
	}

	async remove(volumeId: string, force: boolean, signal: AbortSignal): Promise<void> {
		const removed = force ? this.#cinder.forceDeleteVolume(volumeId, signal) : this.#cinder.deleteVolume(asService, volumeId, signal);
		await calling(asService, removed);
	}

	async #orNull(look: Promise<CinderVolume>): Promise<CinderVolume | null> {
		try {
			return await look;
		} catch (error) {
			if (isNotFound(error)) return null;
			throw error;
		}
	}
}

const states: Readonly<Record<string, VolumeState>> = {
	creating: 'making',
	downloading: 'making',
	available: 'available',
	'in-use': 'used',
	maintenance: 'used',
	deleting: 'deleting',
	managing: 'making',
};

function stateOf(status: string): VolumeState {
	if (Object.hasOwn(states, status)) return states[status] ?? 'changing';
	return status.startsWith('error') ? 'broken' : 'changing';
}

function factsOf({ id, name, size, status }: CinderVolume): VolumeFacts {
	return { volumeId: id, name, size, status, state: stateOf(status) };
}
