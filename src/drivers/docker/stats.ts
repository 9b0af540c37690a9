import { readFile } from 'node:fs/promises';
import os from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { type ContainerStats, DriverError } from '../driver.ts';
import { type GroupUsage, readUsage } from './cgroup/usage.ts';
import type { EngineClient } from './engine/engine-client.ts';
import { field, flag, items, number, text } from './engine/json.ts';

/** ms between the two looks that a rate is made of. */
const lookInterval = 1000;

/**
 * Two looks at the container's control group, a second apart. The engine has no numbers for what joins a sandbox without
 * a network of the engine's own; it is asked only where the group cannot be read. The network is the sandbox's.
 */
export async function readStats(engine: EngineClient, engineId: string, signal: AbortSignal): Promise<ContainerStats> {
	const pid = await runningPid(engine, engineId, signal);
	const first = await readUsage(pid);
	if (first === null) {
		const { body } = await engine.json({ method: 'GET', path: `/containers/${engineId}/stats`, query: { stream: false }, signal });
		return { ...statsOf(body), ...(await readNetwork(await runningPid(engine, engineId, signal))) };
	}
	const start = performance.now();
	await delay(lookInterval, undefined, { signal });
	const [second, network] = await Promise.all([readUsage(pid), readNetwork(pid)]);
	if (second === null) throw new DriverError('not-running', 'the container does not run');
	return { ...rateOf(first, second, performance.now() - start), ...network };
}

/** `passed` = ms between the two. */
export function rateOf(first: GroupUsage, second: GroupUsage, passed: number): Omit<ContainerStats, 'networkReceived' | 'networkSent'> {
	const { cpuTime, memoryLimit, ...rest } = second;
	const used = Math.max(0, cpuTime - first.cpuTime);
	return { ...rest, cpuPercent: passed > 0 ? (used / (passed * 1e6)) * 100 : 0, memoryLimit: Math.min(memoryLimit, os.totalmem()) };
}

async function runningPid(engine: EngineClient, engineId: string, signal: AbortSignal): Promise<number> {
	const { body } = await engine.json({ method: 'GET', path: `/containers/${engineId}/json`, signal });
	const pid = number(body, 'State', 'Pid');
	if (!flag(body, 'State', 'Running') || pid <= 0) throw new DriverError('not-running', 'the container does not run');
	return pid;
}

async function readNetwork(pid: number): Promise<Pick<ContainerStats, 'networkReceived' | 'networkSent'>> {
	return networkBytes(await readFile(`/proc/${pid}/net/dev`, 'utf8').catch(() => ''));
}

/** From the engine's pair of samples. Never NaN: a first sample, which has no one before it, shows no use of CPU. */
export function statsOf(sample: unknown): Omit<ContainerStats, 'networkReceived' | 'networkSent'> {
	const used = number(sample, 'cpu_stats', 'cpu_usage', 'total_usage') - number(sample, 'precpu_stats', 'cpu_usage', 'total_usage');
	const passed = number(sample, 'cpu_stats', 'system_cpu_usage') - number(sample, 'precpu_stats', 'system_cpu_usage');
	const isPair = field(sample, 'precpu_stats', 'system_cpu_usage') !== undefined && used > 0 && passed > 0;
	const cores = number(sample, 'cpu_stats', 'online_cpus') || items(sample, 'cpu_stats', 'cpu_usage', 'percpu_usage').length || 1;
	// Pages of files that the kernel can drop at any time are not counted: inactive_file, by its name in either version.
	const cache = number(sample, 'memory_stats', 'stats', 'total_inactive_file') || number(sample, 'memory_stats', 'stats', 'inactive_file');
	return {
		cpuPercent: isPair ? (used / passed) * cores * 100 : 0,
		memoryUsed: Math.max(0, number(sample, 'memory_stats', 'usage') - cache),
		memoryLimit: Math.min(number(sample, 'memory_stats', 'limit'), os.totalmem()),
		blockRead: blockBytes(sample, 'read'),
		blockWritten: blockBytes(sample, 'write'),
		pids: number(sample, 'pids_stats', 'current'),
	};
}

function blockBytes(sample: unknown, operation: string): number {
	return items(sample, 'blkio_stats', 'io_service_bytes_recursive')
		.filter((row) => text(row, 'op').toLowerCase() === operation)
		.reduce<number>((sum, row) => sum + number(row, 'value'), 0);
}

/** Bytes of all interfaces but the loopback, from a /proc/<pid>/net/dev. */
export function networkBytes(table: string): Pick<ContainerStats, 'networkReceived' | 'networkSent'> {
	let networkReceived = 0;
	let networkSent = 0;
	for (const line of table.split('\n')) {
		const match = /^\s*([^:\s]+):\s*(.*)$/.exec(line);
		if (match === null || match[1] === 'lo') continue;
		const columns = (match[2] ?? '').trim().split(/\s+/).map(Number);
		networkReceived += columns[0] ?? 0;
		networkSent += columns[8] ?? 0;
	}
	return { networkReceived, networkSent };
}
