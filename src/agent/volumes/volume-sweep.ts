import type { ControlLink } from '../../bus/bus.ts';
import { messageOf } from '../../model/errors.ts';
import { pause } from '../../model/repeat.ts';
import type { AgentLog } from '../options.ts';
import type { HostVolumes } from './host-volumes.ts';

export interface VolumeSweepDeps {
	readonly hostname: () => string;
	readonly link: Pick<ControlLink, 'volumes'>;
	readonly volumes: HostVolumes;
	/** ms between the two looks that must agree. */
	readonly confirmAfter: number;
	readonly log: AgentLog;
	readonly signal: AbortSignal;
}

/**
 * Removes the data of volumes that control no longer knows: deletes are not told to the host, it finds them. Data is
 * removed only after two looks that agree, never while it is attached, and never when control cannot be asked.
 */
export class VolumeSweep {
	readonly #deps: VolumeSweepDeps;
	#running: Promise<void> | null = null;
	#again = false;

	constructor(deps: VolumeSweepDeps) {
		this.#deps = deps;
	}

	/** Sweeps soon. Who calls while a sweep runs has another follow it. Never rejects. */
	sweep(): Promise<void> {
		if (this.#running !== null) {
			this.#again = true;
			return this.#running;
		}
		this.#running = this.#sweeps().finally(() => {
			this.#running = null;
		});
		return this.#running;
	}

	/** Ends when no sweep runs. */
	async settled(): Promise<void> {
		await this.#running;
	}

	async #sweeps(): Promise<void> {
		const { log, signal, confirmAfter } = this.#deps;
		do {
			this.#again = false;
			try {
				await this.#sweep();
			} catch (error) {
				if (!signal.aborted) log.warn({ error: messageOf(error) }, 'looking for volumes that were deleted failed');
			}
			if (this.#again) await pause(confirmAfter, signal);
		} while (this.#again && !signal.aborted);
	}

	async #sweep(): Promise<void> {
		const { volumes, log, signal, confirmAfter } = this.#deps;
		const first = await this.#unknown();
		if (first.size === 0) return;
		await pause(confirmAfter, signal);
		if (signal.aborted) return;
		for (const volumeId of await this.#unknown()) {
			if (!first.has(volumeId)) continue;
			await volumes.destroy(volumeId, this.#deadline());
			log.info({ volume: volumeId }, 'the data of a deleted volume is removed');
		}
	}

	/** Volumes that the host has and control does not. The host is asked first: what is made meanwhile is known by then. */
	async #unknown(): Promise<ReadonlySet<string>> {
		const { link, volumes, hostname } = this.#deps;
		const stored = await volumes.stored(this.#deadline());
		if (stored.length === 0) return new Set();
		const known = new Set(await link.volumes(hostname(), this.#deadline()));
		const unknown = new Set(stored.filter((id) => !known.has(id)));
		if (unknown.size > 0) for (const { volumeId } of await volumes.list(this.#deadline())) unknown.delete(volumeId);
		return unknown;
	}

	#deadline(): AbortSignal {
		return AbortSignal.any([this.#deps.signal, AbortSignal.timeout(60_000)]);
	}
}
