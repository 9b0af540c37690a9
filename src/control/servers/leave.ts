import { containersOf } from '../../store/containers.ts';
import { type SandboxRow, touchSandbox, updateSandbox } from '../../store/sandboxes.ts';
import { giveServerWork, serverPorts, serverRow, updateServer, updateServerPort } from '../../store/servers.ts';
import type { StoreTransaction } from '../../store/store.ts';
import { dropContainer } from '../deletion.ts';
import type { Deps } from '../deps.ts';
import { noCall } from './call.ts';
import { noHost } from './server-placement.ts';

/**
 * Nothing of a server's sandbox is on its host any more, or nothing can be expected of that host. What else there is of
 * it is the provisioner's to take care of. Answers false for a sandbox that is no server.
 */
export async function leftHost(deps: Deps, tx: StoreTransaction, sandbox: SandboxRow): Promise<boolean> {
	if (deps.compute === undefined || (await serverRow(tx, sandbox.id)) === undefined) return false;
	await updateServer(tx, sandbox.id, { goal: null, ready: 0, ...noCall });
	await giveServerWork(tx, sandbox.id);
	for (const port of await serverPorts(tx, sandbox.id)) await updateServerPort(tx, port, { binding: null, active: 0 });
	await updateSandbox(tx, sandbox.id, { host: null }, deps.now());
	if (sandbox.desired_status !== 'Deleted') {
		for (const container of await containersOf(tx, sandbox.id)) {
			if (container.desired_status === 'Deleted') await dropContainer(deps, tx, container);
		}
	}
	await tx.updateTable('claim').set({ host: noHost }).where('sandbox_id', '=', sandbox.id).execute();
	await touchSandbox(tx, sandbox.id);
	return true;
}
