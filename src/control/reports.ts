import { fail } from '../model/errors.ts';
import { networkOperationKinds, type Operation } from '../model/operation.ts';
import type { OperationReport, SandboxReport } from '../model/spec.ts';
import { containerRow, containersOf } from '../store/containers.ts';
import { isUnfinished, toOperation } from '../store/operations.ts';
import { type SandboxRow, sandboxRow, touchSandbox } from '../store/sandboxes.ts';
import { serverRow } from '../store/servers.ts';
import type { StoreTransaction } from '../store/store.ts';
import { advanceCapsule } from './capsules/progress.ts';
import { changeContainer, noteSandboxChange } from './changes.ts';
import { askContainerDelete, dropContainer, dropSandbox, systemRequest } from './deletion.ts';
import type { Deps } from './deps.ts';
import { failedContainerOperation, failedSandboxOperation } from './failures.ts';
import { containerChange, sandboxChange } from './observations.ts';
import { notePrivateImage } from './project-images.ts';
import { takeCallReport } from './servers/call-reports.ts';
import { leftHost } from './servers/leave.ts';
import { isNetworkOperation } from './servers/sight.ts';

/**
 * Writes what an agent did and saw, in one transaction. A report may come twice, or late: an operation that has ended
 * stays ended, and what was seen is only compared with what stands.
 * Answers the host to wake when the sandbox was given to another one.
 */
export async function takeReport(deps: Deps, tx: StoreTransaction, sandbox: SandboxRow, report: SandboxReport): Promise<string | null> {
	const server = deps.compute === undefined ? undefined : await serverRow(tx, sandbox.id);
	if (report.removed && server === undefined && sandbox.desired_status === 'Deleted') {
		await dropSandbox(deps, tx, sandbox);
		return null;
	}
	// First of all: what is made on another host is not there yet.
	await deps.volumes.made(tx, sandbox.id, report.madeVolumes ?? []);
	const finished = new Map<string, Operation>();
	let moved: string | null = null;
	for (const outcome of report.operations) {
		if (server !== undefined) {
			const called = await serverRow(tx, sandbox.id);
			if (called?.call_id === outcome.id) {
				await takeCallReport(deps, tx, called, outcome, report);
				continue;
			}
		}
		const operation = await openOperation(tx, sandbox.id, outcome.id);
		if (operation === null) continue;
		await writeOutcome(tx, operation, outcome);
		if (outcome.outcome === 'done') finished.set(operation.targetId, operation);
		if (outcome.outcome === 'failed' && operation.kind !== 'delete') {
			const reason = outcome.error ?? 'the host gave no reason';
			if (operation.target === 'sandbox') moved = await failedSandboxOperation(deps, tx, sandbox, operation, reason, report);
			else await failedContainerOperation(deps, tx, operation, reason, report);
		}
		if (outcome.outcome !== 'started') await touchSandbox(tx, sandbox.id);
	}
	for (const id of report.removedContainers) {
		const row = await containerRow(tx, id);
		if (row !== undefined && row.sandbox_id === sandbox.id && row.desired_status === 'Deleted') await dropContainer(deps, tx, row);
	}
	await deps.volumes.detached(tx, sandbox.id, report.detachedVolumes);
	const called = server === undefined ? undefined : await serverRow(tx, sandbox.id);
	if (called?.goal === 'Deleted' || called?.stage === 'failed') {
		// What is seen of a sandbox while it is taken from its host is no news of it.
		if (report.removed && called.goal === 'Deleted') await leftHost(deps, tx, sandbox);
		return null;
	}
	await noteContainers(deps, tx, sandbox, report, finished);
	const after = await sandboxRow(tx, sandbox.id);
	if (after === undefined || after.host !== sandbox.host) return moved;
	const open = await tx
		.selectFrom('operation')
		.select('kind')
		.where('target_id', '=', sandbox.id)
		.where('kind', 'not in', [...networkOperationKinds])
		.where(isUnfinished)
		.orderBy('seq')
		.executeTakeFirst();
	const change = sandboxChange(after, report, open?.kind ?? null, finished.has(sandbox.id));
	if (change !== null) await noteSandboxChange(tx, after, change, deps.now());
	await deps.network.setActive(tx, sandbox.id, report.activePorts);
	if (after.created_by === 'capsule') await advanceCapsule(deps, tx, after);
	return null;
}

