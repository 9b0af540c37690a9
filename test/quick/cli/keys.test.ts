import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { Secrets } from '../../../src/store/secrets.ts';
import { Store } from '../../../src/store/store.ts';
import { resetAdministrator, rotateKeys } from '../../../src/wiring/maintenance.ts';
import { holdAlone } from '../../../src/wiring/single-instance.ts';

test('keys are rotated while the service is away, and what was sealed opens with the new key', async (t) => {
	const folder = await mkdtemp(path.join(os.tmpdir(), 'zunbox-keys-'));
	t.after(() => rm(folder, { recursive: true }));
	const keys = path.join(folder, 'keys');
	const before = await Secrets.open(keys);
	const store = await Store.open({ path: path.join(folder, 'zunbox.db') });
	await store.transaction((tx) =>
		tx
			.insertInto('registry')
			.values({
				id: 'r1',
				name: null,
				project_id: 'p',
				user_id: 'u',
				domain: 'reg.example',
				username: 'x',
				password: before.seal('secret', 'r1'),
				created_at: 0,
				updated_at: 0,
			})
			.execute(),
	);
	await store.close();

	const release = await holdAlone(folder);
	await assert.rejects(rotateKeys(folder), /another zunbox service uses the data folder/);
	await assert.rejects(resetAdministrator(folder), /another zunbox service uses the data folder/);
	await release();
	assert.equal(await rotateKeys(folder), 1);
	assert.equal((await readdir(keys)).filter((name) => name.endsWith('.key')).length, 2);

	const after = await Secrets.open(keys);
	const again = await Store.open({ path: path.join(folder, 'zunbox.db') });
	const row = await again.db.selectFrom('registry').select('password').executeTakeFirstOrThrow();
	await again.close();
	assert.ok(after.isCurrent(row.password));
	assert.equal(after.unseal(row.password, 'r1'), 'secret');
});
