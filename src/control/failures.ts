import type { Updateable } from 'kysely';
import type { Operation } from '../model/operation.ts';
import type { SandboxReport } from '../model/spec.ts';
import { containerRow, containersOf } from '../store/containers.ts';
import { endOperations, insertOperation } from '../store/operations.ts';
import { type SandboxRow, sandboxRow } from '../store/sandboxes.ts';
import type { ContainerTable } from '../store/schema.ts';
import type { StoreTransaction } from '../store/store.ts';
import { changeContainer, changeSandbox } from './changes.ts';
import type { Deps } from './deps.ts';
import { expiryAt } from './expiry.ts';
import { sandboxSize } from './sizes.ts';
import { movedVolumeNeeds, moveVolumes } from './volume-placement.ts';

/** What a container's failed operation means for it: the reason is on it, and what is wanted follows what is there. */
export async function failedContainerOperation(
	deps: Deps,
	tx: StoreTransaction,
	operation: Operation,
	reason: string,
	report: SandboxReport,
): Promise<void> {
	const row = await containerRow(tx, operation.targetId);
	if (row === undefined || row.desired_status === 'Deleted') return;
	const seen = report.containers.find((container) => container.id === row.id);
	const present = seen !== undefined && seen.status !== 'Missing';
	const change: Updateable<ContainerTable> = { task_state: null, status_reason: reason };
	switch (operation.kind) {
		case 'create':
			Object.assign(change, { status: 'Error', desired_status: present ? 'Stopped' : 'Created', runtime_id: seen?.runtimeId ?? null });
			break;
		case 'rebuild': {
			const previous = operation.args.previous;
			if (present && seen.revision === row.revision - 1 && previous !== undefined) {
				const desired = operation.args.wasRunning === true ? 'Running' : 'Stopped';
				const status = seen.status === 'Running' ? 'Running' : 'Stopped';
				const source = previous.imageSource ?? null;
				const back = {
					image: previous.image,
					image_driver: previous.imageDriver,
					image_source: source === null ? null : JSON.stringify(source),
					revision: row.revision - 1,
				};
				Object.assign(change, back, { status, desired_status: desired, status_reason: `rebuild failed: ${reason}` });
			} else {
				Object.assign(change, { status: 'Error', desired_status: 'Stopped', runtime_id: present ? seen.runtimeId : null });
			}
			break;
		}
		case 'start':
			if (operation.args.turn === true && !(await isToRun(tx, row.sandbox_id))) {
				// Its capsule was stopped or paused meanwhile: its turn comes again when that runs.
				Object.assign(change, { status: 'Created', status_reason: null, desired_status: 'Created' });
				break;
			}
			Object.assign(change, { status: 'Error', desired_status: 'Stopped' });
			break;
		case 'reboot':
			Object.assign(change, { status: 'Error', desired_status: 'Stopped' });
			break;
		default:
			change.status_reason = `${operation.kind} failed: ${reason}`;
			if (seen?.status === 'Running' || seen?.status === 'Paused' || seen?.status === 'Stopped') change.desired_status = seen.status;
	}
	await changeContainer(tx, row, change, deps.now());
}

async function isToRun(tx: StoreTransaction, sandboxId: string): Promise<boolean> {
	return (await sandboxRow(tx, sandboxId))?.desired_status === 'Running';
}

/**
 * What a sandbox's failed operation means. A sandbox that could not be made is tried on another host first (unless its
 * host was asked for by name); that host's name is answered. Where there is none, the sandbox and all in it end in Error and hold nothing: the host
 * that it was on is told that it has nothing to do with it, and removes what is left.
 */
export async function failedSandboxOperation(
	deps: Deps,
	tx: StoreTransaction,
	row: SandboxRow,
	operation: Operation,
	reason: string,
	report: SandboxReport,
): Promise<string | null> {
	const now = deps.now();
	if (operation.kind === 'create') {
		const next = await tryAnotherHost(deps, tx, row, operation);
		if (next !== null) return next;
		for (const container of await containersOf(tx, row.id)) {
			await endOperations(tx, container.id, reason, now);
			if (container.desired_status === 'Deleted') continue;
			await changeContainer(
				tx,
				container,
				{ status: 'Error', status_reason: reason, task_state: null, desired_status: 'Created', runtime_id: null },
				now,
			);
		}
		await endOperations(tx, row.id, reason, now);
		await deps.placement.release(tx, row.id);
		await deps.network.release(tx, row.id);
		await deps.volumes.release(tx, row.id);
		const current = (await sandboxRow(tx, row.id)) ?? row;
		await changeSandbox(tx, current, { status: 'Error', status_reason: reason, task_state: null, host: null }, now);
		return null;
	}
	const observed = report.status === 'Running' || report.status === 'Paused' || report.status === 'Stopped' ? report.status : 'Stopped';
	const status = operation.kind === 'start' ? { status: 'Error' } : {};
	const change = {
		task_state: null,
		status_reason: `${operation.kind} failed: ${reason}`,
		desired_status: observed,
		...status,
		...expiryAt(row, observed, now),
	} as const;
	await changeSandbox(tx, row, change, now);
	return null;
}

async function tryAnotherHost(deps: Deps, tx: StoreTransaction, row: SandboxRow, operation: Operation): Promise<string | null> {
	// Who named a host wants that one or none.
	if (row.requested_host !== null) return null;
	const tried = await tx
		.selectFrom('operation')
		.select('host')
		.where('target_id', '=', row.id)
		.where('kind', '=', 'create')
		.where('host', 'is not', null)
		.execute();
	const size = await sandboxSize(tx, row.id);
	const volumes = await movedVolumeNeeds(tx, row.id);
	if (volumes === null) return null;
	await deps.placement.release(tx, row.id);
	const placed = await deps.placement.place(tx, {
		sandboxId: row.id,
		projectId: row.project_id,
		driver: row.driver,
		runtime: row.runtime,
		cpu: size.cpu,
		memoryMib: size.memoryMib,
		diskGib: size.diskGib,
		volumeGib: volumes.gib,
		availabilityZone: row.availability_zone,
		host: null,
		hints: JSON.parse(row.hints),
		excludedHosts: tried.flatMap((attempt) => attempt.host ?? []),
	});
	if (placed.host === null) return null;
	const current = (await sandboxRow(tx, row.id)) ?? row;
	await changeSandbox(tx, current, { host: placed.host, availability_zone: placed.availabilityZone }, deps.now());
	await deps.network.setHost(tx, row.id, placed.host);
	await moveVolumes(tx, row.id, placed.host);
	await insertOperation(
		tx,
		{
			requestId: operation.requestId,
			projectId: row.project_id,
			userId: operation.userId,
			target: 'sandbox',
			targetId: row.id,
			sandboxId: row.id,
			kind: 'create',
			args: operation.args,
			host: placed.host,
		},
		deps.now(),
	);
	return placed.host;
}
