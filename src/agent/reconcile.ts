import { readdir } from 'node:fs/promises';
import path from 'node:path';
import type { ControlLink } from '../bus/bus.ts';
import type { Driver } from '../drivers/driver.ts';
import { messageOf } from '../model/errors.ts';
import type { AgentOptions } from './options.ts';
import { bySandbox } from './run/observation.ts';
import type { Workers } from './run/workers.ts';
import type { HostVolumes } from './volumes/host-volumes.ts';

export interface ReconcilerDeps {
	readonly hostname: () => string;
	readonly link: Pick<ControlLink, 'assignments'>;
	readonly driver: Driver;
	readonly volumes: HostVolumes;
	readonly stateDirectory: string;
	readonly workers: Workers;
	readonly options: AgentOptions;
	readonly signal: AbortSignal;
}

/**
 * The safety net under wake-ups and events: looks at everything that is here and everything that control counts to the
 * host, and hands each sandbox its part. What is here and belongs to nobody gets a worker too, which removes it.
 */
export class Reconciler {
	readonly #deps: ReconcilerDeps;
	#awaySince: number | null = null;
	/** Folders of sandboxes are looked through once: later ones are made by workers that know them. */
	#foldersSeen = false;
	/** Where the next look at ports goes on. */
	#nextPorts = 0;

	constructor(deps: ReconcilerDeps) {
		this.#deps = deps;
	}

	/** Looks at everything once. */
	async look(): Promise<void> {
		const { driver, link, volumes, hostname, workers, signal, options } = this.#deps;
		const deadline = AbortSignal.any([signal, AbortSignal.timeout(60_000)]);
		const began = options.now();
		const listed = driver.list(deadline).catch((error: unknown) => this.#away(error));
		const [state, assignments, mounted] = await Promise.all([
			listed,
			link.assignments(hostname(), deadline),
			this.#mounted(volumes, deadline),
		]);
		if (this.#awaySince !== null) options.log.info({}, 'the engine is back');
		this.#awaySince = null;
		const observed = bySandbox(state);
		const assigned = new Map(assignments.map((assignment) => [assignment.sandboxId, assignment]));
		const ids = new Set([...assigned.keys(), ...observed.keys(), ...mounted.keys(), ...(await this.#folders())]);
		for (const worker of workers.all()) ids.add(worker.sandboxId);
		for (const id of ids) {
			const worker = workers.of(id);
			worker.sawVolumes(mounted.get(id) ?? new Map());
			worker.saw(observed.get(id) ?? null, assigned.get(id)?.version ?? null, assigned.get(id)?.work ?? false, began);
		}
		this.#checkSomePorts();
	}

	/** The engine cannot be listed: after a while control is told that nothing is known. Always throws. */
	async #away(error: unknown): Promise<never> {
		const { options, workers } = this.#deps;
		const now = options.now();
		this.#awaySince ??= now;
		if (now - this.#awaySince >= options.unknownAfter) {
			const reason = `The engine of the host cannot be reached: ${messageOf(error)}`;
			await Promise.allSettled(workers.all().map((worker) => worker.reportUnknown(reason)));
		}
		throw error;
	}

	async #mounted(volumes: HostVolumes, signal: AbortSignal): Promise<Map<string, Map<string, string>>> {
		const found = new Map<string, Map<string, string>>();
		for (const { volumeId, sandboxId, path: mountPath } of await volumes.list(signal)) {
			const ofSandbox = found.get(sandboxId) ?? new Map<string, string>();
			found.set(sandboxId, ofSandbox.set(volumeId, mountPath));
		}
		return found;
	}

	async #folders(): Promise<readonly string[]> {
		if (this.#foldersSeen) return [];
		const entries = await readdir(path.join(this.#deps.stateDirectory, 'sandboxes')).catch(() => []);
		this.#foldersSeen = true;
		return entries;
	}

	/** A few sandboxes in each look, so that many idle ones cost little. */
	#checkSomePorts(): void {
		const { driver, workers, options } = this.#deps;
		if (!driver.capabilities.networkNamespace) return;
		const all = workers.all();
		for (let n = 0; n < Math.min(options.portChecks, all.length); n += 1) all[(this.#nextPorts + n) % all.length]?.checkPorts();
		this.#nextPorts = all.length === 0 ? 0 : (this.#nextPorts + options.portChecks) % all.length;
	}
}
