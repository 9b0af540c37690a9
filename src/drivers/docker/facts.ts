import { readFile, statfs } from 'node:fs/promises';
import os from 'node:os';
import type { HostFacts } from '../../model/host.ts';
import type { EngineClient } from './engine/engine-client.ts';
import { items, keys, number, text, texts } from './engine/json.ts';

/** What the engine says of its host, and how much room there is where it keeps containers. */
export async function hostFacts(engine: EngineClient, driver: string, signal: AbortSignal): Promise<HostFacts> {
	const { body } = await engine.json({ method: 'GET', path: '/info', signal });
	const root = text(body, 'DockerRootDir') || '/var/lib/docker';
	const disk = await statfs(root).catch(() => null);
	return {
		hostname: text(body, 'Name') || os.hostname(),
		cpus: number(body, 'NCPU') || os.cpus().length,
		memoryMib: Math.floor((number(body, 'MemTotal') || os.totalmem()) / 1024 / 1024),
		diskGib: disk === null ? 0 : Math.floor((disk.blocks * disk.bsize) / 1024 ** 3),
		diskQuotaSupported: supportsDiskQuota(body, root, await readFile('/proc/mounts', 'utf8').catch(() => '')),
		architecture: text(body, 'Architecture'),
		osType: text(body, 'OSType'),
		os: text(body, 'OperatingSystem'),
		kernelVersion: text(body, 'KernelVersion'),
		driver,
		driverVersion: text(body, 'ServerVersion'),
		runtimes: keys(body, 'Runtimes').filter((name) => !name.startsWith('io.containerd.')),
		defaultRuntime: text(body, 'DefaultRuntime'),
		labels: {},
	};
}

/** Whether the writable layer of a container can be given a size: by its storage driver, or by project quotas of XFS. */
export function supportsDiskQuota(info: unknown, root: string, mounts: string): boolean {
	const storage = text(info, 'Driver');
	if (['btrfs', 'zfs', 'devicemapper'].includes(storage)) return true;
	const backing = items(info, 'DriverStatus').map((row) => texts({ row }, 'row'));
	if (storage !== 'overlay2' || !backing.some(([name, value]) => name === 'Backing Filesystem' && value === 'xfs')) return false;
	const holding = mounts
		.split('\n')
		.map((line) => line.split(' '))
		.filter(([, point = '-']) => point === '/' || root === point || root.startsWith(`${point}/`))
		.sort(([, left = ''], [, right = '']) => right.length - left.length)[0];
	return /(^|,)(pquota|prjquota)(,|$)/.test(holding?.[3] ?? '');
}
