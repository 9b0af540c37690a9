import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type {
	ContainerSettings,
	ContainerState,
	Driver,
	DriverCapabilities,
	ExecRequest,
	ExecResult,
	LogRequest,
	SandboxSettings,
} from '../driver.ts';
import { makeBusyboxArchive } from '../images/busybox-archive.ts';
import type { ConformanceOptions } from './options.ts';

/** A command that runs until it is told to end. */
export const idle = ['sleep', '1000'] as const;

export const noLimits = { cpu: null, memory: null, disk: null, pids: null } as const;

/** What the tests work with: one driver, its image, and ways to make things that are gone after the test. */
export class Suite {
	readonly options: ConformanceOptions;
	readonly owner = `conformance-${randomUUID()}`;
	#driver: Driver | null = null;
	#image: string | null = null;
	#directory: string | null = null;

	constructor(options: ConformanceOptions) {
		this.options = options;
	}

	get driver(): Driver {
		assert(this.#driver !== null, 'the driver is open');
		return this.#driver;
	}

	/** Reference of the image with the workload programs. */
	get image(): string {
		assert(this.#image !== null, 'the image is prepared');
		return this.#image;
	}

	async open(): Promise<void> {
		this.#directory = await mkdtemp(path.join(os.tmpdir(), 'conformance-'));
		this.#driver = await this.openAnother(this.owner);
		const prepare = this.options.prepareImage ?? loadBusybox;
		this.#image = await prepare(this.#driver, this.signal());
	}

	/** Removes whatever is left, so that also a failed run leaves nothing. Answers how much that was. */
	async close(): Promise<number> {
		try {
			const { containers, sandboxes } = await this.driver.list(this.signal());
			for (const { id } of containers) await this.driver.containers.remove(id, this.signal());
			for (const { id } of sandboxes) await this.driver.sandboxes.remove(id, this.signal());
			return containers.length + sandboxes.length;
		} finally {
			await this.#driver?.close();
			if (this.#directory !== null) await rm(this.#directory, { recursive: true, force: true });
		}
	}

	/** One more driver on the same engine: of another owner, or of the same as after a crash. Its user closes it. */
	async openAnother(owner: string): Promise<Driver> {
		const { createDriver, settings = {} } = this.options;
		assert(this.#directory !== null);
		return createDriver({ owner, settings, stateDirectory: await mkdtemp(path.join(this.#directory, 'state-')) });
	}

	/** A new deadline for one call. */
	signal(): AbortSignal {
		return AbortSignal.timeout(this.deadline);
	}

	get deadline(): number {
		return this.options.deadline ?? 60_000;
	}

	/** Skips the test and answers true when the driver says that it cannot do this. */
	cannot(t: TestContext, capability: keyof DriverCapabilities): boolean {
		if (this.driver.capabilities[capability]) return false;
		t.skip(`the driver says that it cannot do this: capabilities.${capability} is false`);
		return true;
	}

	/** Skips the test and answers true when there are no real processes. */
	simulated(t: TestContext): boolean {
		if (this.options.kernel ?? this.driver.capabilities.networkNamespace) return false;
		t.skip('containers are no processes in namespaces of their own with this driver');
		return true;
	}

	/** Makes a sandbox that goes, with all in it, after the test. */
	async createSandbox(t: TestContext, fields: Partial<SandboxSettings> = {}): Promise<string> {
		const settings = sandboxSettings(fields);
		t.after(() => this.sweep(settings.id));
		await this.driver.sandboxes.create(settings, this.signal());
		return settings.id;
	}

	async startSandbox(t: TestContext, fields: Partial<SandboxSettings> = {}): Promise<string> {
		const id = await this.createSandbox(t, fields);
		await this.driver.sandboxes.start(id, this.signal());
		return id;
	}

	/** Makes a container that goes with its sandbox after the test. */
	async createContainer(sandboxId: string, command: readonly string[] | null, fields: Partial<ContainerSettings> = {}): Promise<string> {
		const settings = this.containerSettings(sandboxId, { command, ...fields });
		await this.driver.containers.create(settings, this.signal());
		return settings.id;
	}

	async startContainer(sandboxId: string, command: readonly string[] | null, fields: Partial<ContainerSettings> = {}): Promise<string> {
		const id = await this.createContainer(sandboxId, command, fields);
		await this.driver.containers.start(id, this.signal());
		return id;
	}

	/** Runs a shell script in a container of its own and waits until it says `ready`. */
	async startScript(sandboxId: string, script: string, fields: Partial<ContainerSettings> = {}): Promise<string> {
		const id = await this.startContainer(sandboxId, ['sh', '-c', script], fields);
		await this.untilLogged(id, 'ready');
		return id;
	}

	containerSettings(sandboxId: string, fields: Partial<ContainerSettings> = {}): ContainerSettings {
		const id = randomUUID();
		return {
			id,
			sandboxId,
			name: `conformance-${id.slice(0, 8)}`,
			revision: 1,
			image: this.image,
			command: idle,
			entrypoint: null,
			workdir: null,
			hostname: null,
			environment: {},
			labels: {},
			interactive: false,
			tty: false,
			privileged: false,
			runtime: null,
			ipc: true,
			pid: true,
			healthcheck: null,
			exposedPorts: [],
			mounts: [],
			...noLimits,
			...fields,
		};
	}

	/** What is seen of a container that must be there. */
	async look(sandboxId: string, containerId: string): Promise<ContainerState> {
		const { containers } = await this.driver.observe(sandboxId, this.signal());
		const state = containers.find(({ id }) => id === containerId);
		assert(state !== undefined, `container ${containerId} is observed in its sandbox`);
		return state;
	}

	/** Waits until the container has ended. */
	async untilEnded(sandboxId: string, containerId: string): Promise<ContainerState> {
		let state = await this.look(sandboxId, containerId);
		await this.until('the container has ended', async () => {
			state = await this.look(sandboxId, containerId);
			return state.status === 'stopped' || state.status === 'dead';
		});
		return state;
	}

	async untilLogged(containerId: string, text: string): Promise<void> {
		await this.until(`the container writes ${text}`, async () => (await this.logs(containerId)).stdout.includes(text));
	}

	async until(what: string, probe: () => Promise<boolean>): Promise<void> {
		const end = Date.now() + this.deadline;
		while (!(await probe())) {
			assert(Date.now() < end, `${what} within ${this.deadline} ms`);
			await sleep(25);
		}
	}

	/** What the container has written. */
	async logs(containerId: string, fields: Partial<LogRequest> = {}): Promise<{ stdout: Buffer; stderr: Buffer }> {
		const request = { stdout: true, stderr: true, timestamps: false, tail: null, since: null, follow: false, ...fields };
		const parts = { stdout: [] as Uint8Array[], stderr: [] as Uint8Array[] };
		for await (const { stream, bytes } of this.driver.containers.logs(containerId, request, this.signal())) parts[stream].push(bytes);
		return { stdout: Buffer.concat(parts.stdout), stderr: Buffer.concat(parts.stderr) };
	}

	exec(containerId: string, command: readonly string[], fields: Partial<ExecRequest> = {}): Promise<ExecResult> {
		const request = { command, timeout: this.deadline, maxOutput: 1024 * 1024, ...fields };
		return this.driver.containers.exec(containerId, request, this.signal());
	}

	/** What a command in the container writes; it must succeed. */
	async ask(containerId: string, command: readonly string[]): Promise<string> {
		const { stdout, stderr, exitCode } = await this.exec(containerId, command);
		assert.equal(exitCode, 0, `${command.join(' ')}: ${Buffer.from(stderr).toString()}`);
		return Buffer.from(stdout).toString().trimEnd();
	}

	/** Removes the sandbox and all in it. */
	async sweep(sandboxId: string): Promise<void> {
		const { containers } = await this.driver.observe(sandboxId, this.signal());
		for (const { id } of containers) await this.driver.containers.remove(id, this.signal());
		await this.driver.sandboxes.remove(sandboxId, this.signal());
	}
}

export function sandboxSettings(fields: Partial<SandboxSettings> = {}): SandboxSettings {
	const id = randomUUID();
	return {
		id,
		name: `conformance-${id.slice(0, 8)}`,
		hostname: 'conformance',
		ipc: true,
		pid: true,
		runtime: null,
		cpu: null,
		memory: null,
		hostsFile: null,
		resolvFile: null,
		...fields,
	};
}

/** Holds that the call fails with a DriverError of one of these codes. */
export async function failsWith(call: Promise<unknown>, ...codes: readonly string[]): Promise<void> {
	await assert.rejects(call, (error: unknown) => {
		assert(error instanceof Error, 'an Error is thrown');
		assert.equal(error.name, 'DriverError', `a DriverError is thrown, not: ${error.stack}`);
		assert('code' in error && codes.includes(String(error.code)), `one of ${codes} is thrown, not: ${error.stack}`);
		const transient = ['unavailable', 'timeout', 'no-space'].includes(String(error.code));
		assert('transient' in error && error.transient === transient, 'it says whether another try may succeed');
		return true;
	});
}

/** The bytes as a stream brings them. */
export async function* streamOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
	for (let at = 0; at < bytes.length; at += 65536) yield bytes.subarray(at, at + 65536);
}

/** All 256 bytes, and what a shell's printf is told to write them. */
export const allBytes = Uint8Array.from({ length: 256 }, (_, byte) => byte);
export const allBytesFormat = [...allBytes].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('');

async function loadBusybox(driver: Driver, signal: AbortSignal): Promise<string> {
	const { reference, tar } = await makeBusyboxArchive();
	if ((await driver.images.inspect(reference, signal)) === null) await driver.images.load(streamOf(tar), signal);
	return reference;
}
