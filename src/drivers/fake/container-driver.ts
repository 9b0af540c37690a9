import { posix } from 'node:path';
import {
	type Archive,
	type ContainerDriver,
	type ContainerLimits,
	type ContainerSettings,
	type ContainerStats,
	DriverError,
	type DriverSession,
	type ExecRequest,
	type ExecResult,
	type InteractiveExecRequest,
	type LogRequest,
	type OutputChunk,
	type ProcessTable,
	type TerminalSize,
} from '../driver.ts';
import { collectBytes, readTar, writeTar } from '../tar.ts';
import { attach, runExec, startExec } from './exec.ts';
import type { FakeContainer } from './fake-container.ts';
import type { FakeEngine } from './fake-engine.ts';
import { makeImage } from './fake-image.ts';
import { abortable } from './faults.ts';
import { chunks } from './image-driver.ts';
import { signalName } from './simulated-process.ts';
import { stopContainer } from './stop-container.ts';

/** What one simulated process takes, in bytes. */
const processMemory = 1024 * 1024;

export class FakeContainerDriver implements ContainerDriver {
	readonly #engine: FakeEngine;
	readonly #owner: string;

	constructor(engine: FakeEngine, owner: string) {
		this.#engine = engine;
		this.#owner = owner;
	}

	create(settings: ContainerSettings, signal: AbortSignal): Promise<void> {
		return this.#call('create', signal, () => this.#engine.createContainer(this.#owner, settings));
	}

	start(containerId: string, signal: AbortSignal): Promise<void> {
		return this.#call('start', signal, () => this.#get(containerId).start());
	}

	stop(containerId: string, timeout: number, signal: AbortSignal): Promise<void> {
		return this.#call('stop', signal, () => stopContainer(this.#get(containerId), timeout, signal));
	}

	pause(containerId: string, signal: AbortSignal): Promise<void> {
		return this.#call('pause', signal, () => this.#running(containerId).pause());
	}

	unpause(containerId: string, signal: AbortSignal): Promise<void> {
		return this.#call('unpause', signal, () => this.#running(containerId).unpause());
	}

	kill(containerId: string, name: string, signal: AbortSignal): Promise<void> {
		return this.#call('kill', signal, () => {
			const known = signalName(name);
			if (known === null) throw new DriverError('invalid', `There is no signal ${name}.`);
			this.#running(containerId).process?.signal(known);
		});
	}

	update(containerId: string, limits: ContainerLimits, signal: AbortSignal): Promise<void> {
		return this.#call('update', signal, () => {
			this.#get(containerId).limits = limits;
		});
	}

	remove(containerId: string, signal: AbortSignal): Promise<void> {
		return this.#call('remove', signal, () => this.#engine.removeContainer(this.#owner, containerId));
	}

	exec(containerId: string, request: ExecRequest, signal: AbortSignal): Promise<ExecResult> {
		return this.#call('exec', signal, () => runExec(this.#notPaused(containerId), request, signal));
	}

	execInteractive(containerId: string, request: InteractiveExecRequest, signal: AbortSignal): Promise<DriverSession> {
		return this.#call('execInteractive', signal, () => startExec(this.#notPaused(containerId), request, signal));
	}

	attach(containerId: string, signal: AbortSignal): Promise<DriverSession> {
		return this.#call('attach', signal, () => attach(this.#running(containerId), signal));
	}

	resize(containerId: string, size: TerminalSize, signal: AbortSignal): Promise<void> {
		return this.#call('resize', signal, () => {
			const { terminal } = this.#running(containerId);
			if (terminal !== null) terminal.size = size;
		});
	}

	async *logs(containerId: string, request: LogRequest, signal: AbortSignal): AsyncGenerator<OutputChunk> {
		const container = await this.#call('logs', signal, () => this.#get(containerId));
		yield* container.log.read(request, () => container.alive, signal);
	}

	top(containerId: string, _psArgs: string | null, signal: AbortSignal): Promise<ProcessTable> {
		return this.#call('top', signal, () => ({
			titles: ['PID', 'USER', 'COMMAND'],
			processes: [['1', '0', this.#running(containerId).argv().join(' ')]],
		}));
	}

	stats(containerId: string, signal: AbortSignal): Promise<ContainerStats> {
		return this.#call('stats', signal, () => {
			const container = this.#running(containerId);
			const hostMemory = this.#engine.facts.memoryMib;
			return {
				cpuPercent: 0,
				memoryUsed: container.processes * processMemory,
				memoryLimit: (container.limits.memory ?? hostMemory) * 1024 * 1024,
				blockRead: 0,
				blockWritten: 0,
				networkReceived: 0,
				networkSent: 0,
				pids: container.processes,
			};
		});
	}

	getArchive(containerId: string, path: string, signal: AbortSignal): Promise<Archive> {
		return this.#call('getArchive', signal, () => {
			const { files } = this.#get(containerId);
			const node = files.stat(path, false);
			if (node === null) throw new DriverError('path-not-found', `There is no ${path} in container ${containerId}.`);
			const stat = {
				name: posix.basename(posix.resolve('/', path)) || '/',
				size: node.bytes.length,
				mode: node.mode,
				mtime: new Date(node.mtime * 1000).toISOString(),
				linkTarget: node.linkTarget,
			};
			return { stat, tar: streamOf(writeTar(files.entries(path))) };
		});
	}

	putArchive(containerId: string, path: string, tar: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void> {
		return this.#call('putArchive', signal, async () => {
			const { files } = this.#get(containerId);
			const folder = files.stat(path);
			if (folder === null) throw new DriverError('path-not-found', `There is no ${path} in container ${containerId}.`);
			if (folder.type !== 'directory') throw new DriverError('invalid', `${path} is not a folder.`);
			for (const entry of readTar(await abortable(collectBytes(tar), signal))) {
				// A path that points out of the folder stays inside it.
				const inside = posix.resolve('/', entry.path);
				if (inside === '/') continue;
				files.mkdir(posix.join(path, posix.dirname(inside)));
				files.put(posix.join(path, inside), { ...entry, bytes: Uint8Array.from(entry.bytes) });
			}
		});
	}

	commit(containerId: string, repository: string, tag: string, signal: AbortSignal): Promise<string> {
		return this.#call('commit', signal, () => {
			const { image, files, settings } = this.#get(containerId);
			const config = {
				...image.config,
				createdAt: Date.now(),
				command: settings.command ?? image.config.command,
				entrypoint: settings.entrypoint ?? image.config.entrypoint,
			};
			const made = makeImage(config, [...image.layers, writeTar(files.changes())]);
			this.#engine.images.add(made, [`${repository}:${tag}`]);
			return made.id;
		});
	}

	#get(containerId: string): FakeContainer {
		return this.#engine.container(this.#owner, containerId);
	}

	#running(containerId: string): FakeContainer {
		const container = this.#get(containerId);
		if (!container.alive) throw new DriverError('not-running', `Container ${containerId} does not run.`);
		return container;
	}

	#notPaused(containerId: string): FakeContainer {
		const container = this.#running(containerId);
		if (container.status === 'paused') throw new DriverError('not-running', `Container ${containerId} is paused.`);
		return container;
	}

	#call<T>(method: string, signal: AbortSignal, effect: () => T | Promise<T>): Promise<T> {
		return this.#engine.faults.call(`containers.${method}`, signal, effect);
	}
}

async function* streamOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
	yield* chunks(bytes);
}
