import { randomBytes } from 'node:crypto';
import { type ContainerLimits, type ContainerSettings, type ContainerState, DriverError, type OutputChunk } from '../driver.ts';
import { ByteQueue } from './byte-queue.ts';
import type { FakeImage } from './fake-image.ts';
import type { FakeSandbox } from './fake-sandbox.ts';
import { FileTree } from './file-tree.ts';
import { HealthProbe } from './health-probe.ts';
import { OutputLog } from './output-log.ts';
import type { ProgramContext } from './program-context.ts';
import { findProgram } from './programs.ts';
import { SimulatedProcess } from './simulated-process.ts';
import { terminalOutput } from './terminal.ts';

/** A command to run in a container, and where its bytes go. */
export interface CommandRequest {
	readonly command: readonly string[];
	readonly environment?: Readonly<Record<string, string>> | undefined;
	readonly workdir?: string | undefined;
	readonly user?: string | undefined;
	readonly terminal: ProgramContext['terminal'];
	readonly stdin: ByteQueue;
	readonly write: ProgramContext['write'];
}

/** A container of the fake engine. It outlives drivers, as those of real engines do. */
export class FakeContainer {
	readonly settings: ContainerSettings;
	readonly image: FakeImage;
	readonly sandbox: FakeSandbox;
	readonly runtimeId = randomBytes(32).toString('hex');
	readonly log = new OutputLog();
	readonly files: FileTree;
	readonly terminal: { size: { width: number; height: number } } | null;
	limits: ContainerLimits;
	status: 'created' | 'running' | 'paused' | 'stopped' = 'created';
	exitCode: number | null = null;
	oomKilled = false;
	error: string | null = null;
	startedAt: number | null = null;
	finishedAt: number | null = null;
	/** Of the first process; for those who attach. */
	stdin: ByteQueue | null = null;
	process: SimulatedProcess | null = null;
	/** Those who attached. */
	readonly watchers = new Set<(chunk: OutputChunk | null) => void>();
	readonly #execs = new Set<SimulatedProcess>();
	#health: HealthProbe | null = null;
	readonly #changed: (action: string) => void;

	constructor(settings: ContainerSettings, image: FakeImage, sandbox: FakeSandbox, changed: (action: string) => void) {
		this.settings = settings;
		this.limits = settings;
		this.image = image;
		this.sandbox = sandbox;
		this.#changed = changed;
		this.terminal = settings.tty ? { size: { width: 80, height: 24 } } : null;
		const shared = { hosts: sandbox.settings.hostsFile, 'resolv.conf': sandbox.settings.resolvFile };
		const named = Object.entries(shared).flatMap(([name, source]) =>
			source === null ? [] : [{ source, destination: `/etc/${name}`, readOnly: false }],
		);
		this.files = new FileTree(image.files, [...named, ...settings.mounts]);
	}

	get alive(): boolean {
		return this.status === 'running' || this.status === 'paused';
	}

	/** Processes that live in it. */
	get processes(): number {
		return this.alive ? 1 + this.#execs.size : 0;
	}

