import { DriverError, type SandboxDriver } from '../../drivers/driver.ts';
import type { PortSpec } from '../../model/spec.ts';
import type { HostNetworking } from '../network/host-networking.ts';
import type { NetworkSync } from '../network-sync.ts';
import type { Hook } from './hook.ts';
import { runAll } from './run-all.ts';

/** The rules of its ports are in the kernel before the ports are. They go when control no longer tells of them. */
export function rulesHook(networks: NetworkSync, networked: boolean): Hook {
	return {
		async setUp() {
			if (networked) await networks.refresh();
		},
		async tearDown() {},
	};
}

/** The sandbox's ports in its network namespace. */
export function portsHook(sandboxes: SandboxDriver, networking: HostNetworking, networked: boolean): Hook {
	return {
		async setUp({ sandboxId, spec, holdings }, signal) {
			if (!networked) return;
			const namespace = await sandboxes.networkNamespacePath(sandboxId, signal);
			if (namespace === null) throw new DriverError('unavailable', 'The sandbox does not run, so its ports cannot be plugged.');
			const wanted = new Map(spec.ports.map((port) => [port.id, port]));
			for (const id of [...holdings.ports.keys()]) {
				if (wanted.has(id)) continue;
				await networking.unplug(id, signal);
				holdings.ports.delete(id);
			}
			for (const port of spec.ports) {
				await networking.plug(sandboxId, port, namespace, signal);
				holdings.ports.set(port.id, portKey(port));
			}
			holdings.portsOf = 'latest';
		},
		async tearDown({ spec, holdings }, signal) {
			if (!networked) return;
			const ids = new Set([...holdings.ports.keys(), ...(spec?.ports ?? []).map((port) => port.id)]);
			await runAll(
				[...ids].map((id) => async () => {
					await networking.unplug(id, signal);
					holdings.ports.delete(id);
				}),
			);
		},
	};
}

/** Two ports with one key are plugged alike. */
export function portKey(port: PortSpec): string {
	return JSON.stringify(port);
}
