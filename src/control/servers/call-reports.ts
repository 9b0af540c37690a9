import type { SandboxGoal } from '../../model/sandbox.ts';
import type { OperationReport, SandboxReport } from '../../model/spec.ts';
import { sandboxRow, touchSandbox } from '../../store/sandboxes.ts';
import { giveServerWork, type ServerRow, updateServer } from '../../store/servers.ts';
import type { StoreTransaction } from '../../store/store.ts';
import { changeSandbox } from '../changes.ts';
import type { Deps } from '../deps.ts';
import { expiryAt } from '../expiry.ts';
import { noCall } from './call.ts';

/** Writes how the host fares with the compute service's call. The compute service hears it from its own driver. */
export async function takeCallReport(
	deps: Deps,
	tx: StoreTransaction,
	server: ServerRow,
	outcome: OperationReport,
	report: SandboxReport,
): Promise<void> {
	const id = server.sandbox_id;
	switch (outcome.outcome) {
		case 'started':
		case 'retry':
			return await updateServer(tx, id, { call_started_at: server.call_started_at ?? outcome.at, call_error: outcome.error });
		case 'done':
			await updateServer(tx, id, { ...noCall, call_error: null });
			break;
		case 'failed':
			// A removal never fails for good: it is tried until it succeeds.
			if (server.call_kind === 'delete') return await updateServer(tx, id, { call_error: outcome.error });
			await updateServer(tx, id, { ...noCall, call_error: outcome.error, goal: goalAfter(server, report) });
			await followFailure(deps, tx, server, report);
	}
	await giveServerWork(tx, id);
	await touchSandbox(tx, id);
}

/** What could not be built is not to be on the host; for all else, what is wanted follows what is there. */
function goalAfter(server: ServerRow, report: SandboxReport): SandboxGoal {
	return server.call_kind === 'create' ? 'Deleted' : seen(report);
}

function seen({ status }: SandboxReport): SandboxGoal {
	return status === 'Running' || status === 'Paused' ? status : 'Stopped';
}

/** Nobody asked us for it: then nobody else says what is wanted now. */
async function followFailure(deps: Deps, tx: StoreTransaction, server: ServerRow, report: SandboxReport): Promise<void> {
	const sandbox = await sandboxRow(tx, server.sandbox_id);
	if (sandbox === undefined || server.stage !== 'standing' || server.acted_for !== null || sandbox.desired_status === 'Deleted') return;
	const goal = seen(report);
	await changeSandbox(tx, sandbox, { desired_status: goal, ...expiryAt(sandbox, goal, deps.now()) }, deps.now());
}
