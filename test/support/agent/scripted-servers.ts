import { fail } from '../../../src/model/errors.ts';
import type { ServerCall, ServerPort, ServerTaken, ServerVolume } from '../../../src/model/server.ts';
import type { ContainerSpec, OperationSpec, PortSpec, SandboxSpec, VolumeSpec } from '../../../src/model/spec.ts';
import { sandboxSpec } from './specs.ts';

/** What a call makes of a sandbox, and what is answered to it. */
export interface TakenCall {
	readonly taken: ServerTaken;
	/** What is wanted from now on; null = nothing changes. */
	readonly spec: SandboxSpec | null;
}

/** What control does with a compute service's calls, as far as an agent can tell. */
export class ScriptedServers {
	/** Containers of a sandbox that are wanted once its ports are wired, by sandbox. */
	readonly containers = new Map<string, readonly ContainerSpec[]>();
	#calls = 0;

	/** `spec` finds a sandbox by its server's id or, at spawn, by its own. */
	take(call: ServerCall, find: (matches: (spec: SandboxSpec) => boolean) => SandboxSpec | undefined): TakenCall {
		if (call.kind === 'spawn') {
			const sandboxId = call.server.metadata['zunbox_sandbox'] ?? call.server.serverId;
			return this.#spawn(call, sandboxId, find((spec) => spec.id === sandboxId) ?? null);
		}
		const spec = find(({ serverId }) => serverId === call.serverId);
		if (spec === undefined) {
			if (call.kind === 'destroy') return { taken: { sandboxId: null, callId: null }, spec: null };
			throw fail('not-found', `There is no server ${call.serverId}.`);
		}
		return this.#change(call, spec);
	}

	#spawn(call: ServerCall & { readonly kind: 'spawn' }, sandboxId: string, known: SandboxSpec | null): TakenCall {
		const { server } = call;
		if (known !== null && known.projectId !== server.projectId) throw fail('conflict', 'The sandbox is of another project.');
		if (known?.serverId === server.serverId) return this.#towards(known, 'Running', 'create', { timeout: 0 });
		const base = known ?? sandboxSpec({ id: sandboxId, name: server.name, projectId: server.projectId, hostname: server.hostname });
		const parts = { ports: portsOf(call.ports), volumes: volumesOf(call.volumes), serverId: server.serverId };
		return this.#asked(base, { ...parts, goal: 'Running' }, 'create', {});
	}

	#change(call: Exclude<ServerCall, { readonly kind: 'spawn' }>, spec: SandboxSpec): TakenCall {
		switch (call.kind) {
			case 'ready':
				return this.#quiet(spec, { containers: this.containers.get(spec.id) ?? spec.containers });
			case 'destroy':
				return this.#towards(spec, 'Deleted', 'delete', {});
			case 'power-off':
				return this.#towards(spec, 'Stopped', 'stop', { timeout: call.timeout ?? 0 });
			case 'power-on':
				return this.#towards({ ...spec, ports: portsOf(call.ports), volumes: volumesOf(call.volumes) }, 'Running', 'start', {});
			case 'pause':
				return this.#towards(spec, 'Paused', 'pause', {});
			case 'unpause':
				return this.#towards(spec, 'Running', 'unpause', {});
			case 'plug':
				return this.#quiet(spec, { ports: portsOf(call.ports) });
			case 'attach-port':
				return this.#quiet(spec, { ports: withPort(spec.ports, call.port) });
			case 'detach-port':
				return this.#quiet(spec, { ports: spec.ports.filter(({ id }) => id !== call.portId) });
			case 'attach-volume': {
				const others = spec.volumes.filter(({ id }) => id !== call.volume.volumeId);
				return this.#quiet(spec, { volumes: [...others, ...volumesOf([call.volume])] });
			}
			case 'detach-volume':
				return this.#quiet(spec, { volumes: spec.volumes.filter(({ id }) => id !== call.volumeId) });
		}
	}

	/** What is asked again while it is worked on, or when it is so, is no new operation. */
	#towards(spec: SandboxSpec, goal: SandboxSpec['goal'], kind: string, args: OperationSpec['args']): TakenCall {
		if (spec.goal !== goal) return this.#asked(spec, { goal }, kind, args);
		return { taken: { sandboxId: spec.id, callId: spec.operation?.id ?? null }, spec };
	}

	#asked(spec: SandboxSpec, change: Partial<SandboxSpec>, kind: string, args: OperationSpec['args']): TakenCall {
		this.#calls += 1;
		const operation = { id: `call-${this.#calls}`, kind, args, startedAt: null };
		return { taken: { sandboxId: spec.id, callId: operation.id }, spec: { ...spec, ...change, operation } };
	}

	#quiet(spec: SandboxSpec, change: Partial<SandboxSpec>): TakenCall {
		return { taken: { sandboxId: spec.id, callId: null }, spec: { ...spec, ...change } };
	}
}

function withPort(ports: readonly PortSpec[], port: ServerPort): readonly PortSpec[] {
	if (ports.some(({ id }) => id === port.portId)) return ports;
	const free = Array.from({ length: 100 }, (_, n) => `eth${n}`).find((name) => ports.every(({ interfaceName }) => interfaceName !== name));
	return [...ports, ...portsOf([port]).map((spec) => ({ ...spec, interfaceName: free ?? spec.interfaceName }))];
}

function portsOf(ports: readonly ServerPort[]): readonly PortSpec[] {
	return ports.map(({ portId, networkId, macAddress, mtu, bridge, device, addresses, routes }, index) => ({
		id: portId,
		networkId,
		interfaceName: `eth${index}`,
		macAddress,
		mtu,
		addresses,
		routes,
		binding: { type: 'bridge', bridge, device },
	}));
}

function volumesOf(volumes: readonly ServerVolume[]): readonly VolumeSpec[] {
	return volumes.map(({ volumeId, device, readOnly }) => ({
		id: volumeId,
		provider: 'cinder',
		size: 1,
		readOnly,
		contents: null,
		device,
		detached: false,
	}));
}
