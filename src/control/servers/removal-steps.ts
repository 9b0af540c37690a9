import { failPoint } from '../../faults/fail-point.ts';
import { containersOf } from '../../store/containers.ts';
import { endOperations } from '../../store/operations.ts';
import { sandboxRow, touchSandbox } from '../../store/sandboxes.ts';
import { serverRow, updateServer } from '../../store/servers.ts';
import { changeSandbox } from '../changes.ts';
import { dropSandbox } from '../deletion.ts';
import { noCall } from './call.ts';
import { leftHost } from './leave.ts';
import { ownServers } from './making-steps.ts';
import { done, lookAgain, type StepContext, type StepResult } from './step-context.ts';

/** The server, and whatever else was made for the sandbox by that name. It is known to be gone before this ends. */
export async function removeServer(context: StepContext): Promise<StepResult> {
	const { deps, compute, sight, looks, signal } = context;
	const { server, sandbox } = sight;
	const ids = new Set(server.server_id === null ? [] : [server.server_id]);
	if (server.server_id === null || server.asked > 1) for (const { serverId } of await ownServers(context)) ids.add(serverId);
	if (ids.size === 0 && looks < looksBeforeAbsent) return lookAgain(context);
	let left = 0;
	for (const id of ids) {
		if (looks % looksBeforeRepeat === 0) await compute.provider.remove(id, looks > 0, signal);
		const view = looks === 0 ? undefined : await compute.provider.server(id, signal);
		if (view === undefined || (view !== null && view.state !== 'gone')) left += 1;
	}
	failPoint('control.server.removing');
	if (left > 0) return lookAgain(context);
	await deps.store.transaction((tx) => updateServer(tx, sandbox.id, { state: 'gone', delegation: null }));
	return done;
}

const looksBeforeRepeat = 15;
/** Looks for a server that was asked for and is not found: the request may still be on its way. */
const looksBeforeAbsent = 8;

/** ms between two looks at a host that has still something of it. */
const hostPatience = 5_000;

/**
 * The compute service's own call did not come to the host, as when that was away while the server was deleted: the host
 * is told by us.
 */
export async function leaveHost({ deps, sight }: StepContext): Promise<StepResult> {
	const { sandbox } = sight;
	const wake = await deps.store.transaction(async (tx) => {
		const server = await serverRow(tx, sandbox.id);
		const row = await sandboxRow(tx, sandbox.id);
		if (server === undefined || row === undefined || row.host === null) return null;
		const host = await tx.selectFrom('host').select('forced_down').where('hostname', '=', row.host).executeTakeFirst();
		if (host === undefined || host.forced_down === 1) {
			await leftHost(deps, tx, row);
			return null;
		}
		if (server.goal !== 'Deleted') {
			await updateServer(tx, sandbox.id, { goal: 'Deleted', ...noCall });
			await touchSandbox(tx, sandbox.id);
		}
		return row.host;
	});
	if (wake === null) return done;
	deps.bus.wake(wake, sandbox.id);
	return hostPatience;
}

/** Nothing is left of it: its row goes, or it stays in Error and holds nothing. */
export async function finish({ deps, sight }: StepContext): Promise<StepResult> {
	await deps.store.transaction(async (tx) => {
		const sandbox = await sandboxRow(tx, sight.sandbox.id);
		if (sandbox === undefined) return;
		if (sandbox.desired_status === 'Deleted') return await dropSandbox(deps, tx, sandbox);
		const reason = sandbox.status_reason ?? 'Its server is gone.';
		for (const { id } of await containersOf(tx, sandbox.id)) await endOperations(tx, id, reason, deps.now());
		await endOperations(tx, sandbox.id, reason, deps.now());
		await deps.network.release(tx, sandbox.id);
		await deps.volumes.release(tx, sandbox.id);
		await tx.deleteFrom('server').where('sandbox_id', '=', sandbox.id).execute();
		await changeSandbox(tx, sandbox, { host: null }, deps.now());
	});
	failPoint('control.server.finished');
	return done;
}