async function openOperation(tx: StoreTransaction, sandboxId: string, id: string): Promise<Operation | null> {
	const row = await tx.selectFrom('operation').selectAll().where('id', '=', id).executeTakeFirst();
	if (row === undefined || row.sandbox_id !== sandboxId) return null;
	return row.state === 'queued' || row.state === 'running' ? toOperation(row) : null;
}

async function writeOutcome(tx: StoreTransaction, operation: Operation, report: OperationReport): Promise<void> {
	// That it began is told by itself only where it takes long, or must be known before anything is done.
	const began = { started_at: operation.startedAt ?? report.at, attempts: operation.attempts + (operation.startedAt === null ? 1 : 0) };
	const change = () => {
		switch (report.outcome) {
			case 'started':
				return { ...began, state: 'running', attempts: operation.attempts + 1 };
			case 'retry':
				return { ...began, state: 'running', attempts: began.attempts + 1, error: report.error };
			case 'done':
				return { ...began, state: 'done', error: null, finished_at: report.at };
			case 'failed':
				// A delete never fails for good: it is tried until it succeeds.
				return operation.kind === 'delete'
					? { ...began, state: 'running', attempts: began.attempts + 1, error: report.error }
					: { ...began, state: 'failed', error: report.error, finished_at: report.at };
			default:
				throw fail('invalid', `unknown outcome ${report.outcome}`);
		}
	};
	await tx.updateTable('operation').set(change()).where('id', '=', operation.id).execute();
}

async function noteContainers(
	deps: Deps,
	tx: StoreTransaction,
	sandbox: SandboxRow,
	report: SandboxReport,
	finished: ReadonlyMap<string, Operation>,
): Promise<void> {
	const unfinished = await tx
		.selectFrom('operation')
		.select(['target_id', 'kind', 'error'])
		.where('sandbox_id', '=', sandbox.id)
		.where('target', '=', 'container')
		.where(isUnfinished)
		.orderBy('seq')
		.execute();
	const open = unfinished.filter((operation) => !isNetworkOperation(operation));
	const rows = new Map((await containersOf(tx, sandbox.id)).map((row) => [row.id, row]));
	for (const seen of report.containers) {
		const row = rows.get(seen.id);
		if (row === undefined) continue;
		const pending = open.find((operation) => operation.target_id === seen.id) ?? null;
		const done = finished.get(seen.id) ?? null;
		const change = containerChange(row, seen, pending, done);
		if (change !== null) await changeContainer(tx, row, change, deps.now());
		if (change?.desired_status !== undefined) await touchSandbox(tx, sandbox.id);
		if (seen.pulledWithLogin) await notePrivateImage(tx, row.project_id, seen.pulledWithLogin);
		const made = done?.kind === 'create' || done?.kind === 'rebuild';
		if (made && row.registry_id !== null) await notePrivateImage(tx, row.project_id, row.image);
		// Where something else was waiting when it stopped, it is known by its row.
		const known = row.status === 'Stopped' && row.desired_status === 'Stopped';
		const told = seen.ended || done?.kind === 'stop' || done?.kind === 'kill';
		const stopped = pending === null && seen.status === 'Stopped' && (told || known);
		if (stopped && row.auto_remove === 1 && row.desired_status !== 'Deleted') {
			const current = await containerRow(tx, row.id);
			if (current !== undefined) {
				await askContainerDelete(deps, tx, { requestId: systemRequest(row.id), userId: row.user_id }, current, false);
			}
		}
	}
}
