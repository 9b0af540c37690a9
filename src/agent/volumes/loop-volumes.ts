import { chmod, mkdir, readdir, realpath, rename, rm, rmdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { DriverError } from '../../drivers/driver.ts';
import { messageOf } from '../../model/errors.ts';
import type { VolumeSpec } from '../../model/spec.ts';
import { CommandError, programRunner, type Run } from '../network/run.ts';
import type { AgentLog } from '../options.ts';
import { Limiter } from '../run/limiter.ts';
import type { AttachedVolume, HostVolumes } from './host-volumes.ts';
import { checkImage, ensureImage, unfinished } from './image-file.ts';
import { InjectedFiles } from './injected-files.ts';
import { KeyedLock } from './keyed-lock.ts';
import { type LoopDevice, readLoopDevices } from './loop-devices.ts';
import { type Mount, readMounts } from './mounts.ts';
import { VolumePaths } from './volume-paths.ts';
import { volumeStep } from './volume-step.ts';

export interface LoopVolumesOptions {
	/** Folder that volumes' data is kept in, in a folder `volumes` of its own. */
	readonly dataDirectory: string;
	/** Folder for mount points and injected files. */
	readonly stateDirectory: string;
	/** How many volumes are worked on at once. */
	readonly maxAtOnce?: number;
	readonly run?: Run;
	readonly log?: Pick<AgentLog, 'warn'>;
}

/** Longest time of one program, ms: a check of a large file system that was left unclean takes minutes. */
const programTimeout = 240_000;
/** The kernel takes a loop device down a moment after its last user is gone, ms. */
const releaseWait = 300;
const attempts = 5;

/**
 * Volumes of an exact size: each an ext4 in a file, on a loop device. Invariants, whatever is killed when:
 * - one file has one loop device at the most, so that one file system is never mounted by two that do not know of one
 *   another. A device that still stands is used again;
 * - a loop device goes by itself with its last user, and what never came to have one is swept;
 * - what a mount is of is asked of the kernel after mounting, since device names are given anew.
 */
export class LoopVolumes implements HostVolumes {
	readonly #paths: VolumePaths;
	readonly #files: InjectedFiles;
	readonly #run: Run;
	readonly #locks = new KeyedLock();
	readonly #limiter: Limiter;
	readonly #log: Pick<AgentLog, 'warn'>;

	private constructor(paths: VolumePaths, run: Run, maxAtOnce: number, log: Pick<AgentLog, 'warn'>) {
		this.#paths = paths;
		this.#files = new InjectedFiles(paths);
		this.#run = run;
		this.#log = log;
		this.#limiter = new Limiter(maxAtOnce);
	}

	static async open(options: LoopVolumesOptions): Promise<LoopVolumes> {
		const paths = new VolumePaths(await realpath(options.dataDirectory), await realpath(options.stateDirectory));
		await mkdir(paths.images, { recursive: true, mode: 0o700 });
		for (const folder of [paths.mounts, paths.files]) await mkdir(folder, { recursive: true, mode: 0o711 });
		return new LoopVolumes(paths, options.run ?? programRunner(programTimeout), options.maxAtOnce ?? 4, options.log ?? { warn: () => {} });
	}

	async attach(sandboxId: string, volume: VolumeSpec, signal: AbortSignal): Promise<string> {
		return await this.#alone(volume.id, signal, async () => {
			switch (volume.provider) {
				case 'file':
					return await this.#files.ensure(sandboxId, volume.id, Buffer.from(volume.contents ?? '', 'base64'));
				case 'local':
					return await this.#mount(sandboxId, volume, signal);
				case 'cinder':
					throw new DriverError('unsupported', `Volume ${volume.id} is Cinder's: this host attaches only volumes of its own.`);
			}
		});
	}

	async detach(sandboxId: string, volumeId: string, signal: AbortSignal): Promise<void> {
		await this.#alone(volumeId, signal, async () => {
			await this.#unmount(sandboxId, volumeId, signal);
			await this.#release(volumeId, signal);
			await this.#files.remove(sandboxId, volumeId);
		});
	}

	async destroy(volumeId: string, signal: AbortSignal): Promise<void> {
		await this.#alone(volumeId, signal, async () => {
			for (const { sandboxId } of await this.#mountsOf(volumeId)) await this.#unmount(sandboxId, volumeId, signal);
			await this.#release(volumeId, signal);
			const image = this.#paths.image(volumeId);
			await volumeStep('remove', () => rm(image, { force: true }));
			await rm(unfinished(image), { force: true });
			for (const file of await this.#files.list()) if (file.volumeId === volumeId) await this.#files.remove(file.sandboxId, volumeId);
		});
	}

	async list(signal: AbortSignal): Promise<readonly AttachedVolume[]> {
		await this.#sweep(signal);
		const mounted = (await readMounts()).flatMap((mount) => this.#paths.ofMount(mount.point) ?? []);
		const whole: AttachedVolume[] = [];
		for (const { sandboxId, volumeId } of mounted) {
			const data = this.#paths.data(sandboxId, volumeId);
			if (await isFolder(data)) whole.push({ sandboxId, volumeId, path: data });
		}
		const files = (await this.#files.list()).filter((file) => file.whole);
		return [...whole, ...files.map(({ sandboxId, volumeId, path: file }) => ({ sandboxId, volumeId, path: file }))];
	}

	async stored(): Promise<readonly string[]> {
		const names = await readdir(this.#paths.images);
		return names.flatMap((name) => this.#paths.volumeOfImage(path.join(this.#paths.images, name)) ?? []);
	}

	async #mount(sandboxId: string, volume: VolumeSpec, signal: AbortSignal): Promise<string> {
		const point = this.#paths.mount(sandboxId, volume.id);
		await ensureImage(this.#paths.image(volume.id), volume, this.#run, signal);
		for (let attempt = 1; !(await this.#isMounted(sandboxId, volume.id)); attempt += 1) {
			if (attempt > attempts)
				throw new DriverError('unavailable', `Volume ${volume.id} cannot be mounted: its loop device comes and goes.`);
			await this.#unmount(sandboxId, volume.id, signal);
			const device = await this.#device(volume.id, signal);
			await mkdir(point, { recursive: true, mode: 0o711 });
			try {
				// No tables are zeroed in the background: that would write gigabytes that nobody asked for.
				const options = 'nosuid,nodev,noinit_itable,errors=remount-ro';
				await volumeStep('mount', () => this.#run('mount', ['-t', 'ext4', '-o', options, device, point], '', signal));
			} catch (error) {
				// The device may have gone since it was found.
				if (attempt === attempts || (await this.#devicesOf(volume.id)).some(({ path: still }) => still === device)) throw error;
				await delay(20 * attempt, undefined, { signal });
			}
		}
		for (const device of await this.#devicesOf(volume.id)) {
			if (!device.autoclear) await volumeStep('autoclear', () => this.#run('losetup', ['--detach', device.path], '', signal));
		}
		await this.#makeDataFolder(point);
		return this.#paths.data(sandboxId, volume.id);
	}

	/** Whether its place is a mount of its own image, by its only device. */
	async #isMounted(sandboxId: string, volumeId: string): Promise<boolean> {
		const point = this.#paths.mount(sandboxId, volumeId);
		const top = (await readMounts()).findLast((mount) => mount.point === point);
		const [device, ...more] = await this.#devicesOf(volumeId);
		return top !== undefined && more.length === 0 && device?.device === top.device && !device.file.endsWith(' (deleted)');
	}

	/** The loop device of the volume's image: the one that stands, or a new one after the file system was checked. */
	async #device(volumeId: string, signal: AbortSignal): Promise<string> {
		const image = this.#paths.image(volumeId);
		// What is mounted nowhere is a leftover, and goes, so that the check has the image to itself; where another mount
		// namespace still has it, it stays, and is shared.
		if ((await this.#mountsOf(volumeId)).length === 0) await this.#release(volumeId, signal);
		if ((await this.#devicesOf(volumeId)).length === 0) await checkImage(image, volumeId, this.#run, signal);
		const find = ['--find', '--show', '--nooverlap'];
		const shown = await volumeStep('loop', () =>
			// Without direct I/O each page would be cached twice. Where the disk cannot do it, it goes without.
			this.#run('losetup', [...find, '--direct-io=on', image], '', signal).catch((error: unknown) => {
				if (error instanceof CommandError && /direct io/i.test(error.stderr)) return this.#run('losetup', [...find, image], '', signal);
				throw error;
			}),
		);
		return shown.trim();
	}

	/** Made under another name: it never has rights other than these. Every user of the sandbox's containers may write. */
	async #makeDataFolder(point: string): Promise<void> {
		const data = path.join(point, 'data');
		if (await isFolder(data)) return;
		const fresh = path.join(point, '.data');
		await mkdir(fresh, { recursive: true });
		await chmod(fresh, 0o777);
		await volumeStep('data', () => rename(fresh, data));
	}

	/** Unmounts it from the sandbox's place. A process of the host that stands in it keeps it only for itself. */
	async #unmount(sandboxId: string, volumeId: string, signal: AbortSignal): Promise<void> {
		const point = this.#paths.mount(sandboxId, volumeId);
		const mounts = (await readMounts()).filter((mount) => mount.point === point);
		for (const _ of mounts) {
			await volumeStep('unmount', () =>
				this.#run('umount', [point], '', signal).catch(async (error: unknown) => {
					if (!(await readMounts()).some((mount) => mount.point === point)) return '';
					if (error instanceof CommandError && /busy/i.test(error.stderr)) return await this.#run('umount', ['--lazy', point], '', signal);
					throw error;
				}),
			);
		}
		await rmdir(point).catch(() => {});
		await rmdir(path.dirname(point)).catch(() => {});
	}

	/** Lets the volume's loop devices go, at once or with their last user. Nothing of it is mounted here. */
	async #release(volumeId: string, signal: AbortSignal): Promise<void> {
		if ((await this.#mountsOf(volumeId)).length > 0) return;
		for (const device of await this.#devicesOf(volumeId)) {
			if (device.autoclear) continue;
			await volumeStep('release', () =>
				this.#run('losetup', ['--detach', device.path], '', signal).catch(async (error: unknown) => {
					if ((await this.#devicesOf(volumeId)).some(({ path: still }) => still === device.path)) throw error;
					return '';
				}),
			);
		}
		const until = performance.now() + releaseWait;
		while (performance.now() < until && (await this.#devicesOf(volumeId)).length > 0) await delay(10, undefined, { signal });
	}

	/** What a process that was killed left behind. What is worked on now is not touched; what cannot go yet hinders nothing. */
	async #sweep(signal: AbortSignal): Promise<void> {
		const clear = async (volumeId: string, work: () => Promise<void>): Promise<void> => {
			try {
				await this.#locks.ifFree(volumeId, work);
			} catch (error) {
				if (signal.aborted) throw error;
				this.#log.warn({ volume: volumeId, error: messageOf(error) }, 'a leftover of a volume cannot be removed yet');
			}
		};
		for (const device of await readLoopDevices((file) => this.#paths.volumeOfImage(file) !== null)) {
			const volumeId = this.#paths.volumeOfImage(device.file);
			if (volumeId !== null && !device.autoclear) await clear(volumeId, () => this.#release(volumeId, signal));
		}
		for (const name of await readdir(this.#paths.images)) {
			const file = path.join(this.#paths.images, name);
			const volumeId = name.endsWith('.new') ? this.#paths.volumeOfImage(file.slice(0, -'.new'.length)) : null;
			if (volumeId !== null) await clear(volumeId, () => rm(file, { force: true }));
		}
		for (const sandboxId of await readdir(this.#paths.mounts)) {
			for (const volumeId of await readdir(path.join(this.#paths.mounts, sandboxId)).catch(() => [])) {
				await clear(volumeId, async () => {
					if (!(await isFolder(this.#paths.data(sandboxId, volumeId)))) await this.#discard(sandboxId, volumeId, signal);
				});
			}
			await rmdir(path.join(this.#paths.mounts, sandboxId)).catch(() => {});
		}
		for (const { sandboxId, volumeId, whole } of await this.#files.list()) {
			if (!whole) await clear(volumeId, () => this.#files.remove(sandboxId, volumeId));
		}
	}

	/** A mount point that never came to be used. */
	async #discard(sandboxId: string, volumeId: string, signal: AbortSignal): Promise<void> {
		await this.#unmount(sandboxId, volumeId, signal);
		await this.#release(volumeId, signal);
	}

	async #mountsOf(volumeId: string): Promise<readonly (Mount & { readonly sandboxId: string })[]> {
		return (await readMounts()).flatMap((mount) => {
			const found = this.#paths.ofMount(mount.point);
			return found?.volumeId === volumeId ? [{ ...mount, sandboxId: found.sandboxId }] : [];
		});
	}

	async #devicesOf(volumeId: string): Promise<readonly LoopDevice[]> {
		return await readLoopDevices((file) => this.#paths.volumeOfImage(file) === volumeId);
	}

	#alone<T>(volumeId: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
		return this.#locks.run(volumeId, () => this.#limiter.run(work, signal));
	}
}

async function isFolder(file: string): Promise<boolean> {
	return await stat(file).then(
		(found) => found.isDirectory(),
		() => false,
	);
}
