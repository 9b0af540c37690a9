import { failPoint } from '../../faults/fail-point.ts';
import type { SandboxGoal } from '../../model/sandbox.ts';
import type { ServerAction, ServerState, ServerView } from '../../providers/compute/compute-provider.ts';
import { ProviderError } from '../../providers/provider-error.ts';
import { sandboxRow } from '../../store/sandboxes.ts';
import { serverRow, updateServer } from '../../store/servers.ts';
import { changeSandbox } from '../changes.ts';
import { expiryAt } from '../expiry.ts';
import { serverIsGone } from './endings.ts';
import { done, lookAgain, type StepContext, type StepResult, serverIdOf } from './step-context.ts';

export interface WantedAct {
	readonly operationId: string;
	readonly action: ServerAction;
	readonly wanted: ServerState;
}

/** What users ask of a sandbox that is a server is asked of the compute service, and is done when its server is so. */
export async function act(context: StepContext, { operationId, action, wanted }: WantedAct): Promise<StepResult> {
	const { deps, compute, sight, looks, signal } = context;
	const { server, sandbox } = sight;
	const serverId = serverIdOf(sight);
	const view = await compute.provider.server(serverId, signal);
	if (view === null || view.state === 'gone') return await noteGone(context);
	if (view.busy || view.state === 'building') return lookAgain(context);
	if (view.state === wanted) return await endOperation(context, operationId, null, view);
	if (server.acted_for === operationId) {
		const reason = server.call_error ?? view.fault ?? `the compute service left its server in state ${view.state}`;
		return await endOperation(context, operationId, reason, view);
	}
	try {
		await compute.provider.act(serverId, view.state === 'error' && action === 'start' ? 'reboot' : action, signal);
	} catch (error) {
		if (!(error instanceof ProviderError) || error.failure === 'unavailable') throw error;
		// It may only be a moment before the compute service takes it.
		if (error.failure === 'conflict' && looks < looksBeforeFailure) return lookAgain(context);
		return await endOperation(context, operationId, error.message, view);
	}
	failPoint('control.server.acted');
	await deps.store.transaction((tx) => updateServer(tx, sandbox.id, { acted_for: operationId, call_error: null }));
	return lookAgain({ ...context, looks: 0 });
}

const looksBeforeFailure = 10;

const statuses = { running: 'Running', stopped: 'Stopped', paused: 'Paused' } as const satisfies Partial<Record<ServerState, SandboxGoal>>;

/** What a sandbox is in that state of its server; null = that says nothing about it. */
export function statusIn(state: ServerState): SandboxGoal | null {
	return state === 'running' || state === 'stopped' || state === 'paused' ? statuses[state] : null;
}

/** `reason` null = it is done. An operation that failed leaves what there is as what is wanted. */
async function endOperation(
	{ deps, sight }: StepContext,
	operationId: string,
	reason: string | null,
	view: ServerView,
): Promise<StepResult> {
	const now = deps.now();
	await deps.store.transaction(async (tx) => {
		const ended = { state: reason === null ? 'done' : 'failed', error: reason, finished_at: now };
		const operation = await tx.selectFrom('operation').selectAll().where('id', '=', operationId).executeTakeFirst();
		await tx.updateTable('operation').set(ended).where('id', '=', operationId).execute();
		await updateServer(tx, sight.sandbox.id, { acted_for: null });
		const sandbox = await sandboxRow(tx, sight.sandbox.id);
		if (sandbox === undefined || sandbox.desired_status === 'Deleted') return;
		const status = statusIn(view.state);
		const failed = reason === null ? {} : { desired_status: status ?? 'Stopped', ...expiryAt(sandbox, status ?? 'Stopped', now) };
		const shown = view.state === 'error' ? { status: 'Error' } : status === null || sandbox.status === 'Unknown' ? {} : { status };
		const told = reason === null ? null : `${operation?.kind} failed: ${reason}`;
		await changeSandbox(tx, sandbox, { task_state: null, status_reason: told, ...failed, ...shown }, now);
	});
	return done;
}

/** A server that is on no host, and whose sandbox was not asked to go: it is deleted, or comes again elsewhere. */
export async function look(context: StepContext): Promise<StepResult> {
	const { compute, sight, looks, signal } = context;
	const view = await compute.provider.server(serverIdOf(sight), signal);
	if (view === null || view.state === 'gone') return await noteGone(context);
	return looks < 20 ? lookAgain(context) : 30_000;
}

export const deletedElsewhere = 'Its server was deleted with the tools of the compute service.';

async function noteGone({ deps, sight }: StepContext): Promise<StepResult> {
	await deps.store.transaction(async (tx) => {
		const server = await serverRow(tx, sight.sandbox.id);
		if (server !== undefined) await serverIsGone(deps, tx, server, deletedElsewhere);
	});
	return done;
}
