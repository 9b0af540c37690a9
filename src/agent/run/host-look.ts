import type { Driver, ObservedSandbox } from '../../drivers/driver.ts';
import { messageOf } from '../../model/errors.ts';
import type { SandboxSpec } from '../../model/spec.ts';
import { nameFilePaths, readNameFiles } from '../hooks/name-files.ts';
import { portKey } from '../hooks/ports.ts';
import type { HostNetworking } from '../network/host-networking.ts';
import type { AgentLog } from '../options.ts';
import { isHolderActive } from '../plan/facts.ts';
import { sandboxTarget } from '../plan/step.ts';
import type { Memory } from './memory.ts';

export interface HostLookDeps {
	readonly driver: Driver;
	readonly networking: HostNetworking;
	readonly stateDirectory: string;
	readonly log: AgentLog;
}

/**
 * Looks at what the host holds for the sandbox outside the engine, where that is not known: once in the life of an
 * agent, and again when the holder was started anew. Answers whether it had to look.
 */
export async function lookAtHost(
	spec: SandboxSpec,
	observed: ObservedSandbox,
	memory: Memory,
	deps: HostLookDeps,
	signal: AbortSignal,
): Promise<boolean> {
	const { holdings } = memory;
	if (memory.running.has(sandboxTarget)) return false;
	let looked = false;
	if (holdings.names === null && observed.sandbox !== null) {
		holdings.names = await readNameFiles(nameFilePaths(deps.stateDirectory, spec.id));
		looked = true;
	}
	if (!isHolderActive(observed) || !deps.driver.capabilities.networkNamespace) return looked;
	const run = observed.sandbox?.startedAt ?? null;
	if (holdings.portsOf === 'latest') holdings.portsOf = run;
	if (holdings.portsOf === run && run !== null) return looked;
	holdings.ports = await pluggedPorts(spec, deps, signal);
	holdings.portsOf = run;
	return true;
}

/** A look that fails shows nothing, so that plugging is tried, and says itself what is wrong. */
async function pluggedPorts(spec: SandboxSpec, deps: HostLookDeps, signal: AbortSignal): Promise<Map<string, string>> {
	try {
		const namespace = await deps.driver.sandboxes.networkNamespacePath(spec.id, signal);
		if (namespace === null) return new Map();
		const ids = new Set(await deps.networking.plugged(spec.id, spec.ports, namespace, signal));
		return new Map(spec.ports.filter((port) => ids.has(port.id)).map((port) => [port.id, portKey(port)]));
	} catch (error) {
		deps.log.warn({ sandbox: spec.id, error: messageOf(error) }, 'its ports could not be looked at');
		return new Map();
	}
}
