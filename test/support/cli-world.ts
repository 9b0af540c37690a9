import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { pino } from 'pino';
import type { Roles } from '../../src/cli/context.ts';
import type { Io } from '../../src/cli/io.ts';
import { runCli } from '../../src/cli/run-cli.ts';
import { loadConfig } from '../../src/config/load.ts';
import { createDriver, FakeEngine } from '../../src/drivers/fake/index.ts';
import { type RunningService, startService } from '../../src/start-service.ts';
import { backUpFile, checkFile } from '../../src/store/backup.ts';
import { examine } from '../../src/wiring/doctor.ts';
import { resetAdministrator, rotateKeys } from '../../src/wiring/maintenance.ts';
import { registerService } from '../../src/wiring/register.ts';

const root = path.resolve(import.meta.dirname, '../..');

/** Image that the fake engine has from the start. */
export const image = 'zunbox/busybox';

export interface Ended {
	readonly code: number;
	readonly out: string;
	readonly err: string;
}

export interface CallOptions {
	readonly environment?: Readonly<Record<string, string>>;
	/** Columns of a terminal that both outputs are; missing = no terminal. */
	readonly terminal?: number;
	readonly signal?: AbortSignal;
	/** Called with all that standard output and error got so far. */
	readonly onOutput?: (out: string, err: string) => void;
}

/** A real service over a fake engine, and the commands of one of its users. */
export class CliWorld {
	readonly folder: string;
	readonly engine = new FakeEngine();
	#service: RunningService | null = null;

	private constructor(folder: string) {
		this.folder = folder;
	}

	/** Everything of it is gone after the test. */
	static async make(t: { after(end: () => Promise<void>): unknown }): Promise<CliWorld> {
		const world = new CliWorld(await mkdtemp(path.join(os.tmpdir(), 'zunbox-cli-')));
		t.after(async () => {
			await world.stop();
			await rm(world.folder, { recursive: true, force: true });
		});
		return world;
	}

	get dataDirectory(): string {
		return path.join(this.folder, 'data');
	}

	get cacheDirectory(): string {
		return path.join(this.folder, 'cache');
	}

	get url(): string {
		return this.#service?.url ?? '';
	}

	/** Environment of the commands: nothing of that of the tests but the search path. */
	get environment(): Readonly<Record<string, string>> {
		return {
			PATH: process.env['PATH'] ?? '',
			HOME: this.folder,
			XDG_CACHE_HOME: this.cacheDirectory,
			ZUNBOX_DATA_DIRECTORY: this.dataDirectory,
		};
	}

	async start(port = 0): Promise<void> {
		const flags = { dataDirectory: this.dataDirectory, 'listen.port': String(port), 'network.enabled': 'false', 'driver.name': 'fake' };
		const config = await loadConfig({ environment: { ZUNBOX_CONFIG: '/dev/null' }, flags });
		const driver = await createDriver({ owner: config.owner, stateDirectory: this.folder, settings: { engine: this.engine } });
		this.#service = await startService(config, { log: pino({ level: 'silent' }), driver });
	}

	async stop(): Promise<void> {
		await this.#service?.stop();
		this.#service = null;
	}

	/** Runs a command in this process. */
	async zunbox(words: readonly string[], options: CallOptions = {}): Promise<Ended> {
		const texts = { out: '', err: '' };
		const sink = (name: 'out' | 'err') => ({
			write: (content: string | Uint8Array) => {
				texts[name] += typeof content === 'string' ? content : Buffer.from(content).toString('utf8');
				options.onOutput?.(texts.out, texts.err);
			},
			isTerminal: options.terminal !== undefined,
			width: options.terminal ?? 80,
			drained: () => Promise.resolve(),
		});
		const io: Io = {
			out: sink('out'),
			err: sink('err'),
			environment: { ...this.environment, ...options.environment },
			now: Date.now,
			signal: options.signal ?? new AbortController().signal,
			input: null,
		};
		return { code: await runCli(words, io, roles), ...texts };
	}

	/** Runs the program itself. */
	spawn(words: readonly string[], environment: Readonly<Record<string, string>> = {}, input = ''): Promise<Ended> {
		return new Promise((resolve) => {
			const env = { ...this.environment, ...environment };
			const child = execFile(path.join(root, 'bin/zunbox'), [...words], { env, timeout: 60_000 }, (error, out, err) => {
				resolve({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : -1, out, err });
			});
			child.stdin?.on('error', () => {});
			child.stdin?.end(input);
		});
	}
}

const roles: Roles = {
	serve: () => Promise.reject(new Error('the service runs in this process already')),
	backUpDatabase: (folder, target, options) => backUpFile(path.join(folder, 'zunbox.db'), target, options),
	checkDatabase: async (folder) => checkFile(path.join(folder, 'zunbox.db')),
	rotateKeys,
	resetAdministrator,
	doctor: examine,
	register: registerService,
};
