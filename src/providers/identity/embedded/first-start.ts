import { failPoint } from '../../../faults/fail-point.ts';
import { randomSecret } from '../../../model/ids.ts';
import type { Store, StoreTransaction } from '../../../store/store.ts';
import { insertAssignment } from './assignments.ts';
import { change, type IdentityContext, newIdentityId } from './context.ts';
import { readCredentials, writeCredentials } from './credentials-files.ts';
import { insertProject } from './projects.ts';
import { insertUser } from './users.ts';

const name = 'admin';
/** In `meta`: the credentials files were written, and the password in them is the users' own affair from then on. */
const doneKey = 'first_administrator';

/**
 * The password exists only in this process until it is in the files. So a crash before `doneKey` is set means that it
 * may be lost, and the next start chooses a new one.
 */
export async function ensureFirstAdministrator(context: IdentityContext, directory: string, authUrl: string): Promise<boolean> {
	const done = await context.store.db.selectFrom('meta').select('value').where('key', '=', doneKey).executeTakeFirst();
	if (done !== undefined) {
		await followAuthUrl(directory, authUrl);
		return false;
	}
	const password = randomSecret(24);
	const hash = await context.hasher.hash(password);
	await change(context, (tx) => ensureAdmin(tx, context, hash));
	failPoint('identity.first-start.user-made');
	await writeCredentials(directory, { authUrl, username: name, password, projectName: name });
	failPoint('identity.first-start.files-written');
	await context.store.transaction((tx) =>
		tx
			.insertInto('meta')
			.values({ key: doneKey, value: 'done' })
			.onConflict((conflict) => conflict.doNothing())
			.execute(),
	);
	return true;
}

/** For whoever lost the password: the next start makes a new one, as the first did. Everything else stays. */
export async function forgetFirstAdministrator(store: Store): Promise<void> {
	await store.transaction((tx) => tx.deleteFrom('meta').where('key', '=', doneKey).execute());
}

async function ensureAdmin(tx: StoreTransaction, context: IdentityContext, hash: string): Promise<void> {
	const createdAt = context.now();
	let project = await tx.selectFrom('project').select('id').where('name', '=', name).executeTakeFirst();
	if (project === undefined) {
		const made = { id: newIdentityId(), name, description: 'Administration of the service', enabled: true, createdAt };
		await insertProject(tx, made);
		project = made;
	} else {
		await tx.updateTable('project').set({ enabled: 1 }).where('id', '=', project.id).execute();
	}
	let user = await tx.selectFrom('user').select('id').where('name', '=', name).executeTakeFirst();
	if (user === undefined) {
		const description = 'Made at the first start';
		user = await insertUser(tx, {
			id: newIdentityId(),
			name,
			description,
			email: null,
			enabled: true,
			defaultProjectId: project.id,
			createdAt,
			hash,
		});
	} else {
		await tx.updateTable('user').set({ password_hash: hash, enabled: 1 }).where('id', '=', user.id).execute();
		await tx.deleteFrom('token').where('user_id', '=', user.id).execute();
	}
	await insertAssignment(tx, { userId: user.id, projectId: project.id, role: 'admin' });
}

/** The service may be reached elsewhere than before: the files follow. Files that somebody removed stay away. */
async function followAuthUrl(directory: string, authUrl: string): Promise<void> {
	const written = await readCredentials(directory);
	if (written !== null && written.authUrl !== authUrl) await writeCredentials(directory, { ...written, authUrl });
}
