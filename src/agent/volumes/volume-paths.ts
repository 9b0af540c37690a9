import path from 'node:path';
import { DriverError } from '../../drivers/driver.ts';

/**
 * Where volumes are on the host. A mount's path holds the ids of its sandbox and its volume, so the kernel's table of
 * mounts alone tells what is attached to what.
 */
export class VolumePaths {
	/** Images of file systems, one a volume. */
	readonly images: string;
	/** Mount points, `<sandbox>/<volume>`. */
	readonly mounts: string;
	/** Injected files, `<sandbox>/<volume>/content`. */
	readonly files: string;

	/** Both folders as the kernel names them: without symbolic links. */
	constructor(dataDirectory: string, stateDirectory: string) {
		this.images = path.join(dataDirectory, 'volumes');
		this.mounts = path.join(stateDirectory, 'volumes');
		this.files = path.join(stateDirectory, 'files');
	}

	image(volumeId: string): string {
		return path.join(this.images, `${safe(volumeId)}.img`);
	}

	mount(sandboxId: string, volumeId: string): string {
		return path.join(this.mounts, safe(sandboxId), safe(volumeId));
	}

	file(sandboxId: string, volumeId: string): string {
		return path.join(this.files, safe(sandboxId), safe(volumeId), 'content');
	}

	/**
	 * What containers see of a mounted volume: a folder in it. They do not see `lost+found`; and where somebody has
	 * unmounted the volume the folder is not there, so that no engine takes the host's own disk for it.
	 */
	data(sandboxId: string, volumeId: string): string {
		return path.join(this.mount(sandboxId, volumeId), 'data');
	}

	/** The volume that a path is the image of; null = it is no image of ours. Images that were removed count too. */
	volumeOfImage(file: string): string | null {
		const { dir, base } = path.parse(file.replace(/ \(deleted\)$/, ''));
		return dir === this.images && base.endsWith('.img') ? base.slice(0, -'.img'.length) : null;
	}

	/** Sandbox and volume of a mount point; null = it is none of ours. */
	ofMount(point: string): { readonly sandboxId: string; readonly volumeId: string } | null {
		const [sandboxId, volumeId, ...more] = path.relative(this.mounts, point).split('/');
		if (sandboxId === undefined || sandboxId === '..' || volumeId === undefined || more.length > 0) return null;
		return { sandboxId, volumeId };
	}
}

/** The id, which becomes a part of paths; throws `invalid` for what is none. */
export function safe(id: string): string {
	if (!/^[A-Za-z0-9][A-Za-z0-9-]*$/.test(id)) throw new DriverError('invalid', `${JSON.stringify(id)} is not an id`);
	return id;
}
