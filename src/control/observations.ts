import type { Updateable } from 'kysely';
import type { ContainerStatus } from '../model/container.ts';
import type { Operation } from '../model/operation.ts';
import type { ContainerReport, SandboxReport } from '../model/spec.ts';
import type { ContainerRow } from '../store/containers.ts';
import type { SandboxRow } from '../store/sandboxes.ts';
import type { ContainerTable, SandboxTable } from '../store/schema.ts';

/** What of a container's row a report changes; null = nothing. Pure: the tables' I/O is the caller's. */
export function containerChange(
	row: ContainerRow,
	seen: ContainerReport,
	pending: { readonly kind: string; readonly error: string | null } | null,
	done: Operation | null,
): Updateable<ContainerTable> | null {
	const status = shownStatus(row, seen, pending?.kind ?? null, done !== null);
	const wanted: Updateable<ContainerTable> = {
		status,
		status_reason: reasonFor(row, seen, status, pending, done !== null),
		pull: seen.pull === null ? null : JSON.stringify(seen.pull),
		health: seen.health,
		restart_count: seen.restartCount,
	};
	if (pending === null) wanted.task_state = row.desired_status === 'Deleted' ? row.task_state : null;
	if (seen.status !== 'Missing') {
		wanted.runtime_id = seen.runtimeId;
		wanted.exit_code = seen.exitCode;
		wanted.oom_killed = seen.oomKilled ? 1 : 0;
		wanted.started_at = seen.startedAt ?? row.started_at;
		wanted.finished_at = seen.finishedAt ?? row.finished_at;
		wanted.runtime_hostname = seen.hostname;
		if (row.command === null) wanted.image_command = seen.command === null ? null : JSON.stringify(seen.command);
		if (row.entrypoint === null) wanted.image_entrypoint = seen.entrypoint === null ? null : JSON.stringify(seen.entrypoint);
		if (row.workdir === null) wanted.image_workdir = seen.workdir;
		if (seen.ports.length > 0) wanted.ports = JSON.stringify(seen.ports);
	}
	if (pending === null && seen.ended && row.desired_status === 'Running') wanted.desired_status = 'Stopped';
	return difference(row, wanted);
}

function shownStatus(row: ContainerRow, seen: ContainerReport, pending: string | null, done: boolean): ContainerStatus {
	const current = row.status as ContainerStatus;
	if (row.desired_status === 'Deleted') return 'Deleting';
	if (pending === 'create') return 'Creating';
	if (pending === 'reboot') return 'Restarting';
	if (pending === 'rebuild') return 'Rebuilding';
	if (seen.status === 'Missing') return current;
	// An error is shown until something was done about it.
	if (current === 'Error' && !done && (seen.status === 'Created' || seen.status === 'Stopped')) return 'Error';
	return seen.status;
}

function reasonFor(
	row: ContainerRow,
	seen: ContainerReport,
	status: ContainerStatus,
	pending: { readonly error: string | null } | null,
	done: boolean,
): string | null {
	if (seen.statusReason !== null) return seen.statusReason;
	if (pending !== null) return pending.error;
	if (status === row.status && !done) return row.status_reason;
	return null;
}

/** What of a sandbox's row a report changes; null = nothing. */
export function sandboxChange(
	row: SandboxRow,
	report: SandboxReport,
	pending: string | null,
	done: boolean,
): Updateable<SandboxTable> | null {
	const wanted: Updateable<SandboxTable> = { status: shownSandboxStatus(row, report, pending), status_reason: report.statusReason };
	// Why it could not be started is shown until something was done about it.
	const goesOn = wanted.status === row.status || (row.status === 'Error' && wanted.status === 'Stopped');
	if (report.statusReason === null && !done && goesOn) wanted.status_reason = row.status_reason;
	if (pending === null && row.desired_status !== 'Deleted') wanted.task_state = null;
	return difference(row, wanted);
}

function shownSandboxStatus(row: SandboxRow, report: SandboxReport, pending: string | null): string {
	if (row.desired_status === 'Deleted') return 'Deleting';
	if (pending === 'create') return 'Creating';
	if (report.status === 'Missing' || report.status === 'Creating') return row.status;
	return report.status;
}

/** The part of the change that differs from the row; null when there is none. */
function difference<Row extends object, Change extends object>(row: Row, change: Change): Change | null {
	const current = new Map<string, unknown>(Object.entries(row));
	const entries = Object.entries(change).filter(([key, value]) => current.get(key) !== value);
	return entries.length === 0 ? null : (Object.fromEntries(entries) as Change);
}
