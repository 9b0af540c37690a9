import { isSealed, type Secrets } from './secrets.ts';
import type { Store } from './store.ts';

/**
 * Seals every secret in the database with the newest key, row by row, so that a crash loses nothing and the next run
 * goes on. Returns how many were sealed anew.
 */
export async function resealSecrets(store: Store, secrets: Secrets): Promise<number> {
	let count = 0;
	for (const { id } of await store.db.selectFrom('registry').select('id').execute()) {
		count += await store.transaction(async (tx) => {
			const row = await tx.selectFrom('registry').select('password').where('id', '=', id).executeTakeFirst();
			if (row === undefined || !isOld(row.password, secrets)) return 0;
			await tx
				.updateTable('registry')
				.set({ password: anew(row.password, id, secrets) })
				.where('id', '=', id)
				.execute();
			return 1;
		});
	}
	for (const { id } of await store.db.selectFrom('volume').select('id').where('contents', 'is not', null).execute()) {
		count += await store.transaction(async (tx) => {
			const row = await tx.selectFrom('volume').select('contents').where('id', '=', id).executeTakeFirst();
			const contents = row?.contents ?? null;
			if (contents === null || !isOld(contents, secrets)) return 0;
			await tx
				.updateTable('volume')
				.set({ contents: anew(contents, id, secrets) })
				.where('id', '=', id)
				.execute();
			return 1;
		});
	}
	for (const { sandbox_id } of await store.db.selectFrom('server').select('sandbox_id').where('delegation', 'is not', null).execute()) {
		count += await store.transaction(async (tx) => {
			const row = await tx.selectFrom('server').select('delegation').where('sandbox_id', '=', sandbox_id).executeTakeFirst();
			const delegation = row?.delegation ?? null;
			if (delegation === null || !isOld(delegation, secrets)) return 0;
			await tx
				.updateTable('server')
				.set({ delegation: anew(delegation, sandbox_id, secrets) })
				.where('sandbox_id', '=', sandbox_id)
				.execute();
			return 1;
		});
	}
	return count;
}

function isOld(text: string, secrets: Secrets): boolean {
	return isSealed(text) && !secrets.isCurrent(text);
}

function anew(sealed: string, rowId: string, secrets: Secrets): string {
	return secrets.seal(secrets.unseal(sealed, rowId), rowId);
}
