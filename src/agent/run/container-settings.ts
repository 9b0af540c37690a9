import { type ContainerLimits, type ContainerSettings, DriverError } from '../../drivers/driver.ts';
import type { ContainerSpec, SandboxSpec } from '../../model/spec.ts';

/** What the driver is told to make. `volumes`: path on the host of each attached volume. */
export function containerSettings(spec: SandboxSpec, container: ContainerSpec, volumes: ReadonlyMap<string, string>): ContainerSettings {
	const { id, name, revision, image, command, entrypoint, workdir, hostname, environment, labels } = container;
	const { interactive, tty, privileged, healthcheck, exposedPorts } = container;
	return {
		id,
		sandboxId: spec.id,
		name,
		revision,
		image,
		command,
		entrypoint,
		workdir,
		hostname,
		environment,
		labels,
		interactive,
		tty,
		privileged,
		healthcheck,
		exposedPorts,
		runtime: spec.runtime,
		ipc: spec.namespaces.ipc,
		pid: spec.namespaces.pid,
		mounts: container.mounts.map(({ volumeId, destination, readOnly }) => {
			const source = volumes.get(volumeId);
			if (source === undefined) throw new DriverError('failed', `Volume ${volumeId} is not attached to the sandbox.`);
			const only = spec.volumes.some((volume) => volume.id === volumeId && volume.readOnly);
			return { source, destination, readOnly: readOnly || only };
		}),
		...containerLimits(container),
	};
}

export function containerLimits({ cpu, memory, disk, pids }: ContainerSpec): ContainerLimits {
	return { cpu, memory, disk, pids };
}
