import { realpath } from 'node:fs/promises';
import { CinderVolumes } from './cinder-volumes.ts';
import { FolderVolumes } from './folder-volumes.ts';
import type { HostVolumes } from './host-volumes.ts';
import { JointVolumes } from './joint-volumes.ts';
import { LoopVolumes, type LoopVolumesOptions } from './loop-volumes.ts';
import { NoVolumes } from './no-volumes.ts';

/** What this host can give: volumes of an exact size need root, and the driver that only pretends needs none. */
export async function hostVolumes(driver: string, options: LoopVolumesOptions): Promise<HostVolumes> {
	if (driver === 'fake') return new FolderVolumes(await realpath(options.dataDirectory), await realpath(options.stateDirectory));
	if (process.platform !== 'linux' || process.getuid?.() !== 0) return new NoVolumes();
	return new JointVolumes(await LoopVolumes.open(options), await CinderVolumes.open(options));
}
