import { failPoint } from '../faults/fail-point.ts';
import { fail } from '../model/errors.ts';
import { inventName, newId } from '../model/ids.ts';
import type { Principal } from '../model/principal.ts';
import type { SandboxCreator } from '../model/sandbox.ts';
import { insertEvent } from '../store/events.ts';
import { insertOperation } from '../store/operations.ts';
import { insertSandbox, type SandboxRow, sandboxRow } from '../store/sandboxes.ts';
import type { StoreTransaction } from '../store/store.ts';
import type { CreateSandbox, MountRequest } from './control.ts';
import type { Deps } from './deps.ts';
import type { Prepared } from './servers/prepare.ts';
import { insertServerOf } from './servers/record.ts';
import { volumeNeeds } from './volume-placement.ts';

/** What a sandbox claims of its host at its making. */
export interface InitialSize {
	readonly cpu: number;
	readonly memory: number;
	readonly disk: number;
}

/**
 * Writes a new sandbox with its claim, ports and first operation. Where no host has room, the sandbox is written all
 * the same, in status Error with the reason, and holds nothing: that is how Zun answers.
 * `mounts` are those of the containers that it is made for, written after it: their volumes too decide where it can go.
 */
export async function writeSandbox(
	deps: Deps,
	tx: StoreTransaction,
	principal: Principal,
	input: CreateSandbox & Prepared,
	createdBy: SandboxCreator,
	size: InitialSize,
	mounts: readonly MountRequest[] = [],
): Promise<SandboxRow> {
	const now = deps.now();
	const id = newId();
	const name = input.name ?? inventName('sandbox');
	await insertSandbox(tx, {
		id,
		name,
		project_id: principal.projectId,
		user_id: principal.userId,
		host: null,
		availability_zone: input.availabilityZone ?? null,
		requested_host: input.host ?? null,
		driver: deps.options.driver,
		provider_ids: '{}',
		status: 'Creating',
		status_reason: null,
		task_state: 'sandbox_creating',
		desired_status: 'Running',
		labels: JSON.stringify(input.labels ?? {}),
		hostname: input.hostname ?? hostnameFrom(name, id),
		cpu: input.cpu ?? null,
		memory: input.memory ?? null,
		disk: input.disk ?? null,
		namespaces: JSON.stringify({ net: true, ipc: input.namespaces?.ipc ?? true, pid: input.namespaces?.pid ?? true }),
		runtime: input.runtime ?? null,
		hints: JSON.stringify(input.hints ?? {}),
		created_by: createdBy,
		expires_at: input.expiresIn === undefined ? null : now + input.expiresIn * 1000,
		expires_remaining: null,
		created_at: now,
		updated_at: now,
		version: 1,
		spec_version: 1,
	});
	failPoint('control.create-sandbox.written');
	const volumes = (input.volumes ?? []).map((volume) => ({ ...volume, type: 'volume' as const, destination: '/' }));
	const needs = await volumeNeeds(deps.volumes, tx, principal, [...volumes, ...mounts]);
	if (needs.host !== null && input.host !== undefined && input.host !== needs.host) {
		throw fail('volume-not-usable', `The volumes have their data on host ${needs.host}, not on ${input.host}.`);
	}
	const placed = await deps.placement.place(tx, {
		sandboxId: id,
		projectId: principal.projectId,
		driver: deps.options.driver,
		runtime: input.runtime ?? null,
		cpu: input.cpu ?? size.cpu,
		memoryMib: input.memory ?? size.memory,
		diskGib: input.disk ?? size.disk,
		volumeGib: needs.gib,
		availabilityZone: input.availabilityZone ?? null,
		host: input.host ?? needs.host,
		hints: input.hints ?? {},
		excludedHosts: [],
	});
	const subject = { projectId: principal.projectId, sandboxId: id, containerId: null };
	const operation = { requestId: principal.requestId, projectId: principal.projectId, userId: principal.userId } as const;
	if (input.server !== undefined) await insertServerOf(deps, tx, principal, id, input.server);
	if (placed.host === null && placed.reason !== null) {
		await tx.updateTable('sandbox').set({ status: 'Error', status_reason: placed.reason, task_state: null }).where('id', '=', id).execute();
		await insertOperation(
			tx,
			{ ...operation, target: 'sandbox', targetId: id, sandboxId: id, kind: 'create', host: null, outcome: { error: placed.reason } },
			now,
		);
		await insertEvent(tx, { ...subject, kind: 'sandbox.created', status: 'Error', reason: placed.reason, detail: { name } }, now);
	} else {
		if (placed.host !== null) {
			await tx.updateTable('sandbox').set({ host: placed.host, availability_zone: placed.availabilityZone }).where('id', '=', id).execute();
		}
		const sandbox = { id, host: placed.host, projectId: principal.projectId };
		await deps.network.attach(tx, principal, sandbox, input.nets ?? [], input.securityGroups ?? null);
		if (input.publish !== undefined && input.publish.length > 0) await deps.network.publish(tx, principal, id, input.publish);
		await deps.volumes.mount(tx, principal, sandbox, volumes);
		await insertOperation(tx, { ...operation, target: 'sandbox', targetId: id, sandboxId: id, kind: 'create', host: placed.host }, now);
		await insertEvent(tx, { ...subject, kind: 'sandbox.created', status: 'Creating', reason: null, detail: { name } }, now);
	}
	failPoint('control.create-sandbox.placed');
	const row = await sandboxRow(tx, id);
	if (row === undefined) throw new Error(`sandbox ${id} vanished in its own transaction`);
	return row;
}

/** A name that is fit for a host, from the thing's name where that can be. */
export function hostnameFrom(name: string, id: string): string {
	const fit = name
		.toLowerCase()
		.replaceAll(/[^a-z0-9-]+/g, '-')
		.replaceAll(/^-+|-+$/g, '')
		.slice(0, 63)
		.replaceAll(/-+$/g, '');
	return fit === '' ? `sandbox-${id.slice(0, 8)}` : fit;
}
