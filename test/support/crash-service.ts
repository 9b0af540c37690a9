/** The real service as a process of its own, which tests kill and start again over the same data. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { KernelNetworking } from '../../src/agent/network/kernel-networking.ts';
import { sweepOwner, testOwner } from './docker.ts';
import { eventually } from './eventually.ts';
import { releaseFolder } from './leaks.ts';

export interface CrashServiceOptions {
	/** Socket of the engine; the machine's own when missing. */
	readonly socket?: string;
	/** Settings beside those that keep it apart from other installations. */
	readonly environment?: Readonly<Record<string, string>>;
	/** Mark on all that it makes; a new one when missing. */
	readonly owner?: string;
}

const program = path.join(import.meta.dirname, '../../bin/zunbox');

/** One installation. It outlives its processes. */
export class CrashService {
	readonly owner: string;
	readonly folder = mkdtempSync(path.join(tmpdir(), 'zunbox-crash-'));
	/** Range of its default network. */
	readonly cidr = `10.${randomInt(128, 256)}.${randomInt(256)}.0/24`;
	readonly socket: string | undefined;
	readonly #environment: Readonly<Record<string, string>>;
	#process: ChildProcess | null = null;
	#url = '';
	#starts = 0;

	constructor(options: CrashServiceOptions = {}) {
		this.owner = options.owner ?? testOwner();
		this.socket = options.socket;
		this.#environment = options.environment ?? {};
		mkdirSync(this.data);
	}

	get data(): string {
		return path.join(this.folder, 'data');
	}

	get database(): string {
		return path.join(this.data, 'zunbox.db');
	}

	/** Where it serves now; another port after each start. */
	get url(): string {
		return this.#url;
	}

	/** Of the process that runs. */
	get pid(): number {
		const pid = this.running ? this.#process?.pid : undefined;
		if (pid === undefined) throw new Error('it does not run');
		return pid;
	}

	get running(): boolean {
		const child = this.#process;
		return child !== null && child.exitCode === null && child.signalCode === null;
	}

	/** How often it was started. */
	get starts(): number {
		return this.#starts;
	}

	/** What its last process wrote. */
	output(): string {
		return readFileSync(this.#log, 'utf8');
	}

	/** Ends when it serves. */
	async start(environment: Readonly<Record<string, string>> = {}): Promise<void> {
		if (this.running) throw new Error('it runs already');
		this.#starts += 1;
		const log = openSync(this.#log, 'w');
		const child = spawn(program, ['serve'], {
			env: { ...process.env, ...this.#settings(), ...this.#environment, ...environment },
			stdio: ['ignore', log, log],
		});
		closeSync(log);
		this.#process = child;
		this.#url = await eventually('the service serves', () => {
			if (!this.running) throw new Error(`it ended: ${this.output()}`);
			return /"url":"([^"]+)"/.exec(this.output())?.[1];
		});
	}

	/** Ends when the process has ended: as if the power had gone with SIGKILL. */
	async end(signalName: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<void> {
		if (this.#process !== null && this.running) {
			const ended = once(this.#process, 'exit');
			this.#process.kill(signalName);
			await ended;
		}
		this.#process = null;
	}

	/** Ends when the process has ended by itself; fails when it does not. */
	async died(timeout = 30_000): Promise<void> {
		await eventually('the process dies', () => !this.running, { timeout, interval: 5 });
	}

	/** Removes all that the installation has made, by other means than its own. */
	async remove(): Promise<void> {
		await this.end();
		const signal = AbortSignal.timeout(60_000);
		await sweepOwner(this.owner, this.socket);
		await new KernelNetworking({ owner: this.owner }).clear(signal);
		await releaseFolder(this.folder, this.owner);
		rmSync(this.folder, { recursive: true, force: true });
	}

	get #log(): string {
		return path.join(this.folder, `log-${this.#starts}`);
	}

	#settings(): Record<string, string> {
		return {
			ZUNBOX_DATA_DIRECTORY: this.data,
			ZUNBOX_HOSTNAME: this.owner,
			ZUNBOX_OWNER: this.owner,
			ZUNBOX_LISTEN_PORT: '0',
			ZUNBOX_NETWORK_CIDR: this.cidr,
			ZUNBOX_SCHEDULER_CPU_OVERCOMMIT: '1000',
			ZUNBOX_SCHEDULER_MEMORY_OVERCOMMIT: '1000',
			ZUNBOX_SCHEDULER_DISK_OVERCOMMIT: '1000',
			...(this.socket === undefined ? {} : { ZUNBOX_DRIVER_SETTINGS: JSON.stringify({ socket: this.socket }) }),
		};
	}
}