	start(): void {
		if (this.alive) return;
		if (!this.sandbox.alive || this.sandbox.gone) {
			throw new DriverError('conflict', `Container ${this.settings.id} cannot join its sandbox, which does not run.`);
		}
		const [name = '', ...args] = this.argv();
		const program = findProgram(name);
		if (program === null) {
			this.error = `exec: "${name}": executable file not found in $PATH`;
			this.exitCode = 127;
			throw new DriverError('failed', `Container ${this.settings.id} did not start: ${this.error}`);
		}
		// Where the PID namespace is not shared, the first process is a namespace's init.
		const process = new SimulatedProcess(!(this.settings.pid && this.sandbox.settings.pid));
		this.process = process;
		this.stdin = new ByteQueue();
		if (!this.settings.interactive) this.stdin.end();
		this.status = 'running';
		this.startedAt = Date.now();
		this.finishedAt = null;
		this.exitCode = null;
		this.oomKilled = false;
		this.error = null;
		const context = this.#context(process, {
			command: this.argv(),
			terminal: this.terminal,
			stdin: this.stdin,
			write: async (stream, bytes) => this.#wrote(stream, bytes),
		});
		process.onExit((exitCode) => this.#ended(exitCode));
		this.#changed('start');
		const { healthcheck } = this.settings;
		if (healthcheck !== null) this.#health = new HealthProbe(this, healthcheck, () => this.#changed('health'));
		process.run(() => program(context, args));
	}

	pause(): void {
		if (this.status !== 'running') return;
		this.status = 'paused';
		for (const process of this.#all()) process.pause();
		this.#changed('pause');
	}

	unpause(): void {
		if (this.status !== 'paused') return;
		this.status = 'running';
		this.#changed('unpause');
		for (const process of this.#all()) process.unpause();
	}

	/** Ends all at once, as SIGKILL does. */
	destroy(): void {
		this.process?.end(137);
	}

	/** Runs one more command beside the first process. */
	exec(request: CommandRequest): SimulatedProcess {
		const [name = '', ...args] = request.command;
		const process = new SimulatedProcess(false);
		const context = this.#context(process, request);
		this.#execs.add(process);
		process.onExit(() => this.#execs.delete(process));
		const program = findProgram(name);
		process.run(async () => {
			if (program !== null) return program(context, args);
			await request.write('stderr', Buffer.from(`exec: "${name}": executable file not found in $PATH\n`));
			return 127;
		});
		return process;
	}

	argv(): readonly string[] {
		const { command, entrypoint } = this.#commandLine();
		return [...entrypoint, ...command];
	}

	state(joinsCurrentSandbox: boolean): ContainerState {
		const { settings } = this;
		const ports = [...this.image.config.ports, ...settings.exposedPorts.map((port) => Number.parseInt(port, 10))];
		return {
			id: settings.id,
			sandboxId: settings.sandboxId,
			revision: settings.revision,
			runtimeId: this.runtimeId,
			status: this.status,
			exitCode: this.exitCode,
			oomKilled: this.oomKilled,
			error: this.error,
			health: this.#health?.health ?? null,
			startedAt: this.startedAt,
			finishedAt: this.finishedAt,
			...this.#commandLine(),
			workdir: settings.workdir ?? this.image.config.workdir,
			hostname: settings.hostname ?? this.sandbox.settings.hostname,
			ports: ports.length === 0 ? ports : [...new Set(ports)].sort((a, b) => a - b),
			joinsCurrentSandbox,
		};
	}

	/** As engines fill it in: an entrypoint of its own makes the image's command void. */
	#commandLine(): { readonly command: readonly string[]; readonly entrypoint: readonly string[] } {
		const { command, entrypoint } = this.settings;
		const { config } = this.image;
		return { command: command ?? (entrypoint === null ? config.command : []), entrypoint: entrypoint ?? config.entrypoint };
	}

	#context(process: SimulatedProcess, request: CommandRequest): ProgramContext {
		const { config } = this.image;
		const fromImage = Object.fromEntries(config.environment.map((pair) => [pair.split('=')[0] ?? '', pair.split('=').slice(1).join('=')]));
		const hostname = this.settings.hostname ?? this.sandbox.settings.hostname;
		return {
			process,
			files: this.files,
			environment: { ...fromImage, HOSTNAME: hostname, ...this.settings.environment, ...request.environment },
			workdir: request.workdir ?? this.settings.workdir ?? config.workdir,
			hostname,
			user: request.user ?? '0',
			terminal: request.terminal,
			memoryLimit: () => this.limits.memory,
			outOfMemory: () => {
				this.oomKilled = true;
				this.destroy();
			},
			stdin: request.stdin,
			write: async (stream, bytes) => {
				process.check();
				if (request.terminal === null) await request.write(stream, bytes);
				else await request.write('stdout', terminalOutput(bytes));
			},
		};
	}

	#wrote(stream: OutputChunk['stream'], bytes: Uint8Array): void {
		this.log.append(stream, bytes);
		for (const watcher of this.watchers) watcher({ stream, bytes });
	}

	#ended(exitCode: number): void {
		this.status = 'stopped';
		this.exitCode = exitCode;
		this.finishedAt = Date.now();
		this.process = null;
		this.stdin?.end();
		this.#health?.stop();
		this.#health = null;
		this.log.flush();
		for (const process of [...this.#execs]) process.end(137);
		for (const watcher of [...this.watchers]) watcher(null);
		this.watchers.clear();
		this.#changed('die');
	}

	#all(): SimulatedProcess[] {
		return [...(this.process === null ? [] : [this.process]), ...this.#execs];
	}
}
