import { failPoint } from '../faults/fail-point.ts';
import { fail } from '../model/errors.ts';
import { inventName, newId } from '../model/ids.ts';
import { imageInRegistry, isFromRegistry } from '../model/image.ts';
import type { Principal } from '../model/principal.ts';
import { checkSandboxAction } from '../model/transitions.ts';
import { type ContainerRow, containerRow, insertContainer } from '../store/containers.ts';
import { insertEvent } from '../store/events.ts';
import { insertOperation } from '../store/operations.ts';
import { type SandboxRow, toSandbox, touchSandbox } from '../store/sandboxes.ts';
import type { StoreTransaction } from '../store/store.ts';
import type { CreateContainer, MountRequest } from './control.ts';
import type { Deps } from './deps.ts';
import { type PreparedImage, prepareImage } from './image-service/find.ts';
import { checkJoining } from './joining.ts';
import { findSandbox } from './lookup.ts';
import { checkImageName } from './project-images.ts';
import { writeSandbox } from './sandbox-creation.ts';
import { keepDelegation } from './servers/delegation.ts';
import { type Prepared, prepareMounts, prepareSandbox } from './servers/prepare.ts';
import { isPending } from './servers/record.ts';
import { sandboxSize } from './sizes.ts';

/** What a container may be beside what a user can ask for: a member of a capsule. */
export interface Membership {
	readonly kind: 'container' | 'capsule' | 'capsule_init';
	readonly ordinal: number;
	/** Sandbox of the capsule, which was written with all that it needs; null = what the request says. */
	readonly sandbox: SandboxRow | null;
}

/** Finds what the container and its new sandbox name of other services; before the transaction. */
export async function prepareContainer(
	deps: Deps,
	principal: Principal,
	asked: CreateContainer,
): Promise<CreateContainer & Prepared & PreparedImage> {
	checkInput(asked);
	const input = { ...asked, ...(await prepareImage(deps, principal, asked)) };
	if (deps.compute === undefined) return input;
	const mounts = await prepareMounts(deps, principal, input.mounts ?? []);
	if (input.sandbox !== undefined) return { ...input, mounts };
	const groups = groupsOfNew(input);
	const wish = { ...input, mounts, ...(groups === undefined ? {} : { securityGroups: groups }) };
	return await prepareSandbox(deps, principal, wish, {
		cpu: input.cpu ?? deps.options.defaultCpu,
		memory: input.memory ?? deps.options.defaultMemory,
		disk: input.disk ?? 0,
	});
}

