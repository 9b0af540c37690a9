export const volumeStatuses = ['creating', 'available', 'in-use', 'deleting', 'error'] as const;
export type VolumeStatus = (typeof volumeStatuses)[number];

export interface Volume {
	readonly id: string;
	readonly name: string;
	readonly projectId: string;
	readonly userId: string;
	/** `local` = embedded; `file` = content injected into a container; `cinder`. */
	readonly provider: 'local' | 'file' | 'cinder';
	/** GiB; 0 for an injected file. */
	readonly size: number;
	readonly status: VolumeStatus;
	readonly statusReason: string | null;
	/** Where its data is; null until it is first attached. */
	readonly host: string | null;
	/** Made with a sandbox by size, and goes with it. */
	readonly autoRemove: boolean;
	/** Encrypted content of an injected file, for `file`. */
	readonly contents: string | null;
	readonly createdAt: number;
	readonly updatedAt: number;
}
