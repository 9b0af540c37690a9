import type { Listener } from '../../model/listener.ts';
import type { HostNetworking } from './host-networking.ts';

/** For drivers whose sandboxes have no network namespace: there is nothing to plug. */
export class NoNetworking implements HostNetworking {
	async apply(): Promise<void> {}

	async check(): Promise<readonly string[]> {
		return [];
	}

	async plug(): Promise<void> {}

	async unplug(): Promise<void> {}

	async plugged(_sandboxId: string, ports: Parameters<HostNetworking['plugged']>[1]): Promise<readonly string[]> {
		return ports.map((port) => port.id);
	}

	/** Nothing is published, so nothing is taken from anybody. */
	async listeners(): Promise<readonly Listener[]> {
		return [];
	}

	async clear(): Promise<void> {}
}