/** Writes a container, into the sandbox that it names or one made for it, with its first operation. */
export async function writeContainer(
	deps: Deps,
	tx: StoreTransaction,
	principal: Principal,
	input: CreateContainer & Prepared & PreparedImage,
	membership: Membership = { kind: 'container', ordinal: 0, sandbox: null },
): Promise<ContainerRow> {
	checkInput(input);
	if (input.imageDriver === 'glance' && input.imageSource === undefined) throw new Error(`image ${input.image} was not looked for`);
	if (input.imageSource === undefined) checkImageName(input.image);
	const now = deps.now();
	const id = newId();
	const name = input.name ?? inventName('container');
	if (deps.options.uniqueContainerNames) await checkNameIsFree(tx, principal.projectId, name);
	const cpu = input.cpu ?? deps.options.defaultCpu;
	const memory = input.memory ?? deps.options.defaultMemory;
	const { image, registryId } = await imageOf(deps, tx, principal, input);
	const sandbox = membership.sandbox ?? (await sandboxFor(deps, tx, principal, input, name, { cpu, memory, disk: input.disk ?? 0 }));
	const placed = sandbox.host !== null || isPending(sandbox);
	const mounts = placed
		? await deps.volumes.mount(tx, principal, { id: sandbox.id, host: sandbox.host, projectId: sandbox.project_id }, input.mounts ?? [])
		: [];
	const isNew = (mount: MountRequest) => mount.resolved?.kind === 'new';
	if (deps.compute !== undefined && input.sandbox !== undefined && input.mounts?.some(isNew)) {
		await keepDelegation(deps.compute, tx, sandbox.id, principal);
	}
	await insertContainer(tx, {
		id,
		name,
		project_id: sandbox.project_id,
		user_id: principal.userId,
		sandbox_id: sandbox.id,
		kind: membership.kind,
		ordinal: membership.ordinal,
		image,
		image_driver: input.imageDriver ?? 'docker',
		image_source: input.imageSource === undefined ? null : JSON.stringify(input.imageSource),
		image_pull_policy: input.imagePullPolicy ?? deps.options.defaultPullPolicy,
		registry_id: registryId,
		command: input.command === undefined || input.command.length === 0 ? null : JSON.stringify(input.command),
		entrypoint: input.entrypoint === undefined || input.entrypoint.length === 0 ? null : JSON.stringify(input.entrypoint),
		image_command: null,
		image_entrypoint: null,
		image_workdir: null,
		runtime_hostname: null,
		cpu,
		cpu_policy: input.cpuPolicy ?? 'shared',
		memory,
		disk: input.disk ?? null,
		pids: input.pids ?? deps.options.defaultPids,
		workdir: input.workdir ?? null,
		hostname: input.hostname ?? null,
		environment: JSON.stringify(input.environment ?? {}),
		labels: JSON.stringify(input.labels ?? {}),
		interactive: input.interactive === true ? 1 : 0,
		tty: input.tty === true ? 1 : 0,
		privileged: input.privileged === true ? 1 : 0,
		auto_remove: input.autoRemove === true ? 1 : 0,
		auto_heal: input.autoHeal === true ? 1 : 0,
		restart_policy: input.restartPolicy === undefined ? null : JSON.stringify(input.restartPolicy),
		healthcheck: input.healthcheck === undefined ? null : JSON.stringify(input.healthcheck),
		exposed_ports: input.exposedPorts === undefined ? null : JSON.stringify(input.exposedPorts),
		mounts: JSON.stringify(mounts),
		status: placed ? 'Creating' : 'Error',
		status_reason: placed ? null : sandbox.status_reason,
		task_state: placed ? 'container_creating' : null,
		desired_status: placed && input.run ? 'Running' : 'Created',
		revision: 1,
		runtime_id: null,
		ports: JSON.stringify(exposedPortNumbers(input.exposedPorts)),
		exit_code: null,
		oom_killed: 0,
		health: null,
		restart_count: 0,
		pull: null,
		started_at: null,
		finished_at: null,
		created_at: now,
		updated_at: now,
		version: 1,
	});
	if (placed && input.exposedPorts !== undefined && Object.keys(input.exposedPorts).length > 0) {
		await deps.network.exposePorts(tx, principal, { id, sandboxId: sandbox.id }, Object.keys(input.exposedPorts));
	}
	await insertOperation(
		tx,
		{
			requestId: principal.requestId,
			projectId: sandbox.project_id,
			userId: principal.userId,
			target: 'container',
			targetId: id,
			sandboxId: sandbox.id,
			kind: 'create',
			args: { run: input.run },
			host: sandbox.host,
			...(placed ? {} : { outcome: { error: sandbox.status_reason } }),
		},
		now,
	);
	await touchSandbox(tx, sandbox.id);
	await insertEvent(
		tx,
		{
			projectId: sandbox.project_id,
			kind: 'container.created',
			sandboxId: sandbox.id,
			containerId: id,
			status: placed ? 'Creating' : 'Error',
			reason: placed ? null : sandbox.status_reason,
			detail: { name, image },
		},
		now,
	);
	failPoint('control.create-container.written');
	if (placed && input.sandbox !== undefined) {
		const size = await sandboxSize(tx, sandbox.id);
		if (!(await deps.placement.resize(tx, sandbox.id, size))) {
			throw fail('conflict', `Host of sandbox ${sandbox.id} has no room for another ${cpu} cores and ${memory} MiB.`);
		}
	}
	const row = await containerRow(tx, id);
	if (row === undefined) throw new Error(`container ${id} vanished in its own transaction`);
	return row;
}

