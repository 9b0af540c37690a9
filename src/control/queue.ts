import { fail } from '../model/errors.ts';
import { countOpen } from '../store/operations.ts';
import type { StoreTransaction } from '../store/store.ts';

/** Most unfinished operations of one sandbox or container: each look at it reads them all. */
const longestQueue = 32;

/** Throws too-many-requests where so much was asked for already that is not done. A delete is always taken. */
export async function requireRoomInQueue(tx: StoreTransaction, kind: 'sandbox' | 'container', id: string): Promise<void> {
	if ((await countOpen(tx, id)) < longestQueue) return;
	throw fail('too-many-requests', `The limit is ${longestQueue} unfinished operations of one ${kind}: wait until some of ${id} are done.`, {
		headers: { 'retry-after': '1' },
	});
}
