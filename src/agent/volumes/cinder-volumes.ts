import { mkdir, readdir, realpath, rmdir } from 'node:fs/promises';
import path from 'node:path';
import { DriverError } from '../../drivers/driver.ts';
import type { VolumeSpec } from '../../model/spec.ts';
import { CommandError, programRunner, type Run } from '../network/run.ts';
import { Limiter } from '../run/limiter.ts';
import { type BlockDevice, blockDevice } from './block-device.ts';
import { ensureFileSystem } from './device-format.ts';
import { mountsElsewhere } from './device-users.ts';
import type { AttachedVolume } from './host-volumes.ts';
import { KeyedLock } from './keyed-lock.ts';
import { type Mount, readMounts } from './mounts.ts';
import { safe } from './volume-paths.ts';
import { volumeStep } from './volume-step.ts';

export interface CinderVolumesOptions {
	/** Folder for mount points, in a folder `devices` of its own. */
	readonly stateDirectory: string;
	/** How many volumes are worked on at once. */
	readonly maxAtOnce?: number;
	readonly run?: Run;
}

/** Longest time of one program, ms: a check of a large file system that was left unclean takes minutes. */
const programTimeout = 240_000;

/**
 * Volumes that somebody else connects to the host as block devices, and disconnects when they are unmounted. A sandbox's
 * containers see the root of the volume's file system, so that a volume looks alike wherever it is used. What is mounted
 * is asked of the kernel, by the device's number: names of devices are given anew.
 */
export class CinderVolumes {
	readonly #root: string;
	readonly #run: Run;
	readonly #locks = new KeyedLock();
	readonly #limiter: Limiter;

	private constructor(root: string, run: Run, maxAtOnce: number) {
		this.#root = root;
		this.#run = run;
		this.#limiter = new Limiter(maxAtOnce);
	}

	static async open(options: CinderVolumesOptions): Promise<CinderVolumes> {
		const root = path.join(await realpath(options.stateDirectory), 'devices');
		await mkdir(root, { recursive: true, mode: 0o711 });
		return new CinderVolumes(root, options.run ?? programRunner(programTimeout), options.maxAtOnce ?? 4);
	}

	/** As HostVolumes says. `unavailable` while the device is not there. */
	async attach(sandboxId: string, volume: VolumeSpec, signal: AbortSignal): Promise<string> {
		const point = this.#point(sandboxId, volume.id);
		await this.#alone(volume.id, signal, async () => {
			if (volume.device === undefined || volume.device === null)
				throw new DriverError('unavailable', `Volume ${volume.id} is not connected to the host yet.`);
			const device = await blockDevice(volume.device, volume.id);
			const top = (await mountsAt(point)).at(-1);
			if (top?.device === device.number && top.readOnly === volume.readOnly) return;
			await this.#unmount(point, volume.id, signal);
			await this.#mount(device, point, volume, signal);
		});
		return point;
	}

	/**
	 * As HostVolumes says. Throws `unavailable` while a container or a process still uses it: its device must not be taken
	 * away from under them.
	 */
	async detach(sandboxId: string, volumeId: string, signal: AbortSignal): Promise<void> {
		await this.#alone(volumeId, signal, () => this.#unmount(this.#point(sandboxId, volumeId), volumeId, signal));
	}

	/** As HostVolumes says. */
	async list(signal: AbortSignal): Promise<readonly AttachedVolume[]> {
		const mounts = await readMounts();
		const attached = mounts.flatMap(({ point }) => this.#ofPoint(point) ?? []);
		for (const sandboxId of await readdir(this.#root)) {
			for (const volumeId of await readdir(path.join(this.#root, sandboxId)).catch(() => [])) {
				signal.throwIfAborted();
				// A place that nothing is mounted at is a leftover. One that is not empty is none of ours.
				if (attached.some((volume) => volume.path === path.join(this.#root, sandboxId, volumeId))) continue;
				await this.#locks.ifFree(volumeId, () => rmdir(path.join(this.#root, sandboxId, volumeId)).catch(() => {}));
			}
			await rmdir(path.join(this.#root, sandboxId)).catch(() => {});
		}
		return attached;
	}

	async #mount(device: BlockDevice, point: string, volume: VolumeSpec, signal: AbortSignal): Promise<void> {
		const mounted =
			(await readMounts()).some((mount) => mount.device === device.number) || (await mountsElsewhere(device.number)).length > 0;
		// What is mounted anywhere has a file system, and its kernel has the last word on what is in it.
		if (!mounted) await ensureFileSystem(device, volume.id, volume.readOnly, this.#run, signal);
		await mkdir(point, { recursive: true, mode: 0o711 });
		// Not even a journal is written to what is to be read only.
		const options = `nosuid,nodev,errors=remount-ro${volume.readOnly ? ',ro,noload' : ''}`;
		await volumeStep('connect', () => this.#run('mount', ['-t', 'ext4', '-o', options, device.path, point], '', signal));
	}

	async #unmount(point: string, volumeId: string, signal: AbortSignal): Promise<void> {
		const mounts = await mountsAt(point);
		for (const device of new Set(mounts.map((mount) => mount.device))) {
			const users = (await mountsElsewhere(device)).filter((place) => place !== point);
			if (users.length > 0) throw inUse(volumeId, `a container has it at ${[...new Set(users)].join(', ')}`);
		}
		for (const _ of mounts) {
			await volumeStep('disconnect', () =>
				this.#run('umount', [point], '', signal).catch(async (error: unknown) => {
					if ((await mountsAt(point)).length === 0) return '';
					if (error instanceof CommandError && /busy/i.test(error.stderr)) throw inUse(volumeId, 'a process of the host is in it');
					throw error;
				}),
			);
		}
		await rmdir(point).catch(() => {});
		await rmdir(path.dirname(point)).catch(() => {});
	}

	#point(sandboxId: string, volumeId: string): string {
		return path.join(this.#root, safe(sandboxId), safe(volumeId));
	}

	#ofPoint(point: string): AttachedVolume | null {
		const [sandboxId, volumeId, ...more] = path.relative(this.#root, point).split('/');
		if (sandboxId === undefined || sandboxId === '..' || volumeId === undefined || more.length > 0) return null;
		return { sandboxId, volumeId, path: point };
	}

	#alone<T>(volumeId: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
		return this.#locks.run(volumeId, () => this.#limiter.run(work, signal));
	}
}

async function mountsAt(point: string): Promise<readonly Mount[]> {
	return (await readMounts()).filter((mount) => mount.point === point);
}

function inUse(volumeId: string, who: string): DriverError {
	return new DriverError('unavailable', `Volume ${volumeId} is still in use: ${who}.`);
}
