/** A folder for the volumes of one test, and what the kernel holds of it. */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, realpath, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { promisify } from 'node:util';
import { LoopVolumes } from '../../../src/agent/volumes/loop-volumes.ts';
import type { VolumeSpec } from '../../../src/model/spec.ts';
import { eventually } from '../../support/eventually.ts';

const execute = promisify(execFile);

export const signal = () => AbortSignal.timeout(120_000);

export async function run(command: string, ...args: string[]): Promise<string> {
	return (await execute(command, args)).stdout;
}

export class VolumeHost {
	readonly folder: string;

	private constructor(folder: string) {
		this.folder = folder;
	}

	static async make(t: Pick<TestContext, 'after'>): Promise<VolumeHost> {
		const host = new VolumeHost(await realpath(await mkdtemp(path.join(os.tmpdir(), 'zunbox-volumes-'))));
		await mkdir(host.state);
		t.after(() => host.clear());
		return host;
	}

	get state(): string {
		return path.join(this.folder, 'agent');
	}

	get images(): string {
		return path.join(this.folder, 'volumes');
	}

	image(volumeId: string): string {
		return path.join(this.images, `${volumeId}.img`);
	}

	/** As an agent that starts has it. */
	open(): Promise<LoopVolumes> {
		return LoopVolumes.open({ dataDirectory: this.folder, stateDirectory: this.state });
	}

	/** Mount points below the folder. */
	async mounts(): Promise<readonly string[]> {
		const points = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n').map((line) => line.split(' ')[4] ?? '');
		return points.filter((point) => point.startsWith(`${this.folder}/`));
	}

	/** Files below the folder that loop devices have, ` (deleted)` ones too. */
	async loops(): Promise<readonly string[]> {
		const found: { readonly loopdevices?: readonly { readonly 'back-file': string; readonly name: string }[] } = JSON.parse(
			(await run('losetup', '--list', '--json')) || '{}',
		);
		return (found.loopdevices ?? []).map((device) => device['back-file']).filter((file) => file.startsWith(`${this.folder}/`));
	}

	/** Everything there is of volumes, on disk and in the kernel; loop devices of the last moment have their time to go. */
	async leftovers(): Promise<readonly string[]> {
		await eventually('no loop device is left', async () => (await this.loops()).length === 0, { timeout: 5_000 }).catch(() => {});
		const files = await Promise.all(
			[this.images, path.join(this.state, 'volumes'), path.join(this.state, 'files')].map((folder) => readdir(folder).catch(() => [])),
		);
		return [...(await this.mounts()), ...(await this.loops()), ...files.flat()];
	}

	async clear(): Promise<void> {
		for (const point of [...(await this.mounts())].reverse()) await run('umount', '--lazy', point);
		for (const device of JSON.parse((await run('losetup', '--list', '--json')) || '{}').loopdevices ?? []) {
			if (String(device['back-file']).startsWith(`${this.folder}/`)) await run('losetup', '--detach', device.name).catch(() => {});
		}
		await rm(this.folder, { recursive: true, force: true });
	}
}

export function localVolume(fields: Partial<VolumeSpec> = {}): VolumeSpec {
	return { id: randomUUID(), provider: 'local', size: 1, readOnly: false, contents: null, detached: false, ...fields };
}

export function injectedFile(contents: Buffer): VolumeSpec {
	return localVolume({ provider: 'file', size: 0, contents: contents.toString('base64') });
}
