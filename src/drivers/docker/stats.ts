import { readFile } from 'node:fs/promises';
import os from 'node:os';
import { type ContainerStats, DriverError } from '../driver.ts';
import type { EngineClient } from './engine/engine-client.ts';
import { field, flag, items, number, text } from './engine/json.ts';

/** The engine takes two samples a second apart. The network is the sandbox's, which the engine does not count for those that join it. */
export async function readStats(engine: EngineClient, engineId: string, signal: AbortSignal): Promise<ContainerStats> {
	const [sample, inspected] = await Promise.all([
		engine.json({ method: 'GET', path: `/containers/${engineId}/stats`, query: { stream: false }, signal }),
		engine.json({ method: 'GET', path: `/containers/${engineId}/json`, signal }),
	]);
	const pid = number(inspected.body, 'State', 'Pid');
	if (!flag(inspected.body, 'State', 'Running') || pid <= 0) throw new DriverError('not-running', 'the container does not run');
	const network = await readFile(`/proc/${pid}/net/dev`, 'utf8').catch(() => '');
	return { ...statsOf(sample.body), ...networkBytes(network) };
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
