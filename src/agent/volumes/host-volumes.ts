import type { VolumeSpec } from '../../model/spec.ts';

/** The volumes of one host. What is there is asked of the kernel and the disk, never remembered. */
export interface HostVolumes {
	/**
	 * Makes the volume if it is new, mounts it for the sandbox, and answers the path on the host to give to containers.
	 * For an injected file that is the path of the file. Throws a DriverError: `failed` where the host has no room.
	 */
	attach(sandboxId: string, volume: VolumeSpec, signal: AbortSignal): Promise<string>;
	/**
	 * Takes it from the sandbox, whose containers with it are gone; what is not attached is no error. Data of a volume
	 * stays, an injected file is removed.
	 */
	detach(sandboxId: string, volumeId: string, signal: AbortSignal): Promise<void>;
	/** Takes it from every sandbox and removes its data. */
	destroy(volumeId: string, signal: AbortSignal): Promise<void>;
	/** What is attached, whole and usable, with its sandbox. Leftovers of a process that was killed go at the same time. */
	list(signal: AbortSignal): Promise<readonly AttachedVolume[]>;
	/** Ids of the volumes whose data the host has, attached or not. */
	stored(signal: AbortSignal): Promise<readonly string[]>;
}

export interface AttachedVolume {
	readonly volumeId: string;
	readonly sandboxId: string;
	/** To give to containers. */
	readonly path: string;
}
