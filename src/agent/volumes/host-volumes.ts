import type { VolumeSpec } from '../../model/spec.ts';

/** The volumes of one host. What is there is asked of the kernel and the disk, never remembered. */
export interface HostVolumes {
	/** Makes the volume if it is new, mounts it, and answers the path on the host to give to containers. */
	attach(sandboxId: string, volume: VolumeSpec, signal: AbortSignal): Promise<string>;
	/** Unmounts it; its data stays. */
	detach(volumeId: string, signal: AbortSignal): Promise<void>;
	/** Unmounts it and removes its data. */
	destroy(volumeId: string, signal: AbortSignal): Promise<void>;
	/** Volumes that are mounted, with the sandbox they were attached for. */
	list(signal: AbortSignal): Promise<readonly { readonly volumeId: string; readonly sandboxId: string; readonly path: string }[]>;
}
