import type { Queryable } from '../store/store.ts';

/**
 * What a sandbox claims: its own limits where it has them, else what its containers may use together. Disk is the
 * sandbox's own and its containers' on top.
 */
export async function sandboxSize(db: Queryable, sandboxId: string): Promise<{ cpu: number; memoryMib: number; diskGib: number }> {
	const sandbox = await db.selectFrom('sandbox').select(['cpu', 'memory', 'disk']).where('id', '=', sandboxId).executeTakeFirst();
	const containers = await db
		.selectFrom('container')
		.select((eb) => [
			eb.fn.sum<number | null>('cpu').as('cpu'),
			eb.fn.sum<number | null>('memory').as('memory'),
			eb.fn.sum<number | null>('disk').as('disk'),
		])
		.where('sandbox_id', '=', sandboxId)
		.executeTakeFirst();
	return {
		cpu: sandbox?.cpu ?? containers?.cpu ?? 0,
		memoryMib: sandbox?.memory ?? containers?.memory ?? 0,
		diskGib: (sandbox?.disk ?? 0) + (containers?.disk ?? 0),
	};
}
