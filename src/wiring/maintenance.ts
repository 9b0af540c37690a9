import path from 'node:path';
import { forgetFirstAdministrator } from '../providers/identity/embedded/first-start.ts';
import { resealSecrets } from '../store/reseal.ts';
import { Secrets } from '../store/secrets.ts';
import { Store } from '../store/store.ts';
import { holdAlone } from './single-instance.ts';

/** Makes a new key and seals every secret with it; answers how many. Older keys stay, for backups. The service must not run. */
export async function rotateKeys(dataDirectory: string): Promise<number> {
	return await withStore(dataDirectory, async (store) => {
		const secrets = await Secrets.open(path.join(dataDirectory, 'keys'));
		await secrets.rotate();
		return await resealSecrets(store, secrets);
	});
}

/** The next start gives the user `admin` a new password and writes the credentials anew. The service must not run. */
export async function resetAdministrator(dataDirectory: string): Promise<void> {
	await withStore(dataDirectory, forgetFirstAdministrator);
}

async function withStore<T>(dataDirectory: string, work: (store: Store) => Promise<T>): Promise<T> {
	const release = await holdAlone(dataDirectory);
	try {
		const store = await Store.open({ path: path.join(dataDirectory, 'zunbox.db') });
		try {
			return await work(store);
		} finally {
			await store.close();
		}
	} finally {
		await release();
	}
}
