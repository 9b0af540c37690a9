import type { HostFacts } from '../model/host.ts';

/**
 * What a driver must do: make sandboxes and containers on one host with one engine. A driver knows nothing of
 * projects, quotas, databases or HTTP; it is told ids and settings, and keeps no state but what the engine holds.
 *
 * Rules that every driver keeps, and the conformance suite checks:
 * - Every call is an *ensure*, keyed by our ids: made twice, by one caller or by two at once, it has the effect of
 *   one. Creating what is there returns it; starting what runs, stopping what is stopped and removing what is gone
 *   succeed.
 * - A driver touches only what carries its owner's mark. What it did not make is invisible to it.
 * - A call that fails throws a DriverError and leaves nothing behind that a later call of `remove` does not remove.
 * - A call ends soon after its signal is aborted.
 * - `list` is cheap, and is enough to plan with: nothing else is asked for each container.
 *
 * Times are ms since the epoch. Sizes are MiB unless they say otherwise.
 */
export interface Driver {
	/** The name that configuration and sandboxes know it by. */
	readonly name: string;
	readonly capabilities: DriverCapabilities;

	sandboxes: SandboxDriver;
	containers: ContainerDriver;
	images: ImageDriver;

	/** What the host offers; `labels` are left empty. */
	facts(signal: AbortSignal): Promise<HostFacts>;
	/** Everything that carries our mark: sandboxes and containers as they stand. */
	list(signal: AbortSignal): Promise<ObservedState>;
	/** One sandbox and its containers; cheaper than `list`. `sandbox` is null when it is not there. */
	observe(sandboxId: string, signal: AbortSignal): Promise<ObservedSandbox>;
	/**
	 * Changes of sandboxes and containers as they happen, until the signal is aborted. Ends by itself when the engine
	 * goes away: the caller looks at everything and calls again. Events may be lost or repeated; they are hints.
	 */
	events(signal: AbortSignal): AsyncIterable<DriverEvent>;
	close(): Promise<void>;
}

/** What the driver cannot do is answered to users with a clear error instead of half of it. */
export interface DriverCapabilities {
	readonly pause: boolean;
	readonly exec: boolean;
	readonly attach: boolean;
	readonly archive: boolean;
	readonly commit: boolean;
	readonly updateLimits: boolean;
	readonly healthcheck: boolean;
	readonly privileged: boolean;
	/** Whether a sandbox has a real network namespace that ports can be plugged into. */
	readonly networkNamespace: boolean;
}

/** Makes a driver from its part of the configuration. A package that holds a driver exports one as `createDriver`. */
export type DriverFactory = (options: DriverOptions) => Promise<Driver>;

export interface DriverOptions {
	/** Mark of this installation: only what carries it is ours. */
	readonly owner: string;
	/** Folder of the driver's own for files that it needs while it runs; it exists. */
	readonly stateDirectory: string;
	/** The driver's own settings, as they stand in the configuration. */
	readonly settings: Readonly<Record<string, unknown>>;
}

export interface SandboxDriver {
	/**
	 * Makes the namespace holder and leaves it stopped. Nothing of a tenant is needed for it beyond what is here; what
	 * can change later (ports, rules, volumes) comes by other ways.
	 */
	create(settings: SandboxSettings, signal: AbortSignal): Promise<void>;
	/** Ends with the network namespace in place. */
	start(sandboxId: string, signal: AbortSignal): Promise<void>;
	/** Ends the holder. Containers that still run in it end too. */
	stop(sandboxId: string, signal: AbortSignal): Promise<void>;
	/** Freezes the holder only; containers are paused each by its own call. */
	pause(sandboxId: string, signal: AbortSignal): Promise<void>;
	unpause(sandboxId: string, signal: AbortSignal): Promise<void>;
	/** Limits of all containers together; null = none. Engines that cannot do so ignore it. */
	update(sandboxId: string, limits: { readonly cpu: number | null; readonly memory: number | null }, signal: AbortSignal): Promise<void>;
	/** Removes the holder, running or not. Containers must be removed before. */
	remove(sandboxId: string, signal: AbortSignal): Promise<void>;
	/** Path of the network namespace, such as `/proc/123/ns/net`; null when the sandbox does not run. */
	networkNamespacePath(sandboxId: string, signal: AbortSignal): Promise<string | null>;
}

