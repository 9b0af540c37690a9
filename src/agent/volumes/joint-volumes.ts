import type { VolumeSpec } from '../../model/spec.ts';
import type { CinderVolumes } from './cinder-volumes.ts';
import type { AttachedVolume, HostVolumes } from './host-volumes.ts';

/** A host's own volumes and those that are connected to it, as one. */
export class JointVolumes implements HostVolumes {
	readonly #own: HostVolumes;
	readonly #connected: Pick<CinderVolumes, 'attach' | 'detach' | 'list'>;

	constructor(own: HostVolumes, connected: Pick<CinderVolumes, 'attach' | 'detach' | 'list'>) {
		this.#own = own;
		this.#connected = connected;
	}

	async attach(sandboxId: string, volume: VolumeSpec, signal: AbortSignal): Promise<string> {
		return await (volume.provider === 'cinder' ? this.#connected : this.#own).attach(sandboxId, volume, signal);
	}

	async detach(sandboxId: string, volumeId: string, signal: AbortSignal): Promise<void> {
		await this.#connected.detach(sandboxId, volumeId, signal);
		await this.#own.detach(sandboxId, volumeId, signal);
	}

	/** Only what is the host's own has its data here. */
	async destroy(volumeId: string, signal: AbortSignal): Promise<void> {
		await this.#own.destroy(volumeId, signal);
	}

	async list(signal: AbortSignal): Promise<readonly AttachedVolume[]> {
		return [...(await this.#own.list(signal)), ...(await this.#connected.list(signal))];
	}

	async stored(signal: AbortSignal): Promise<readonly string[]> {
		return await this.#own.stored(signal);
	}
}
