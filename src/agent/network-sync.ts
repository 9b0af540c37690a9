import type { ControlLink } from '../bus/bus.ts';
import { DriverError } from '../drivers/driver.ts';
import { failPoint } from '../faults/fail-point.ts';
import { messageOf } from '../model/errors.ts';
import type { HostNetworking } from './network/host-networking.ts';

/** Keeps the host's networks as control wants them. One application at a time; who asks meanwhile shares the next. */
export class NetworkSync {
	readonly #link: Pick<ControlLink, 'network'>;
	readonly #networking: HostNetworking;
	readonly #hostname: () => string;
	readonly #signal: AbortSignal;
	#version: number | null = null;
	#running: Promise<void> | null = null;
	#next: Promise<void> | null = null;

	/** `signal` ends everything; a caller's own deadline only ends its waiting. */
	constructor(link: Pick<ControlLink, 'network'>, networking: HostNetworking, hostname: () => string, signal: AbortSignal) {
		this.#link = link;
		this.#networking = networking;
		this.#hostname = hostname;
		this.#signal = signal;
	}

	/** Ends when what control wanted at the time of the call, or later, is in the kernel. */
	refresh(): Promise<void> {
		if (this.#running === null) {
			this.#running = this.#run();
			return this.#running;
		}
		this.#next ??= this.#running.then(
			() => this.#follow(),
			() => this.#follow(),
		);
		return this.#next;
	}

	/** Repairs what somebody else changed; answers what that was. */
	async check(signal: AbortSignal): Promise<readonly string[]> {
		if (this.#version === null || this.#running !== null) return [];
		return await this.#networking.check(signal);
	}

	#follow(): Promise<void> {
		this.#next = null;
		this.#running = this.#run();
		return this.#running;
	}

	async #run(): Promise<void> {
		try {
			const signal = AbortSignal.any([this.#signal, AbortSignal.timeout(60_000)]);
			const spec = await this.#ask(signal);
			if (spec === null) return;
			failPoint('agent.network.before');
			await this.#networking.apply(spec, signal);
			failPoint('agent.network.after');
			this.#version = spec.version;
		} finally {
			if (this.#next === null) this.#running = null;
		}
	}

	async #ask(signal: AbortSignal) {
		try {
			return await this.#link.network(this.#hostname(), this.#version, signal);
		} catch (error) {
			throw new DriverError('unavailable', `control cannot be asked for the host's networks: ${messageOf(error)}`, { cause: error });
		}
	}
}
