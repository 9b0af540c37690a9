import { newId } from '../../model/ids.ts';
import type { NetworkOperationKind, OperationArgs, SandboxOperationKind } from '../../model/operation.ts';
import type { SandboxGoal } from '../../model/sandbox.ts';
import type { OperationSpec } from '../../model/spec.ts';
import { fromNullableJson } from '../../store/json.ts';
import { type ServerRow, updateServer } from '../../store/servers.ts';
import type { StoreTransaction } from '../../store/store.ts';

/** What a compute service's call is to the agent: an operation like those that users ask for. */
export type CallKind = Exclude<SandboxOperationKind, 'update' | NetworkOperationKind>;

const goals: Readonly<Record<CallKind, SandboxGoal>> = {
	create: 'Running',
	start: 'Running',
	unpause: 'Running',
	stop: 'Stopped',
	pause: 'Paused',
	delete: 'Deleted',
};

/** The call that its host has to carry out; null = none. */
export function callOf(server: ServerRow): OperationSpec | null {
	if (server.call_id === null || server.call_kind === null) return null;
	return {
		id: server.call_id,
		kind: server.call_kind,
		args: fromNullableJson<OperationArgs>(server.call_args) ?? {},
		startedAt: server.call_started_at,
	};
}

/** What the compute service wants of the host. What it never called for is not to be there. */
export function goalOf(server: ServerRow): SandboxGoal {
	const { goal } = server;
	return goal === 'Running' || goal === 'Stopped' || goal === 'Paused' ? goal : 'Deleted';
}

/**
 * Writes a call; answers its id. A call that is repeated while it is carried out is that same one. The one before it is
 * overtaken.
 */
export async function writeCall(tx: StoreTransaction, server: ServerRow, kind: CallKind, args: OperationArgs): Promise<string> {
	if (server.call_id !== null && server.call_kind === kind) return server.call_id;
	const id = newId();
	await updateServer(tx, server.sandbox_id, {
		goal: goals[kind],
		call_id: id,
		call_kind: kind,
		call_args: JSON.stringify(args),
		call_started_at: null,
		call_error: null,
	});
	return id;
}

/** Of the columns of a call: there is none. */
export const noCall = { call_id: null, call_kind: null, call_args: null, call_started_at: null } as const;
