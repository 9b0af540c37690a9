import { failPoint } from '../../faults/fail-point.ts';
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
import { getArchive, putArchive } from './archive.ts';
import { checkContainer, containerConfig } from './container-config.ts';
import type { DockerContext } from './context.ts';
import type { JsonAnswer } from './engine/engine-client.ts';
import { startError } from './engine/errors.ts';
import { items, text, texts } from './engine/json.ts';
import { updatedLimits } from './engine-limits.ts';
import type { EngineObject } from './engine-objects.ts';
import { runCommand } from './exec.ts';
import { ImageHealthChecks } from './health-check.ts';
import { ensureCreated, pauseObject, removeObject, unpauseObject } from './life-cycle.ts';
import { readLogs } from './logs.ts';
import { containerEngineName, labels } from './names.ts';
import { privilegedSettings } from './privileges.ts';
import { attachSession, execSession } from './sessions.ts';
import { readStats } from './stats.ts';
import { thawFrozen } from './thaw.ts';

/** ms that the engine is given beyond the seconds of a stop. */
const stopSlack = 30_000;

/** Containers that join a sandbox. */
export class DockerContainers implements ContainerDriver {
	readonly #context: DockerContext;
	readonly #healthChecks: ImageHealthChecks;

	constructor(context: DockerContext) {
		this.#context = context;
		this.#healthChecks = new ImageHealthChecks(context.engine);
	}

	async create(settings: ContainerSettings, signal: AbortSignal): Promise<void> {
		checkContainer(settings);
		const { objects, cgroups, owner, settings: log } = this.#context;
		const cpu = settings.cpu === null ? null : await cgroups.clampCpu(settings.sandboxId, settings.cpu, signal);
		const privileged = settings.privileged ? await privilegedSettings() : {};
		const cgroupParent = await cgroups.name(settings.sandboxId, signal);
		const ofImage = await this.#healthChecks.of(settings.imageId ?? settings.image, signal);
		failPoint('driver.docker.container-create.before');
		await objects.with('sandbox', settings.sandboxId, signal, (holder) => {
			const place = { owner, holder: holder.engineId, cgroupParent, privileged, imageHealthCheck: ofImage, log };
			const body = containerConfig({ ...settings, cpu }, place);
			return ensureCreated(this.#context, 'container', settings.id, containerEngineName(settings.id), body, signal);
		});
		failPoint('driver.docker.container-create.after');
	}

	async start(containerId: string, signal: AbortSignal): Promise<void> {
		failPoint('driver.docker.container-start.before');
		await this.#with(containerId, signal, (object) => this.#start(containerId, object, signal));
		failPoint('driver.docker.container-start.after');
	}

	async stop(containerId: string, timeout: number, signal: AbortSignal): Promise<void> {
		failPoint('driver.docker.container-stop.before');
		await this.#with(containerId, signal, (object) => this.#stop(object, timeout, signal));
		failPoint('driver.docker.container-stop.after');
	}

	async pause(containerId: string, signal: AbortSignal): Promise<void> {
		await this.#with(containerId, signal, (object) => pauseObject(this.#context, object, signal));
	}

	async unpause(containerId: string, signal: AbortSignal): Promise<void> {
		await this.#with(containerId, signal, (object) => unpauseObject(this.#context, object, signal));
	}

	async kill(containerId: string, signalName: string, signal: AbortSignal): Promise<void> {
		await this.#post(containerId, 'kill', signal, { query: { signal: signalName }, idempotent: false });
	}

	async update(containerId: string, limits: ContainerLimits, signal: AbortSignal): Promise<void> {
		const { objects, cgroups } = this.#context;
		let { cpu } = limits;
		if (cpu !== null) {
			const inspected = await objects.inspect('container', containerId, signal);
			cpu = await cgroups.clampCpu(text(inspected, 'Config', 'Labels', labels.sandbox), cpu, signal);
		}
		await this.#post(containerId, 'update', signal, { body: updatedLimits({ ...limits, cpu }) });
	}

	async remove(containerId: string, signal: AbortSignal): Promise<void> {
		failPoint('driver.docker.container-remove.before');
		const { objects } = this.#context;
		try {
			const object = await objects.find('container', containerId, signal);
			await removeObject(this.#context, object, signal);
		} catch (error) {
			if (!(error instanceof DriverError) || error.code !== 'not-found') throw error;
		}
		objects.forget('container', containerId);
		failPoint('driver.docker.container-remove.after');
	}

	async exec(containerId: string, request: ExecRequest, signal: AbortSignal): Promise<ExecResult> {
		return this.#with(containerId, signal, ({ engineId }) => runCommand(this.#context.engine, engineId, request, signal));
	}

	async execInteractive(containerId: string, request: InteractiveExecRequest, signal: AbortSignal): Promise<DriverSession> {
		return this.#with(containerId, signal, ({ engineId }) => execSession(this.#context.engine, engineId, request, signal));
	}

	async attach(containerId: string, signal: AbortSignal): Promise<DriverSession> {
		return this.#with(containerId, signal, (object) => attachSession(this.#context.engine, object, signal));
	}

	async resize(containerId: string, size: TerminalSize, signal: AbortSignal): Promise<void> {
		await this.#post(containerId, 'resize', signal, { query: { h: size.height, w: size.width } });
	}

	async *logs(containerId: string, request: LogRequest, signal: AbortSignal): AsyncGenerator<OutputChunk, void, undefined> {
		yield* await this.#with(containerId, signal, (object) => readLogs(this.#context.engine, object, request, signal));
	}

	async top(containerId: string, psArgs: string | null, signal: AbortSignal): Promise<ProcessTable> {
		return this.#with(containerId, signal, async ({ engineId }) => {
			const query = psArgs === null ? {} : { ps_args: psArgs };
			const { body } = await this.#context.engine.json({ method: 'GET', path: `/containers/${engineId}/top`, query, signal });
			return { titles: texts(body, 'Titles'), processes: items(body, 'Processes').map((row) => texts(row)) };
		});
	}

