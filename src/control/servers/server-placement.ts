import { containersOf } from '../../store/containers.ts';
import { serverRow } from '../../store/servers.ts';
import type { Queryable, StoreTransaction } from '../../store/store.ts';
import type { Placement, PlacementRequest, PlacementResult } from '../placement.ts';

/**
 * For sandboxes that a compute service places. The claim counts for the project's quota from the beginning, and for a
 * host when that is known. A server's flavor bounds all that is in it together, so its containers may have more between
 * them; only what can never fit is refused.
 */
export class ServerPlacement implements Placement {
	async place(tx: StoreTransaction, request: PlacementRequest): Promise<PlacementResult> {
		await tx
			.insertInto('claim')
			.values({
				sandbox_id: request.sandboxId,
				host: noHost,
				project_id: request.projectId,
				cpu: request.cpu,
				memory_mib: request.memoryMib,
				disk_gib: request.diskGib,
			})
			.execute();
		return { host: null, reason: null };
	}

	async resize(
		tx: StoreTransaction,
		sandboxId: string,
		size: { readonly cpu: number; readonly memoryMib: number; readonly diskGib: number },
	): Promise<boolean> {
		const server = await serverRow(tx, sandboxId);
		if (server === undefined) return true;
		const sandbox = await tx.selectFrom('sandbox').select(['cpu', 'memory', 'disk']).where('id', '=', sandboxId).executeTakeFirst();
		const all = [...(sandbox === undefined ? [] : [sandbox]), ...(await containersOf(tx, sandboxId))];
		const fits = all.every(
			({ cpu, memory, disk }) =>
				(cpu ?? 0) <= server.vcpus + 1e-9 && (memory ?? 0) <= server.memory_mib && (disk ?? 0) <= Math.max(1, server.disk_gib),
		);
		if (!fits) return false;
		await tx
			.updateTable('claim')
			.set({ cpu: size.cpu, memory_mib: size.memoryMib, disk_gib: size.diskGib })
			.where('sandbox_id', '=', sandboxId)
			.execute();
		return true;
	}

	/** What a host has is the compute service's to count. */
	async hasRoom(_db: Queryable): Promise<boolean> {
		return true;
	}

	async release(tx: StoreTransaction, sandboxId: string): Promise<void> {
		await tx.deleteFrom('claim').where('sandbox_id', '=', sandboxId).execute();
	}
}

/** Host of a claim whose host is not known yet. */
export const noHost = '';
