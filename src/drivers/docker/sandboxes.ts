import { failPoint } from '../../faults/fail-point.ts';
import { DriverError, type SandboxDriver, type SandboxSettings } from '../driver.ts';
import type { GroupLimits } from './cgroup/layout.ts';
import type { DockerContext } from './context.ts';
import { flag, items, number, text } from './engine/json.ts';
import { updatedLimits } from './engine-limits.ts';
import { ensureCreated, pauseObject, removeObject, unpauseObject } from './life-cycle.ts';
import { ownFilter, sandboxEngineName } from './names.ts';
import { namespacePath } from './network-namespace.ts';
import { PauseImage } from './pause-image.ts';
import { holderLimits, recordedLimits, sandboxConfig } from './sandbox-config.ts';

/** Seconds that `pause` is given to end; it takes some ms. */
const stopTimeout = 2;

/** Sandboxes as containers that run our `pause` program and hold the namespaces that others join. */
export class DockerSandboxes implements SandboxDriver {
	readonly #context: DockerContext;
	readonly #image: PauseImage;
	/** Sandboxes that were made here and never started: nothing can run in them, and their limits are known. */
	readonly #fresh = new Map<string, GroupLimits>();

	constructor(context: DockerContext) {
		this.#context = context;
		this.#image = new PauseImage(context.engine, context.settings.pauseImage);
	}

	async create(settings: SandboxSettings, signal: AbortSignal): Promise<void> {
		const parent = await this.#context.cgroups.name(settings.id, signal);
		failPoint('driver.docker.sandbox-create.before');
		const outcome = await this.#image.use(signal, (image) => {
			const body = sandboxConfig(settings, this.#context.owner, image, parent);
			return ensureCreated(this.#context, 'sandbox', settings.id, sandboxEngineName(settings.id), body, signal);
		});
		if (outcome === 'made') this.#fresh.set(settings.id, { cpu: settings.cpu, memory: settings.memory });
		else this.#fresh.delete(settings.id);
		failPoint('driver.docker.sandbox-create.after');
	}

	/**
	 * A container that ran on while its holder was gone lives in namespaces that nobody else has; it is ended, so that
	 * its owner starts it anew in the ones that are made here.
	 */
	async start(sandboxId: string, signal: AbortSignal): Promise<void> {
		const limits = this.#fresh.get(sandboxId) ?? (await this.#readyAgain(sandboxId, signal));
		if (limits === 'running') return;
		if (limits.cpu !== null || limits.memory !== null) await this.#context.cgroups.set(sandboxId, limits, signal);
		failPoint('driver.docker.sandbox-start.before');
		await this.#post(sandboxId, 'start', signal, [304]);
		this.#fresh.delete(sandboxId);
		failPoint('driver.docker.sandbox-start.after');
	}

	async stop(sandboxId: string, signal: AbortSignal): Promise<void> {
		failPoint('driver.docker.sandbox-stop.before');
		await this.#context.objects.find('sandbox', sandboxId, signal);
		await this.#endContainers(sandboxId, signal);
		await this.#post(sandboxId, 'stop', signal, [304], { t: stopTimeout });
		failPoint('driver.docker.sandbox-stop.after');
	}

	async pause(sandboxId: string, signal: AbortSignal): Promise<void> {
		const { objects } = this.#context;
		await objects.with('sandbox', sandboxId, signal, (object) => pauseObject(this.#context, object, signal));
	}

	async unpause(sandboxId: string, signal: AbortSignal): Promise<void> {
		const { objects } = this.#context;
		await objects.with('sandbox', sandboxId, signal, (object) => unpauseObject(this.#context, object, signal));
	}

	async update(sandboxId: string, limits: GroupLimits, signal: AbortSignal): Promise<void> {
		const { objects, cgroups, engine } = this.#context;
		await objects.find('sandbox', sandboxId, signal);
		await cgroups.set(sandboxId, limits, signal);
		await objects.with('sandbox', sandboxId, signal, (object) =>
			engine.json({ method: 'POST', path: `/containers/${object.engineId}/update`, body: updatedLimits(holderLimits(limits)), signal }),
		);
		if (this.#fresh.has(sandboxId)) this.#fresh.set(sandboxId, limits);
	}

	async remove(sandboxId: string, signal: AbortSignal): Promise<void> {
		failPoint('driver.docker.sandbox-remove.before');
		const { objects, cgroups } = this.#context;
		const object = await objects.find('sandbox', sandboxId, signal).catch(nullWhenGone);
		if (object !== null) {
			// Frozen processes would keep the engine from ending the holder, whose namespace waits for all of its own.
			await this.#endContainers(sandboxId, signal);
			await removeObject(this.#context, object, signal);
			objects.forget('sandbox', sandboxId);
			this.#fresh.delete(sandboxId);
		}
		failPoint('driver.docker.sandbox-remove.removed');
		await cgroups.remove(sandboxId, signal);
		failPoint('driver.docker.sandbox-remove.after');
	}

	async networkNamespacePath(sandboxId: string, signal: AbortSignal): Promise<string | null> {
		const inspected = await this.#context.objects.inspect('sandbox', sandboxId, signal);
		const pid = number(inspected, 'State', 'Pid');
		return pid > 0 ? await namespacePath(`/proc/${pid}/ns/net`, text(inspected, 'NetworkSettings', 'SandboxKey')) : null;
	}

	/** For one that may have run before: its limits as they were last set, after what still runs of it was ended. */
	async #readyAgain(sandboxId: string, signal: AbortSignal): Promise<GroupLimits | 'running'> {
		const inspected = await this.#context.objects.inspect('sandbox', sandboxId, signal);
		if (inspected === null) throw new DriverError('not-found', `sandbox ${sandboxId} is not on this host`);
		if (flag(inspected, 'State', 'Running')) return 'running';
		await this.#endContainers(sandboxId, signal);
		return recordedLimits(inspected);
	}

	/** Ends every container that runs in it, the holder aside. */
	async #endContainers(sandboxId: string, signal: AbortSignal): Promise<void> {
		const { engine, owner, objects } = this.#context;
		const filters = { ...ownFilter(owner, sandboxId), status: ['running', 'paused', 'restarting'] };
		const { body } = await engine.json({ method: 'GET', path: '/containers/json', query: { filters: JSON.stringify(filters) }, signal });
		const holder = await objects.find('sandbox', sandboxId, signal).catch(nullWhenGone);
		await Promise.all(
			items(body).map(async (row) => {
				const engineId = text(row, 'Id');
				if (text(row, 'State') === 'paused') await unpauseObject(this.#context, { engineId, tty: false }, signal).catch(nullWhenGone);
				if (engineId === holder?.engineId) return;
				const path = `/containers/${engineId}/kill`;
				await engine.json({ method: 'POST', path, query: { signal: 'SIGKILL' }, signal, accept: [404, 409] });
			}),
		);
	}

	async #post(
		sandboxId: string,
		action: string,
		signal: AbortSignal,
		accept: readonly number[],
		query: Record<string, number> = {},
	): Promise<void> {
		const { engine, objects } = this.#context;
		await objects.with('sandbox', sandboxId, signal, (object) =>
			engine.json({ method: 'POST', path: `/containers/${object.engineId}/${action}`, query, signal, accept }),
		);
	}
}

/** For what is removed or ended: that it is gone is success. */
function nullWhenGone(error: unknown): null {
	if (error instanceof DriverError && (error.code === 'not-found' || error.code === 'not-running')) return null;
	throw error;
}