export interface SandboxSettings {
	readonly id: string;
	/** Shown in the engine's own tools; need not be unique. */
	readonly name: string;
	readonly hostname: string;
	/** Whether containers share the holder's IPC and PID namespaces. */
	readonly ipc: boolean;
	readonly pid: boolean;
	readonly runtime: string | null;
	readonly cpu: number | null;
	readonly memory: number | null;
	/** Absolute paths of files on the host that every container sees as /etc/hosts and /etc/resolv.conf. */
	readonly hostsFile: string | null;
	readonly resolvFile: string | null;
}

export interface ContainerDriver {
	/** Makes the container in its sandbox and leaves it not started. The image must be on the host. */
	create(settings: ContainerSettings, signal: AbortSignal): Promise<void>;
	start(containerId: string, signal: AbortSignal): Promise<void>;
	/** SIGTERM (or the image's own signal), and after `timeout` seconds SIGKILL. A paused one is stopped too. */
	stop(containerId: string, timeout: number, signal: AbortSignal): Promise<void>;
	pause(containerId: string, signal: AbortSignal): Promise<void>;
	unpause(containerId: string, signal: AbortSignal): Promise<void>;
	/** Sends the signal, such as `SIGHUP`, to the first process. Fails with `not-running` when there is none. */
	kill(containerId: string, signalName: string, signal: AbortSignal): Promise<void>;
	/** New limits for a container that may be running. */
	update(containerId: string, limits: ContainerLimits, signal: AbortSignal): Promise<void>;
	/** Removes it, running or not. */
	remove(containerId: string, signal: AbortSignal): Promise<void>;
	/** Runs a command to its end, with output bounded to `maxOutput` bytes; fails with `timeout` after `timeout` ms. */
	exec(containerId: string, request: ExecRequest, signal: AbortSignal): Promise<ExecResult>;
	/** Starts a command with a stream to it. */
	execInteractive(containerId: string, request: InteractiveExecRequest, signal: AbortSignal): Promise<DriverSession>;
	/** A stream to the first process. */
	attach(containerId: string, signal: AbortSignal): Promise<DriverSession>;
	/** Size of the terminal of the first process. */
	resize(containerId: string, size: TerminalSize, signal: AbortSignal): Promise<void>;
	/** What it wrote, in order, as chunks; ends at the end of what there is, or with the container when `follow`. */
	logs(containerId: string, request: LogRequest, signal: AbortSignal): AsyncIterable<OutputChunk>;
	top(containerId: string, psArgs: string | null, signal: AbortSignal): Promise<ProcessTable>;
	/** Two samples about a second apart or the engine's last two: CPU is a rate. */
	stats(containerId: string, signal: AbortSignal): Promise<ContainerStats>;
	/** A tar of the path. Fails with `path-not-found`. */
	getArchive(containerId: string, path: string, signal: AbortSignal): Promise<Archive>;
	/** Unpacks the tar into the folder at `path`. */
	putArchive(containerId: string, path: string, tar: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void>;
	/** Makes an image of the container; answers the image's id. */
	commit(containerId: string, repository: string, tag: string, signal: AbortSignal): Promise<string>;
}

export interface ContainerSettings extends ContainerLimits {
	readonly id: string;
	readonly sandboxId: string;
	readonly name: string;
	/** What is observed of it later, to tell an old make from the wanted one. */
	readonly revision: number;
	readonly image: string;
	/** Id of what the image's name stood for when it was looked for; null = whatever it stands for at the creation. */
	readonly imageId?: string | null;
	readonly command: readonly string[] | null;
	readonly entrypoint: readonly string[] | null;
	readonly workdir: string | null;
	/** Only where the container does not share the sandbox's; null = the sandbox's. */
	readonly hostname: string | null;
	readonly environment: Readonly<Record<string, string>>;
	readonly labels: Readonly<Record<string, string>>;
	readonly interactive: boolean;
	readonly tty: boolean;
	readonly privileged: boolean;
	readonly runtime: string | null;
	/** Whether it shares these namespaces with the sandbox; the network is always shared. */
	readonly ipc: boolean;
	readonly pid: boolean;
	readonly healthcheck: { readonly test: string; readonly interval: number; readonly timeout: number; readonly retries: number } | null;
	readonly exposedPorts: readonly string[];
	/** Absolute host path → absolute container path. */
	readonly mounts: readonly { readonly source: string; readonly destination: string; readonly readOnly: boolean }[];
}

export interface ContainerLimits {
	/** Cores; null = no limit. */
	readonly cpu: number | null;
	/** MiB; null = no limit. */
	readonly memory: number | null;
	/** GiB of the writable layer; null = no limit. Engines without disk quota refuse it. */
	readonly disk: number | null;
	/** Processes; null = no limit. */
	readonly pids: number | null;
}

export interface ObservedSandbox {
	readonly sandbox: SandboxState | null;
	readonly containers: readonly ContainerState[];
}

export interface ObservedState {
	readonly sandboxes: readonly SandboxState[];
	readonly containers: readonly ContainerState[];
}

export interface SandboxState {
	readonly id: string;
	readonly status: 'created' | 'running' | 'paused' | 'stopped';
	readonly startedAt: number | null;
	readonly finishedAt: number | null;
}

export interface ContainerState {
	readonly id: string;
	readonly sandboxId: string;
	readonly revision: number;
	readonly runtimeId: string;
	readonly status: 'created' | 'running' | 'paused' | 'restarting' | 'stopped' | 'dead';
	readonly exitCode: number | null;
	readonly oomKilled: boolean;
	/** The engine's own words about a failed start; null otherwise. */
	readonly error: string | null;
	readonly health: 'starting' | 'healthy' | 'unhealthy' | null;
	readonly startedAt: number | null;
	readonly finishedAt: number | null;
	/** As made, with what the image filled in. */
	readonly command: readonly string[];
	readonly entrypoint: readonly string[];
	readonly workdir: string | null;
	readonly hostname: string | null;
	readonly ports: readonly number[];
	/** Whether it was made to join the sandbox holder that stands now. */
	readonly joinsCurrentSandbox: boolean;
}

export interface DriverEvent {
	readonly kind: 'sandbox' | 'container';
	readonly sandboxId: string;
	readonly containerId: string | null;
	/** Such as start, die, pause, destroy, health. */
	readonly action: string;
}

export interface ImageDriver {
	/** Whether the image is on the host, and its id. */
	inspect(reference: string, signal: AbortSignal): Promise<ImageState | null>;
	list(signal: AbortSignal): Promise<readonly ImageState[]>;
	/** Fetches it from its registry; answers what is there then. Fails with `image-not-found`, `unauthorized` or `unavailable`. */
	pull(request: PullRequest, signal: AbortSignal): Promise<ImageState>;
	/** Reads a tar as `docker save` makes it; answers the references that it held. */
	load(tar: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<readonly string[]>;
	/** A tar of the image. */
	save(reference: string, signal: AbortSignal): AsyncIterable<Uint8Array>;
	tag(reference: string, newReference: string, signal: AbortSignal): Promise<void>;
	push(request: PullRequest, signal: AbortSignal): Promise<void>;
	remove(reference: string, signal: AbortSignal): Promise<void>;
}

export interface PullRequest {
	readonly reference: string;
	readonly auth: { readonly domain: string; readonly username: string; readonly password: string } | null;
	readonly onProgress?: (progress: { layersDone: number; layersTotal: number; bytesDone: number; bytesTotal: number }) => void;
}

export interface ImageState {
	/** Engine's id, `sha256:…`. */
	readonly id: string;
	readonly references: readonly string[];
	/** Bytes. */
	readonly size: number;
	readonly architecture: string;
	readonly createdAt: number;
	readonly command: readonly string[];
	readonly entrypoint: readonly string[];
}

export interface ExecRequest {
	readonly command: readonly string[];
	readonly environment?: Readonly<Record<string, string>>;
	readonly workdir?: string;
	readonly user?: string;
	/** ms */
	readonly timeout: number;
	/** Bytes of output that are kept. */
	readonly maxOutput: number;
}

export interface ExecResult {
	readonly stdout: Uint8Array;
	readonly stderr: Uint8Array;
	/** stdout and stderr in the order of their coming. */
	readonly output: Uint8Array;
	readonly exitCode: number;
	readonly truncated: boolean;
}

export interface InteractiveExecRequest {
	readonly command: readonly string[];
	readonly tty: boolean;
	readonly size?: TerminalSize;
}

export interface TerminalSize {
	readonly width: number;
	readonly height: number;
}

/** A two-way stream to a process. */
export interface DriverSession {
	/** Bytes from the process; ends when it does. */
	readonly output: AsyncIterable<OutputChunk>;
	/** Resolves when the bytes are taken, which is how a slow process slows its writer. */
	write(bytes: Uint8Array): Promise<void>;
	/** End of input. */
	end(): Promise<void>;
	resize(size: TerminalSize): Promise<void>;
	/** Exit code of an exec, once it has ended; null for an attach. */
	exitCode(): Promise<number | null>;
	/**
	 * Ends the stream, as the abort of its signal does. A command that was run by an exec and has not ended gets SIGHUP,
	 * as when its terminal is gone, and is killed soon after with all that it started; a container's first process goes on.
	 */
	close(): void;
}

export interface LogRequest {
	readonly stdout: boolean;
	readonly stderr: boolean;
	readonly timestamps: boolean;
	/** Lines from the end; null = all. */
	readonly tail: number | null;
	/** Seconds since the epoch; null = from the start. */
	readonly since: number | null;
	readonly follow: boolean;
}

export interface OutputChunk {
	readonly stream: 'stdout' | 'stderr';
	readonly bytes: Uint8Array;
}

export interface ProcessTable {
	readonly titles: readonly string[];
	readonly processes: readonly (readonly string[])[];
}

export interface ContainerStats {
	/** Of one core, so 200 = two cores. */
	readonly cpuPercent: number;
	/** Bytes. */
	readonly memoryUsed: number;
	readonly memoryLimit: number;
	readonly blockRead: number;
	readonly blockWritten: number;
	readonly networkReceived: number;
	readonly networkSent: number;
	readonly pids: number;
}

export interface Archive {
	readonly stat: ArchiveStat;
	readonly tar: AsyncIterable<Uint8Array>;
}

export interface ArchiveStat {
	readonly name: string;
	/** Bytes. */
	readonly size: number;
	/** Unix mode bits. */
	readonly mode: number;
	readonly mtime: string;
	readonly linkTarget: string;
}

/** Why a driver's call failed. `unavailable` = the engine cannot be reached: worth another try. */
export type DriverErrorCode =
	| 'not-found'
	| 'not-running'
	| 'conflict'
	| 'image-not-found'
	| 'path-not-found'
	| 'unauthorized'
	| 'invalid'
	| 'no-space'
	| 'unsupported'
	| 'timeout'
	| 'unavailable'
	| 'failed';

export class DriverError extends Error {
	override readonly name = 'DriverError';
	readonly code: DriverErrorCode;
	constructor(code: DriverErrorCode, message: string, options: { cause?: unknown } = {}) {
		super(message, options.cause === undefined ? undefined : { cause: options.cause });
		this.code = code;
	}
	/** Whether the same call may succeed later without anybody changing what was asked. */
	get transient(): boolean {
		return this.code === 'unavailable' || this.code === 'timeout' || this.code === 'no-space';
	}
	/** By shape: a driver in a package of its own may bring another copy of this class, or one that looks like it. */
	static override [Symbol.hasInstance](value: unknown): value is DriverError {
		if (!(value instanceof Error) || value.name !== 'DriverError') return false;
		return 'code' in value && typeof value.code === 'string' && 'transient' in value && typeof value.transient === 'boolean';
	}
}
