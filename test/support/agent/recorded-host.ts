import type { HostNetworking } from '../../../src/agent/network/host-networking.ts';
import type { HostVolumes } from '../../../src/agent/volumes/host-volumes.ts';
import type { HostNetworkSpec, PortSpec, VolumeSpec } from '../../../src/model/spec.ts';

/** A kernel's networks in memory. It outlives agents, as a kernel does. Ports go with the namespace they are in. */
export class RecordedNetworking implements HostNetworking {
	/** Namespace of each plugged port. */
	readonly ports = new Map<string, string>();
	readonly applied: number[] = [];
	/** What was done, in order, with what others add to it. */
	readonly log: string[] = [];
	/** What the next check finds and repairs. */
	repairs: string[] = [];
	/** Thrown by the next plug. */
	failure: Error | null = null;

	async apply(spec: HostNetworkSpec): Promise<void> {
		this.applied.push(spec.version);
		this.log.push(`apply ${spec.version}`);
	}

	async check(): Promise<readonly string[]> {
		return this.repairs.splice(0);
	}

	async plug(_sandboxId: string, port: PortSpec, namespace: string): Promise<void> {
		const { failure } = this;
		this.failure = null;
		if (failure !== null) throw failure;
		this.ports.set(port.id, namespace);
		this.log.push(`plug ${port.id}`);
	}

	async unplug(portId: string): Promise<void> {
		if (this.ports.delete(portId)) this.log.push(`unplug ${portId}`);
	}

	async plugged(_sandboxId: string, ports: readonly PortSpec[], namespace: string): Promise<readonly string[]> {
		return ports.map(({ id }) => id).filter((id) => this.ports.get(id) === namespace);
	}

	async listeners() {
		return [];
	}

	async clear(): Promise<void> {
		this.ports.clear();
	}
}

/** Volumes of a host in memory. */
export class RecordedVolumes implements HostVolumes {
	readonly mounted = new Map<string, string>();
	/** Volumes that the host has data of. */
	readonly data = new Set<string>();
	readonly destroyed: string[] = [];

	async attach(sandboxId: string, volume: VolumeSpec): Promise<string> {
		this.mounted.set(volume.id, sandboxId);
		if (volume.provider === 'local') this.data.add(volume.id);
		return `/volumes/${volume.id}`;
	}

	async detach(sandboxId: string, volumeId: string): Promise<void> {
		if (this.mounted.get(volumeId) === sandboxId) this.mounted.delete(volumeId);
	}

	async destroy(volumeId: string): Promise<void> {
		this.mounted.delete(volumeId);
		this.data.delete(volumeId);
		this.destroyed.push(volumeId);
	}

	async stored(): Promise<readonly string[]> {
		return [...this.data];
	}

	async list() {
		return [...this.mounted].map(([volumeId, sandboxId]) => ({ volumeId, sandboxId, path: `/volumes/${volumeId}` }));
	}
}
