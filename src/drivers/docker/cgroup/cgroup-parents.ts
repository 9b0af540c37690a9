import { execFile } from 'node:child_process';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { DriverError } from '../../driver.ts';
import type { EngineClient } from '../engine/engine-client.ts';
import { text } from '../engine/json.ts';
import { endGroup, groupsIn, parentQuota, removeFolders, writeLimits } from './cgroup-files.ts';
import { type CgroupLayout, cpuPeriod, type GroupLimits, parentName, sliceProperties } from './layout.ts';

const run = promisify(execFile);

/** Longest time that processes that were killed are waited for, ms. Groups that are left then go with a later sweep. */
const endingTime = 5000;

/**
 * One control group a sandbox, above those of its containers, so that its cpu and memory limit all of them together.
 * The engine puts the containers below it; its own limits are ours to write, since the engine has no name for it.
 */
export class CgroupParents {
	readonly #engine: EngineClient;
	readonly #owner: string;
	/** Names that were used here: the sandboxes may be younger than any list of them. */
	readonly #used = new Set<string>();
	#layout: CgroupLayout | null = null;

	constructor(engine: EngineClient, owner: string) {
		this.#engine = engine;
		this.#owner = owner;
	}

	/** What the engine takes as CgroupParent; '' where it has no control groups. */
	async name(sandboxId: string, signal: AbortSignal): Promise<string> {
		const name = parentName(await this.#known(signal), this.#owner, sandboxId);
		this.#used.add(name);
		return name;
	}

	/** Sets what all containers of the sandbox get together, also while they run. */
	async set(sandboxId: string, limits: GroupLimits, signal: AbortSignal): Promise<void> {
		const layout = await this.#known(signal);
		const name = await this.name(sandboxId, signal);
		if (layout.manager === 'cgroupfs') await writeLimits(layout, name, limits);
		if (layout.manager === 'systemd') {
			await this.#systemctl(['set-property', '--runtime', name, ...sliceProperties(layout.version, limits)], signal);
		}
	}

	/** Cores that a container can be given: no more than its sandbox has, where the kernel refuses that. */
	async clampCpu(sandboxId: string, cpu: number, signal: AbortSignal): Promise<number> {
		const layout = await this.#known(signal);
		if (layout.manager !== 'cgroupfs') return cpu;
		const quota = await parentQuota(layout, parentName(layout, this.#owner, sandboxId));
		return quota === null ? cpu : Math.min(cpu, quota / cpuPeriod);
	}

	/**
	 * Nothing of the sandbox must be in the engine any more. What runs below it all the same is ended: an engine that was
	 * killed while it started a container may know nothing of the process, and say that the container is removed.
	 */
	async remove(sandboxId: string, signal: AbortSignal): Promise<void> {
		const layout = await this.#known(signal);
		const name = parentName(layout, this.#owner, sandboxId);
		if (layout.manager === 'cgroupfs' && sandboxId !== '') {
			const until = performance.now() + endingTime;
			while (!(await endGroup(name)) && performance.now() < until) await delay(20, undefined, { signal });
		}
		if (layout.manager === 'systemd') await this.#systemctl(['stop', name], signal).catch(() => undefined);
		this.#used.delete(name);
	}

	/** Removes groups that an earlier process left between removing a sandbox and removing its group. */
	async sweep(sandboxIds: readonly string[], signal: AbortSignal): Promise<void> {
		const layout = await this.#known(signal);
		if (layout.manager !== 'cgroupfs') return;
		const wanted = new Set(sandboxIds.map((id) => parentName(layout, this.#owner, id)));
		const folder = path.dirname(parentName(layout, this.#owner, 'any'));
		for (const name of await groupsIn(folder)) {
			const parent = path.join(folder, name);
			if (!wanted.has(parent) && !this.#used.has(parent)) await removeFolders(parent);
		}
	}

	/** Removes the owner's own folder if no sandbox has a group any more. No sandbox may be made at the same time. */
	async close(): Promise<void> {
		if (this.#layout?.manager === 'cgroupfs') await removeFolders(path.dirname(parentName(this.#layout, this.#owner, 'any')));
	}

	async #known(signal: AbortSignal): Promise<CgroupLayout> {
		if (this.#layout !== null) return this.#layout;
		const { body } = await this.#engine.json({ method: 'GET', path: '/info', signal });
		const manager = text(body, 'CgroupDriver');
		this.#layout = {
			manager: manager === 'cgroupfs' || manager === 'systemd' ? manager : 'none',
			version: text(body, 'CgroupVersion') === '2' ? 2 : 1,
		};
		return this.#layout;
	}

	async #systemctl(words: readonly string[], signal: AbortSignal): Promise<void> {
		try {
			await run('systemctl', [...words], { signal, timeout: 20_000 });
		} catch (cause) {
			signal.throwIfAborted();
			throw new DriverError('failed', `systemctl ${words.join(' ')} failed`, { cause });
		}
	}
}
