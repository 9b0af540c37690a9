import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { text } from 'node:stream/consumers';

/** What the load process is told: connections that each ask again as soon as they are answered. */
export interface Load {
	readonly host: string;
	readonly port: number;
	/** Paths that are asked in turn. */
	readonly paths: readonly string[];
	readonly headers: Readonly<Record<string, string>>;
	readonly connections: number;
	/** ms that are measured, after `warmUp` ms that are not. */
	readonly duration: number;
	readonly warmUp: number;
}

export interface LoadResult {
	readonly perSecond: number;
	/** ms. */
	readonly p50: number;
	readonly p99: number;
}

const worker = path.join(import.meta.dirname, 'load-process.ts');

/** Puts load on a server from a second process on another core, and tells what it could bear. */
export async function putLoad(load: Load, core: number): Promise<LoadResult> {
	const child = spawn('taskset', ['-c', String(core), process.execPath, worker, JSON.stringify(load)], {
		stdio: ['ignore', 'pipe', 'inherit'],
	});
	const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
	if (code !== 0) throw new Error(`the load process ended with ${code}`);
	const result: LoadResult = JSON.parse(output);
	return result;
}
