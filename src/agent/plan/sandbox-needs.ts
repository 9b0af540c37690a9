import type { ObservedSandbox } from '../../drivers/driver.ts';
import type { SandboxSpec } from '../../model/spec.ts';
import type { PlanContext } from './context.ts';
import { isHolderActive } from './facts.ts';
import { type HookName, hookNames } from './step.ts';

/**
 * Hooks that must still run before containers can be created (`create`) or started (`start`) in the sandbox, in their
 * order. Empty = the sandbox is whole.
 */
export function missingHooks(
	spec: SandboxSpec,
	observed: ObservedSandbox,
	context: Pick<PlanContext, 'host'>,
	purpose: 'create' | 'start' = 'start',
): readonly HookName[] {
	const { host } = context;
	const running = isHolderActive(observed);
	const ports = host.networked && (!running ? spec.ports.length > 0 : !arePortsRight(spec, context));
	const missing: Record<HookName, boolean> = {
		names: !host.names,
		holder: observed.sandbox === null,
		volumes: !areVolumesRight(spec, context),
		limits: false,
		start: purpose === 'start' && !running,
		rules: purpose === 'start' && ports,
		ports: purpose === 'start' && ports,
	};
	return hookNames.filter((name) => missing[name]);
}

function arePortsRight(spec: SandboxSpec, { host }: Pick<PlanContext, 'host'>): boolean {
	return host.strayPorts.length === 0 && spec.ports.every((port) => host.ports.has(port.id));
}

function areVolumesRight(spec: SandboxSpec, { host }: Pick<PlanContext, 'host'>): boolean {
	const wanted = new Set(spec.volumes.filter((volume) => !volume.detached).map((volume) => volume.id));
	const attached = wanted.size === host.volumes.size && [...wanted].every((id) => host.volumes.has(id));
	return attached && !hasVolumesToDetach(spec, { host });
}

/**
 * Whether a volume is still to be taken from it, which is done whatever state the sandbox is to be in. Control says so of
 * volumes; the injected files of a container that is gone it just tells of no more.
 */
export function hasVolumesToDetach(spec: SandboxSpec, { host }: Pick<PlanContext, 'host'>): boolean {
	const known = new Set(spec.volumes.map((volume) => volume.id));
	if ([...host.volumes].some((id) => !known.has(id))) return true;
	return spec.volumes.some((volume) => volume.detached && !host.detachedVolumes.has(volume.id));
}
