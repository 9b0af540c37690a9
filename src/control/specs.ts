import type { ContainerGoal } from '../model/container.ts';
import { isFromRegistry } from '../model/image.ts';
import type { Operation } from '../model/operation.ts';
import type { SandboxGoal } from '../model/sandbox.ts';
import type { ContainerSpec, OperationSpec, RegistryAuth, SandboxSpec, VolumeSpec } from '../model/spec.ts';
import { type ContainerRow, containersOf, toContainer } from '../store/containers.ts';
import { openOperations } from '../store/operations.ts';
import { type SandboxRow, toSandbox } from '../store/sandboxes.ts';
import { serverRow } from '../store/servers.ts';
import type { Queryable } from '../store/store.ts';
import type { Deps } from './deps.ts';
import { imageChoices } from './project-images.ts';
import { callOf, goalOf } from './servers/call.ts';
import { isNetworkOperation } from './servers/sight.ts';
import { mountsVolume } from './servers/wanted-volumes.ts';

/**
 * What the agent must make true of a sandbox. For each thing that is the goal of its first unfinished operation, so
 * that operations take effect one after another; without one it is what was wanted last. A delete waits for nothing,
 * and the last one says how.
 * What is wanted of a server's sandbox is what the compute service called for last, and the call is its operation. Its
 * containers wait for the networks.
 */
export async function sandboxSpec(deps: Deps, db: Queryable, row: SandboxRow): Promise<SandboxSpec> {
	const sandbox = toSandbox(row);
	const open = await openOperations(db, row.id);
	const firstOf = new Map<string, Operation>();
	for (const operation of open) {
		if (isNetworkOperation(operation)) continue;
		if (operation.kind === 'delete' || !firstOf.has(operation.targetId)) firstOf.set(operation.targetId, operation);
	}
	const server = deps.compute === undefined ? undefined : await serverRow(db, row.id);
	const first = firstOf.get(row.id) ?? null;
	const operation = server === undefined || first?.kind === 'update' ? first : null;
	const call = server === undefined ? null : callOf(server);
	const goal = operation === null ? sandbox.desiredStatus : sandboxGoal(operation, sandbox.desiredStatus);
	const containers: ContainerSpec[] = [];
	const rows = server?.ready === 0 ? [] : await containersOf(db, row.id);
	const images = await imageChoices(db, row.host, rows);
	const volumes = await deps.volumes.specs(db, row.id);
	const awaited = volumes.filter(isAwaited).map(({ id }) => id);
	for (const container of rows) {
		const first = firstOf.get(container.id) ?? null;
		if (isFailedMaking(container) && first === null) continue;
		// What is made already has all that it needs; what is not waits until the host has it.
		const isMade = container.runtime_id !== null || container.desired_status === 'Deleted';
		if (!isMade && awaited.some((id) => mountsVolume(container, id))) continue;
		const auth = container.registry_id === null ? null : await deps.registries.auth(db, container.registry_id);
		// A rebuild or a change of the registry may have parted them since the container was made.
		const usable = auth !== null && isFromRegistry(container.image, auth.domain) ? auth : null;
		const spec = containerSpec(container, first, usable);
		const choice = images.get(container.id);
		containers.push(
			choice === undefined
				? spec
				: {
						...spec,
						image: choice.reference,
						imagePullPolicy: choice.pullPolicy ?? spec.imagePullPolicy,
						...(choice.source === undefined ? {} : { imageSource: choice.source }),
					},
		);
	}
	const own = await deps.network.nameservers(db, row.id);
	const nameservers = own.length > 0 ? own : deps.options.nameservers;
	return {
		id: row.id,
		name: row.name,
		projectId: row.project_id,
		version: row.spec_version,
		driver: row.driver,
		goal: server === undefined ? goal : goalOf(server),
		operation: call ?? (operation === null ? null : operationSpec(operation)),
		hostname: row.hostname,
		namespaces: sandbox.namespaces,
		runtime: row.runtime,
		// A server has what its flavor gives, whatever is in it.
		cpu: row.cpu ?? server?.vcpus ?? null,
		memory: row.memory ?? server?.memory_mib ?? null,
		labels: sandbox.labels,
		ports: await deps.network.portSpecs(db, row.id),
		volumes: volumes.filter((volume) => !isAwaited(volume)),
		hosts: await deps.network.hostNames(db, row.id, deps.options.maxHostNames),
		dns: { nameservers, search: [] },
		containers,
		...(server === undefined || server.server_id === null ? {} : { serverId: server.server_id }),
		tellAgain: row.status === 'Unknown' || rows.some((container) => container.status === 'Unknown'),
	};
}

/** It is to be connected to the host by somebody else, and is not yet. */
function isAwaited({ provider, device }: VolumeSpec): boolean {
	return provider === 'cinder' && (device ?? null) === null;
}

/**
 * Its making failed, and nothing of it is on the host. What is wanted to run is not among these, though it may look the
 * same while it is brought back: it was lost with its sandbox, and the host still has to make it.
 */
function isFailedMaking(row: ContainerRow): boolean {
	const givenUp = row.desired_status === 'Created' || row.desired_status === 'Stopped';
	return row.status === 'Error' && givenUp && row.runtime_id === null;
}

function operationSpec(operation: Operation): OperationSpec {
	return { id: operation.id, kind: operation.kind, args: operation.args, startedAt: operation.startedAt };
}

function sandboxGoal(operation: Operation, desired: SandboxGoal): SandboxGoal {
	switch (operation.kind) {
		case 'create':
		case 'start':
		case 'unpause':
			return 'Running';
		case 'stop':
			return 'Stopped';
		case 'pause':
			return 'Paused';
		case 'delete':
			return 'Deleted';
		default:
			return desired;
	}
}

function containerGoal(operation: Operation, desired: ContainerGoal): ContainerGoal {
	switch (operation.kind) {
		case 'create':
			return operation.args.run === true ? 'Running' : 'Created';
		case 'start':
		case 'unpause':
		case 'reboot':
			return 'Running';
		case 'rebuild':
			return operation.args.wasRunning === true ? 'Running' : 'Created';
		case 'stop':
			return 'Stopped';
		case 'pause':
			return 'Paused';
		case 'delete':
			return 'Deleted';
		default:
			return desired;
	}
}

function containerSpec(row: ContainerRow, operation: Operation | null, registryAuth: RegistryAuth | null): ContainerSpec {
	const container = toContainer(row);
	return {
		id: row.id,
		name: row.name,
		kind: container.kind,
		goal: operation === null ? container.desiredStatus : containerGoal(operation, container.desiredStatus),
		operation: operation === null ? null : operationSpec(operation),
		revision: row.revision,
		image: row.image,
		imageDriver: container.imageDriver,
		imagePullPolicy: container.imagePullPolicy,
		registryAuth,
		command: row.command === null ? null : container.command,
		entrypoint: row.entrypoint === null ? null : container.entrypoint,
		cpu: row.cpu,
		memory: row.memory,
		disk: row.disk,
		pids: row.pids,
		workdir: row.workdir,
		hostname: row.hostname,
		environment: container.environment,
		labels: container.labels,
		interactive: container.interactive,
		tty: container.tty,
		privileged: container.privileged,
		restartPolicy: container.restartPolicy,
		healthcheck: container.healthcheck,
		exposedPorts: Object.keys(container.exposedPorts ?? {}),
		mounts: container.mounts.map(({ volumeId, destination, readOnly }) => ({ volumeId, destination, readOnly })),
		restartCount: row.restart_count,
	};
}
