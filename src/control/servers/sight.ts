import { networkOperationKinds, type Operation } from '../../model/operation.ts';
import { openOperations } from '../../store/operations.ts';
import { type SandboxRow, sandboxRow } from '../../store/sandboxes.ts';
import {
	type ServerGroupRow,
	type ServerPortRow,
	type ServerRow,
	type ServerVolumeSight,
	serverGroups,
	serverPorts,
	serverRow,
	serverVolumes,
} from '../../store/servers.ts';
import type { Queryable } from '../../store/store.ts';

/** All that the provisioner decides from about one sandbox. */
export interface ServerSight {
	readonly sandbox: SandboxRow;
	readonly server: ServerRow;
	readonly ports: readonly ServerPortRow[];
	readonly groups: readonly ServerGroupRow[];
	readonly volumes: readonly ServerVolumeSight[];
	/** The first unfinished operation of the sandbox itself that is not of its networks; null = none. */
	readonly operation: Operation | null;
	/** Unfinished operations on its networks. */
	readonly networkOperations: readonly Operation[];
}

/** The provisioner carries them out: agents are not told of them. */
const networkKinds: ReadonlySet<string> = new Set(networkOperationKinds);

export function isNetworkOperation(operation: { readonly kind: string }): boolean {
	return networkKinds.has(operation.kind);
}

/** null = the sandbox is gone, or is no server. */
export async function serverSight(db: Queryable, sandboxId: string): Promise<ServerSight | null> {
	const sandbox = await sandboxRow(db, sandboxId);
	const server = await serverRow(db, sandboxId);
	if (sandbox === undefined || server === undefined) return null;
	const open = await openOperations(db, sandboxId);
	return {
		sandbox,
		server,
		ports: await serverPorts(db, sandboxId),
		groups: await serverGroups(db, sandboxId),
		volumes: await serverVolumes(db, sandboxId),
		operation: open.find((operation) => operation.target === 'sandbox' && !isNetworkOperation(operation)) ?? null,
		networkOperations: open.filter(isNetworkOperation),
	};
}