function checkInput(input: CreateContainer): void {
	checkJoining(input);
	if (
		input.securityGroups !== undefined &&
		input.securityGroups.length > 0 &&
		input.exposedPorts !== undefined &&
		Object.keys(input.exposedPorts).length > 0
	) {
		throw fail('invalid-value', 'security_groups and exposed_ports exclude each other: exposed_ports makes a group of its own.');
	}
	if (input.cpuPolicy === 'dedicated') {
		throw fail('invalid-value', 'cpu_policy dedicated is not offered: no host sets cores apart, as enable_cpu_pinning of each host says.');
	}
	const policy = input.restartPolicy;
	if (policy !== undefined && (policy.name === 'always' || policy.name === 'unless-stopped') && policy.maximumRetryCount !== 0) {
		throw fail('invalid-value', `MaximumRetryCount must be 0 with restart policy ${policy.name}: it counts only for on-failure.`);
	}
	if (input.autoRemove === true && policy !== undefined && policy.name !== 'no') {
		throw fail('invalid-value', `auto_remove and restart policy ${policy.name} exclude each other.`);
	}
}

/** The image, in the registry that the request names. Throws registry-not-found, invalid-value. */
async function imageOf(
	deps: Deps,
	tx: StoreTransaction,
	principal: Principal,
	input: CreateContainer,
): Promise<{ readonly image: string; readonly registryId: string | null }> {
	if (input.registry === undefined) return { image: input.image, registryId: null };
	const registry = await deps.registries.find(tx, principal, input.registry);
	const image = imageInRegistry(input.image, registry.domain);
	if (!isFromRegistry(image, registry.domain)) {
		throw fail('invalid-value', `Image ${image} is not in registry ${input.registry}, whose domain is ${registry.domain}.`);
	}
	return { image, registryId: registry.id };
}

/** Throws container-already-exists when a container of the project has the name. */
export async function checkNameIsFree(tx: StoreTransaction, projectId: string, name: string): Promise<void> {
	const taken = await tx
		.selectFrom('container')
		.select('id')
		.where('project_id', '=', projectId)
		.where('name', '=', name)
		.executeTakeFirst();
	if (taken !== undefined) throw fail('container-already-exists', `A container with name ${name} already exists.`);
}

async function sandboxFor(
	deps: Deps,
	tx: StoreTransaction,
	principal: Principal,
	input: CreateContainer & Prepared,
	name: string,
	size: { readonly cpu: number; readonly memory: number; readonly disk: number },
): Promise<SandboxRow> {
	if (input.sandbox !== undefined) {
		const sandbox = await findSandbox(tx, principal, input.sandbox);
		checkSandboxAction('create_container', toSandbox(sandbox));
		if (sandbox.created_by === 'capsule')
			throw fail('conflict', `Sandbox ${sandbox.id} belongs to a capsule, whose containers are those of its template.`);
		return sandbox;
	}
	const groups = groupsOfNew(input);
	return await writeSandbox(
		deps,
		tx,
		principal,
		{
			name,
			...(input.hostname === undefined ? {} : { hostname: input.hostname }),
			...(input.nets === undefined ? {} : { nets: input.nets }),
			...(groups === undefined ? {} : { securityGroups: groups }),
			...(input.host === undefined ? {} : { host: input.host }),
			...(input.availabilityZone === undefined ? {} : { availabilityZone: input.availabilityZone }),
			...(input.hints === undefined ? {} : { hints: input.hints }),
			...(input.runtime === undefined ? {} : { runtime: input.runtime }),
			...(input.server === undefined ? {} : { server: input.server }),
		},
		'container',
		size,
		input.mounts,
	);
}

/** As in Zun: with exposed ports and no groups, nothing but those ports is open. Their group lets everything out. */
function groupsOfNew(input: CreateContainer): readonly string[] | undefined {
	return input.securityGroups ?? (Object.keys(input.exposedPorts ?? {}).length > 0 ? [] : undefined);
}

/** `{ "80/tcp": {}, "53/udp": {} }` → [53, 80]. */
export function exposedPortNumbers(exposed: Readonly<Record<string, object>> | undefined): readonly number[] {
	const numbers = Object.keys(exposed ?? {}).map((key) => Number(key.split('/')[0]));
	return [...new Set(numbers)].sort((a, b) => a - b);
}
