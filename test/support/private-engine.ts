/**
 * A Docker Engine of a test's own beside the machine's, for tests that kill it or fill its disk. Its containerd is apart
 * from it, so that the engine alone dies and comes back.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { eventually } from './eventually.ts';

export class PrivateEngine {
	/** Where all of it is; also a place for the test's own files. */
	readonly folder = mkdtempSync(path.join(tmpdir(), 'zunbox-engine-'));
	#engine: ChildProcess | null = null;
	#runtime: ChildProcess | null = null;

	/** `disk` = MiB of a file system of its own for all that the engine keeps; without it, it has the machine's. */
	constructor(disk?: number) {
		mkdirSync(this.data);
		if (disk !== undefined) execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${disk}m`, 'tmpfs', this.data]);
	}

	get socket(): string {
		return path.join(this.folder, 'engine.sock');
	}

	/** Folder of the engine's images and containers. */
	get data(): string {
		return path.join(this.folder, 'data');
	}

	get running(): boolean {
		return this.#engine !== null;
	}

	/** Does not wait until it answers. */
	async start(): Promise<void> {
		if (this.#runtime === null) await this.#startRuntime();
		const places = ['--data-root', this.data, '--exec-root', path.join(this.folder, 'exec'), '--pidfile', path.join(this.folder, 'pid')];
		const network = ['--bridge', 'none', '--iptables=false', '--ip6tables=false'];
		const words = ['--containerd', this.#runtimeSocket, '-H', `unix://${this.socket}`, ...places, ...network];
		// In a network of its own: an engine that is told to have no bridge removes the one of the machine's engine.
		this.#engine = await this.#run('unshare', ['--net', 'dockerd', ...words]);
	}

	async stop(signalName: 'SIGTERM' | 'SIGKILL'): Promise<void> {
		const child = this.#engine;
		this.#engine = null;
		await end(child, signalName);
	}

	/** Its containers must have been removed before. */
	async remove(): Promise<void> {
		await this.stop('SIGTERM');
		await end(this.#runtime, 'SIGTERM');
		const places = readFileSync('/proc/mounts', 'utf8')
			.split('\n')
			.map((line) => line.split(' ')[1] ?? '');
		const own = places.filter((place) => place.startsWith(`${this.folder}/`)).reverse();
		for (const place of own) execFileSync('umount', [place]);
		rmSync(this.folder, { recursive: true, force: true });
	}

	get #runtimeSocket(): string {
		return path.join(this.folder, 'runtime.sock');
	}

	async #startRuntime(): Promise<void> {
		const state = path.join(this.folder, 'runtime');
		const words = ['--root', path.join(state, 'root'), '--state', path.join(state, 'state'), '--address', this.#runtimeSocket];
		this.#runtime = await this.#run('containerd', words);
		await eventually('containerd listens', () => existsSync(this.#runtimeSocket));
	}

	async #run(program: string, words: readonly string[]): Promise<ChildProcess> {
		const log = await open(path.join(this.folder, 'log'), 'a');
		const child = spawn(program, words, { stdio: ['ignore', log.fd, log.fd] });
		await log.close();
		return child;
	}
}

async function end(child: ChildProcess | null, signalName: 'SIGTERM' | 'SIGKILL'): Promise<void> {
	if (child === null || child.exitCode !== null || child.signalCode !== null) return;
	const ended = once(child, 'exit');
	child.kill(signalName);
	await ended;
}
