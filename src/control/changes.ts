import type { Updateable } from 'kysely';
import { type ContainerRow, updateContainer } from '../store/containers.ts';
import { insertEvent } from '../store/events.ts';
import { noteSandbox, type SandboxRow, updateSandbox } from '../store/sandboxes.ts';
import type { ContainerTable, SandboxTable } from '../store/schema.ts';
import type { StoreTransaction } from '../store/store.ts';

/** Changes a sandbox; a change of status is an event in the same transaction. */
export async function changeSandbox(
	tx: StoreTransaction,
	before: SandboxRow,
	change: Updateable<SandboxTable>,
	now: number,
): Promise<void> {
	await updateSandbox(tx, before.id, change, now);
	await announceSandbox(tx, before, change, now);
}

/** As `changeSandbox`, for what was only seen: its agent has nothing to do about it. */
export async function noteSandboxChange(
	tx: StoreTransaction,
	before: SandboxRow,
	change: Updateable<SandboxTable>,
	now: number,
): Promise<void> {
	await noteSandbox(tx, before.id, change, now);
	await announceSandbox(tx, before, change, now);
}

async function announceSandbox(tx: StoreTransaction, before: SandboxRow, change: Updateable<SandboxTable>, now: number): Promise<void> {
	if (change.status === undefined || change.status === before.status) return;
	await insertEvent(
		tx,
		{
			projectId: before.project_id,
			kind: 'sandbox.status',
			sandboxId: before.id,
			containerId: null,
			status: change.status,
			reason: change.status_reason ?? null,
			detail: { name: before.name, from: before.status },
		},
		now,
	);
}

/** Changes a container; a change of status or health is an event in the same transaction. */
export async function changeContainer(
	tx: StoreTransaction,
	before: ContainerRow,
	change: Updateable<ContainerTable>,
	now: number,
): Promise<void> {
	await updateContainer(tx, before.id, change, now);
	const subject = { projectId: before.project_id, sandboxId: before.sandbox_id, containerId: before.id };
	if (change.status !== undefined && change.status !== before.status) {
		const exitCode = change.exit_code === undefined ? before.exit_code : change.exit_code;
		const detail = { name: before.name, from: before.status, ...(change.status === 'Stopped' ? { exit_code: exitCode } : {}) };
		await insertEvent(
			tx,
			{ ...subject, kind: 'container.status', status: change.status, reason: change.status_reason ?? null, detail },
			now,
		);
	}
	if (change.health !== undefined && change.health !== null && change.health !== before.health) {
		const detail = { name: before.name, from: before.health, health: change.health };
		await insertEvent(tx, { ...subject, kind: 'container.health', status: null, reason: null, detail }, now);
	}
	if (change.pull !== undefined && change.pull !== null && change.pull !== before.pull) {
		const detail = { name: before.name, image: before.image, ...JSON.parse(change.pull) };
		await insertEvent(tx, { ...subject, kind: 'container.pull', status: null, reason: null, detail }, now);
	}
}
