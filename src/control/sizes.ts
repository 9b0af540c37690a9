import { capsuleSize } from '../model/capsule.ts';
import type { Queryable } from '../store/store.ts';

/**
 * What a sandbox claims: its own limits where it has them, else what its containers may use together (init containers
 * run one at a time, before the others). Disk is the sandbox's own and its containers' on top.
 */
export async function sandboxSize(db: Queryable, sandboxId: string): Promise<{ cpu: number; memoryMib: number; diskGib: number }> {
	const sandbox = await db.selectFrom('sandbox').select(['cpu', 'memory', 'disk']).where('id', '=', sandboxId).executeTakeFirst();
	const containers = await db
		.selectFrom('container')
		.select(['kind', 'cpu', 'memory', 'disk'])
		.where('sandbox_id', '=', sandboxId)
		.execute();
	const together = capsuleSize(
		containers.filter(({ kind }) => kind === 'capsule_init'),
		containers.filter(({ kind }) => kind !== 'capsule_init'),
	);
	return {
		cpu: sandbox?.cpu ?? together.cpu,
		memoryMib: sandbox?.memory ?? together.memory,
		diskGib: containers.reduce((total, { disk }) => total + (disk ?? 0), sandbox?.disk ?? 0),
	};
}
