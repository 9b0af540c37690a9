import { mkdir, readdir, rm, symlink } from 'node:fs/promises';
import path from 'node:path';
import type { VolumeSpec } from '../../model/spec.ts';
import type { AttachedVolume, HostVolumes } from './host-volumes.ts';
import { InjectedFiles } from './injected-files.ts';
import { VolumePaths } from './volume-paths.ts';

/** Volumes that are plain folders, for drivers that only pretend: no root is needed, and no size is enforced. */
export class FolderVolumes implements HostVolumes {
	readonly #paths: VolumePaths;
	readonly #files: InjectedFiles;

	/** Both folders exist. */
	constructor(dataDirectory: string, stateDirectory: string) {
		this.#paths = new VolumePaths(dataDirectory, stateDirectory);
		this.#files = new InjectedFiles(this.#paths);
	}

	async attach(sandboxId: string, volume: VolumeSpec): Promise<string> {
		if (volume.provider === 'file') return await this.#files.ensure(sandboxId, volume.id, Buffer.from(volume.contents ?? '', 'base64'));
		const folder = this.#folder(volume.id);
		await mkdir(folder, { recursive: true });
		const mark = this.#paths.mount(sandboxId, volume.id);
		await mkdir(path.dirname(mark), { recursive: true });
		await rm(mark, { force: true });
		await symlink(folder, mark);
		return folder;
	}

	async detach(sandboxId: string, volumeId: string): Promise<void> {
		await rm(this.#paths.mount(sandboxId, volumeId), { force: true });
		await this.#files.remove(sandboxId, volumeId);
	}

	async destroy(volumeId: string): Promise<void> {
		for (const attached of await this.list()) if (attached.volumeId === volumeId) await this.detach(attached.sandboxId, volumeId);
		await rm(this.#folder(volumeId), { recursive: true, force: true });
	}

	async list(): Promise<readonly AttachedVolume[]> {
		const found: AttachedVolume[] = [];
		for (const sandboxId of await readdir(this.#paths.mounts).catch(() => [])) {
			for (const volumeId of await readdir(path.join(this.#paths.mounts, sandboxId)).catch(() => [])) {
				found.push({ sandboxId, volumeId, path: this.#folder(volumeId) });
			}
		}
		const files = (await this.#files.list()).filter((file) => file.whole);
		return [...found, ...files.map(({ sandboxId, volumeId, path: file }) => ({ sandboxId, volumeId, path: file }))];
	}

	async stored(): Promise<readonly string[]> {
		return await readdir(this.#paths.images).catch(() => []);
	}

	#folder(volumeId: string): string {
		return this.#paths.image(volumeId).slice(0, -'.img'.length);
	}
}
