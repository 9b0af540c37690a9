import type { AgentLink } from '../bus/bus.ts';
import {
	type Archive,
	type ContainerStats,
	type Driver,
	type DriverCapabilities,
	DriverError,
	type DriverSession,
	type ExecRequest,
	type ExecResult,
	type ImageDriver,
	type InteractiveExecRequest,
	type LogRequest,
	type OutputChunk,
	type ProcessTable,
	type TerminalSize,
} from '../drivers/driver.ts';
import type { Listener } from '../model/listener.ts';
import type { HostNetworking } from './network/host-networking.ts';
import { NoNetworking } from './network/no-networking.ts';

/**
 * Looks and streams, straight from the driver and the host. Nothing here changes what is wanted, so none of it goes through a lane.
 * What the driver cannot do is refused with `unsupported`.
 */
export class DriverAgentLink implements AgentLink {
	readonly images: ImageDriver;
	readonly #driver: Driver;
	readonly #networking: Pick<HostNetworking, 'listeners'>;

	constructor(driver: Driver, networking: Pick<HostNetworking, 'listeners'> = new NoNetworking()) {
		this.#driver = driver;
		this.#networking = networking;
		this.images = driver.images;
	}

	async exec(containerId: string, request: ExecRequest, signal: AbortSignal): Promise<ExecResult> {
		this.#need('exec');
		return await this.#driver.containers.exec(containerId, request, signal);
	}

	async execInteractive(containerId: string, request: InteractiveExecRequest, signal: AbortSignal): Promise<DriverSession> {
		this.#need('exec');
		return await this.#driver.containers.execInteractive(containerId, request, signal);
	}

	async attach(containerId: string, signal: AbortSignal): Promise<DriverSession> {
		this.#need('attach');
		return await this.#driver.containers.attach(containerId, signal);
	}

	async resize(containerId: string, size: TerminalSize, signal: AbortSignal): Promise<void> {
		await this.#driver.containers.resize(containerId, size, signal);
	}

	logs(containerId: string, request: LogRequest, signal: AbortSignal): AsyncIterable<OutputChunk> {
		return this.#driver.containers.logs(containerId, request, signal);
	}

	async top(containerId: string, psArgs: string | null, signal: AbortSignal): Promise<ProcessTable> {
		return await this.#driver.containers.top(containerId, psArgs, signal);
	}

	async stats(containerId: string, signal: AbortSignal): Promise<ContainerStats> {
		return await this.#driver.containers.stats(containerId, signal);
	}

	async getArchive(containerId: string, path: string, signal: AbortSignal): Promise<Archive> {
		this.#need('archive');
		return await this.#driver.containers.getArchive(containerId, path, signal);
	}

	async putArchive(containerId: string, path: string, tar: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void> {
		this.#need('archive');
		await this.#driver.containers.putArchive(containerId, path, tar, signal);
	}

	async commit(containerId: string, repository: string, tag: string, signal: AbortSignal): Promise<string> {
		this.#need('commit');
		return await this.#driver.containers.commit(containerId, repository, tag, signal);
	}

	async listeners(signal: AbortSignal): Promise<readonly Listener[]> {
		// Without namespaces there are no networks, and nothing is published.
		return this.#driver.capabilities.networkNamespace ? await this.#networking.listeners(signal) : [];
	}

	#need(capability: keyof DriverCapabilities): void {
		if (this.#driver.capabilities[capability]) return;
		throw new DriverError('unsupported', `The driver ${this.#driver.name} of this host cannot do this (${capability}).`);
	}
}
