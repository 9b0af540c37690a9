/** Loop devices that stand for volumes which somebody connects to the host, and what the kernel holds of them. */
import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, realpath, rm, truncate, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { CinderVolumes } from '../../../src/agent/volumes/cinder-volumes.ts';
import type { VolumeSpec } from '../../../src/model/spec.ts';
import { run } from './host.ts';

export class DeviceHost {
	readonly folder: string;
	readonly #devices: string[] = [];

	private constructor(folder: string) {
		this.folder = folder;
	}

	static async make(t: Pick<TestContext, 'after'>): Promise<DeviceHost> {
		const host = new DeviceHost(await realpath(await mkdtemp(path.join(os.tmpdir(), 'zunbox-devices-'))));
		await mkdir(host.state);
		t.after(() => host.clear());
		return host;
	}

	get state(): string {
		return path.join(this.folder, 'agent');
	}

	/** As an agent that starts has it. */
	open(): Promise<CinderVolumes> {
		return CinderVolumes.open({ stateDirectory: this.state });
	}

	/** A volume that is connected; blank unless `prepare` puts something into its file first. */
	async connect(fields: Partial<VolumeSpec> = {}, prepare: (file: string) => Promise<unknown> = async () => {}): Promise<VolumeSpec> {
		const id = fields.id ?? randomUUID();
		const file = this.file(id);
		await writeFile(file, '', { flag: 'a' });
		await truncate(file, 256 << 20);
		await prepare(file);
		const device = await this.connectFile(file);
		return { id, provider: 'cinder', size: 1, readOnly: false, contents: null, detached: false, device, ...fields };
	}

	async connectFile(file: string): Promise<string> {
		const device = (await run('losetup', '--find', '--show', file)).trim();
		this.#devices.push(device);
		return device;
	}

	/** What who connected it does after it was detached: fails when anything still uses it. */
	async disconnect(volume: VolumeSpec): Promise<void> {
		const device = volume.device ?? '';
		if ((await readFile('/proc/self/mountinfo', 'utf8')).includes(` ${device} `)) throw new Error(`${device} is mounted`);
		await run('losetup', '--detach', device);
		this.#devices.splice(this.#devices.indexOf(device), 1);
	}

	file(volumeId: string): string {
		return path.join(this.folder, `${volumeId}.raw`);
	}

	/** Mount points below the folder, and folders for them. */
	async leftovers(): Promise<readonly string[]> {
		return [...(await this.mounts()), ...(await readdir(path.join(this.state, 'devices')))];
	}

	async mounts(): Promise<readonly string[]> {
		const points = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n').map((line) => line.split(' ')[4] ?? '');
		return points.filter((point) => point.startsWith(`${this.folder}/`));
	}

	async clear(): Promise<void> {
		for (const point of [...(await this.mounts())].reverse()) await run('umount', '--lazy', point);
		for (const device of this.#devices) await run('losetup', '--detach', device).catch(() => {});
		await rm(this.folder, { recursive: true, force: true });
	}
}