	async stats(containerId: string, signal: AbortSignal): Promise<ContainerStats> {
		return this.#with(containerId, signal, ({ engineId }) => readStats(this.#context.engine, engineId, signal));
	}

	async getArchive(containerId: string, path: string, signal: AbortSignal): Promise<Archive> {
		return this.#with(containerId, signal, ({ engineId }) => getArchive(this.#context.engine, engineId, path, signal));
	}

	async putArchive(containerId: string, path: string, tar: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void> {
		const { engineId } = await this.#context.objects.find('container', containerId, signal);
		await putArchive(this.#context.engine, engineId, path, tar, signal);
	}

	/** Our labels are emptied in the image: what is made from it by others must not pass for ours. */
	async commit(containerId: string, repository: string, tag: string, signal: AbortSignal): Promise<string> {
		return this.#with(containerId, signal, async ({ engineId }) => {
			const { body } = await this.#context.engine.json({
				method: 'POST',
				path: '/commit',
				query: { container: engineId, repo: repository, tag, pause: true },
				body: { Labels: Object.fromEntries(Object.values(labels).map((label) => [label, ''])) },
				signal,
				timeout: 600_000,
				idempotent: false,
				long: true,
			});
			return text(body, 'Id');
		});
	}

	async #start(containerId: string, { engineId }: EngineObject, signal: AbortSignal): Promise<void> {
		const { engine } = this.#context;
		const answer = await engine.json({ method: 'POST', path: `/containers/${engineId}/start`, signal, accept: [304, 404, 409, 500] });
		if (answer.status < 400) return;
		const words = text(answer.body, 'message');
		// The engine says "no such container" of the one that was to be joined, too.
		const missing = /no such container: ?(\w*)/i.exec(words)?.[1] ?? engineId;
		if (answer.status === 404 && (engineId.startsWith(missing) || missing === '')) {
			throw new DriverError('not-found', `container ${containerId} is not on this host`);
		}
		throw startError(words);
	}

	async #stop({ engineId }: EngineObject, timeout: number, signal: AbortSignal): Promise<void> {
		const seconds = Math.max(0, Math.ceil(timeout));
		const request = {
			method: 'POST',
			path: `/containers/${engineId}/stop`,
			query: { t: seconds },
			timeout: seconds * 1_000 + stopSlack,
			accept: [304],
			long: true,
			signal,
		} as const;
		try {
			await this.#context.engine.json(request);
		} catch (error) {
			// Frozen processes take no signal. One that the engine knows to be paused it thaws itself.
			if (!(error instanceof DriverError) || error.code === 'not-found' || error.code === 'unavailable') throw error;
			if (!(await thawFrozen(this.#context.engine, engineId, signal))) throw error;
			await this.#context.engine.json(request);
		}
	}

	async #post(
		containerId: string,
		action: string,
		signal: AbortSignal,
		more: { readonly query?: Record<string, string | number>; readonly body?: unknown; readonly idempotent?: boolean },
	): Promise<JsonAnswer> {
		return this.#with(containerId, signal, ({ engineId }) =>
			this.#context.engine.json({ method: 'POST', path: `/containers/${engineId}/${action}`, signal, ...more }),
		);
	}

	#with<T>(containerId: string, signal: AbortSignal, use: (object: EngineObject) => Promise<T>): Promise<T> {
		return this.#context.objects.with('container', containerId, signal, use);
	}
}
