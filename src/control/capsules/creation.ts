import { failPoint } from '../../faults/fail-point.ts';
import { capsuleSize, memberRestartPolicy } from '../../model/capsule.ts';
import { inventName } from '../../model/ids.ts';
import type { Principal } from '../../model/principal.ts';
import type { SandboxRow } from '../../store/sandboxes.ts';
import type { StoreTransaction } from '../../store/store.ts';
import { writeContainer } from '../container-creation.ts';
import type { MountRequest } from '../control.ts';
import type { Deps } from '../deps.ts';
import { writeSandbox } from '../sandbox-creation.ts';
import { type Prepared, prepareSandbox } from '../servers/prepare.ts';
import { isPending } from '../servers/record.ts';
import type { CapsuleContainer, CreateCapsule } from './capsule-control.ts';
import { attachVolumes, prepareVolumes, volumeRequests } from './volumes.ts';

/**
 * Writes a capsule: its sandbox, its volumes and all its members. The first init container is told to run, or, where
 * there is none, every container. The others are made meanwhile, and wait for their turn. Where no host has room, all
 * of it is written in status Error, and holds nothing.
 */
export async function writeCapsule(
	deps: Deps,
	tx: StoreTransaction,
	principal: Principal,
	input: CreateCapsule & Prepared,
): Promise<SandboxRow> {
	const name = input.name ?? inventName('capsule');
	const size = sizeOf(deps, input);
	const groups = groupsOf(input);
	const sandbox = await writeSandbox(
		deps,
		tx,
		principal,
		{
			name,
			labels: input.labels,
			...(input.nets === undefined ? {} : { nets: input.nets }),
			...(groups === undefined ? {} : { securityGroups: groups }),
			...(input.availabilityZone === undefined ? {} : { availabilityZone: input.availabilityZone }),
			...(input.publish.length === 0 ? {} : { publish: input.publish }),
			...(input.server === undefined ? {} : { server: input.server }),
		},
		'capsule',
		{ ...size, disk: 0 },
		[...volumeRequests(input).values()],
	);
	await tx
		.insertInto('capsule')
		.values({ sandbox_id: sandbox.id, annotations: JSON.stringify(input.annotations), restart_policy: input.restartPolicy })
		.execute();
	const volumes = sandbox.host === null && !isPending(sandbox) ? null : await attachVolumes(deps, tx, principal, sandbox, input);
	failPoint('control.create-capsule.volumes-attached');
	const used = new Set<string>();
	for (const [ordinal, container] of [...input.initContainers, ...input.containers].entries()) {
		const init = ordinal < input.initContainers.length;
		const mounts = volumes === null ? [] : container.mounts.map((mount) => mountRequest(mount, volumes));
		await writeContainer(
			deps,
			tx,
			principal,
			{
				name: memberName(name, container, used),
				image: container.image,
				...(container.imagePullPolicy === undefined ? {} : { imagePullPolicy: container.imagePullPolicy }),
				...(container.command === undefined ? {} : { command: container.command }),
				...(container.environment === undefined ? {} : { environment: container.environment }),
				...(container.labels === undefined ? {} : { labels: container.labels }),
				...(container.workdir === undefined ? {} : { workdir: container.workdir }),
				...(container.cpu === undefined ? {} : { cpu: container.cpu }),
				...(container.memory === undefined ? {} : { memory: container.memory }),
				interactive: container.interactive,
				tty: container.tty,
				restartPolicy: memberRestartPolicy(input.restartPolicy, init),
				...(container.exposedPorts.length === 0
					? {}
					: { exposedPorts: Object.fromEntries(container.exposedPorts.map((port) => [port, {}])) }),
				mounts,
				run: input.initContainers.length === 0 || ordinal === 0,
			},
			{ kind: init ? 'capsule_init' : 'capsule', ordinal, sandbox },
		);
	}
	return sandbox;
}

/** Finds what the capsule's sandbox names of other services; before the transaction. */
export async function prepareCapsule(deps: Deps, principal: Principal, input: CreateCapsule): Promise<CreateCapsule & Prepared> {
	if (deps.compute === undefined) return input;
	const groups = groupsOf(input);
	const volumes = await prepareVolumes(deps, principal, input);
	const wish = { ...input, volumes, ...(groups === undefined ? {} : { securityGroups: groups }) };
	return await prepareSandbox(deps, principal, wish, { ...sizeOf(deps, input), disk: 0 });
}

function sizeOf(deps: Deps, input: CreateCapsule) {
	const withDefaults = (container: CapsuleContainer) => ({
		cpu: container.cpu ?? deps.options.defaultCpu,
		memory: container.memory ?? deps.options.defaultMemory,
	});
	return capsuleSize(input.initContainers.map(withDefaults), input.containers.map(withDefaults));
}

/** As with containers: who says which ports are open means that the others are not. */
function groupsOf(input: CreateCapsule): readonly string[] | undefined {
	const exposes = [...input.initContainers, ...input.containers].some(({ exposedPorts }) => exposedPorts.length > 0);
	return input.securityGroups ?? (exposes ? [] : undefined);
}

function mountRequest(mount: CapsuleContainer['mounts'][number], volumes: ReadonlyMap<string, string>): MountRequest {
	const source = volumes.get(mount.volume);
	if (source === undefined) throw new Error(`volume ${mount.volume} of a template was not attached`);
	return { type: 'volume', source, destination: mount.destination, readOnly: mount.readOnly };
}

/** Names of members are found among those of all containers, so each tells its capsule. */
function memberName(capsule: string, container: CapsuleContainer, used: Set<string>): string {
	for (;;) {
		const own = container.name !== undefined && !used.has(container.name) ? container.name : inventName('container');
		if (used.has(own)) continue;
		used.add(own);
		return `capsule-${capsule}-${own}`.slice(0, 255);
	}
}
