import { chmod, mkdir, open, readdir, rename, rm, rmdir } from 'node:fs/promises';
import path from 'node:path';
import type { AttachedVolume } from './host-volumes.ts';
import type { VolumePaths } from './volume-paths.ts';
import { volumeStep } from './volume-step.ts';

/** Injected files of a host's sandboxes. Each appears whole or not at all, also after a power cut. */
export class InjectedFiles {
	readonly #paths: VolumePaths;

	constructor(paths: VolumePaths) {
		this.#paths = paths;
	}

	/** Writes the file where it is not there yet, readable for every user of a container, and answers its path. */
	async ensure(sandboxId: string, volumeId: string, contents: Buffer): Promise<string> {
		const file = this.#paths.file(sandboxId, volumeId);
		if (await holds(file, contents)) return file;
		for (const folder of [path.dirname(path.dirname(file)), path.dirname(file)]) {
			await mkdir(folder, { recursive: true });
			await chmod(folder, 0o711);
		}
		const fresh = `${file}.new`;
		await volumeStep('write', async () => {
			await using handle = await open(fresh, 'w', 0o600);
			await handle.writeFile(contents);
			await handle.chmod(0o644);
			await handle.sync();
		});
		await volumeStep('inject', () => rename(fresh, file));
		return file;
	}

	async remove(sandboxId: string, volumeId: string): Promise<void> {
		const folder = path.dirname(this.#paths.file(sandboxId, volumeId));
		await volumeStep('eject', () => rm(folder, { recursive: true, force: true }));
		await rmdir(path.dirname(folder)).catch(() => {});
	}

	/** All folders of files, whole or half-written. */
	async list(): Promise<readonly (AttachedVolume & { readonly whole: boolean })[]> {
		const sandboxes = await names(this.#paths.files);
		const found = sandboxes.map(async (sandboxId) => {
			const volumes = await names(path.join(this.#paths.files, sandboxId));
			return await Promise.all(
				volumes.map(async (volumeId) => {
					const file = this.#paths.file(sandboxId, volumeId);
					const there = await names(path.dirname(file));
					return { sandboxId, volumeId, path: file, whole: there.includes(path.basename(file)) };
				}),
			);
		});
		return (await Promise.all(found)).flat();
	}
}

/** Whether these are the file's contents. Containers may write to it: no more of it is read than there should be. */
async function holds(file: string, contents: Buffer): Promise<boolean> {
	try {
		await using handle = await open(file, 'r');
		const buffer = Buffer.alloc(contents.length + 1);
		const { bytesRead } = await handle.read(buffer, 0, buffer.length, 0);
		return buffer.subarray(0, bytesRead).equals(contents);
	} catch {
		return false;
	}
}

/** What is in a folder; nothing when it is not there. */
async function names(folder: string): Promise<readonly string[]> {
	return await readdir(folder).catch(() => []);
}
