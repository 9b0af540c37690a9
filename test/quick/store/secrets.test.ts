import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { resealSecrets } from '../../../src/store/reseal.ts';
import { isSealed, Secrets } from '../../../src/store/secrets.ts';
import { Store } from '../../../src/store/store.ts';

async function folder(t: TestContext): Promise<string> {
	const made = await mkdtemp(path.join(os.tmpdir(), 'zunbox-secrets-'));
	t.after(() => rm(made, { recursive: true }));
	return path.join(made, 'keys');
}

describe('secrets at rest', () => {
	test('any text comes back for its row, and for no other', async (t) => {
		const secrets = await Secrets.open(await folder(t));
		fc.assert(
			fc.property(fc.string({ unit: 'grapheme' }), fc.uuid(), fc.uuid(), (text, row, other) => {
				const sealed = secrets.seal(text, row);
				assert.ok(isSealed(sealed));
				assert.equal(secrets.unseal(sealed, row), text);
				if (row !== other) assert.throws(() => secrets.unseal(sealed, other), /belongs to another row/);
			}),
		);
	});

	test('one secret sealed twice looks different, and neither shows it', async (t) => {
		const secrets = await Secrets.open(await folder(t));
		const sealed = [secrets.seal('hunter2', 'row'), secrets.seal('hunter2', 'row')];
		assert.notEqual(sealed[0], sealed[1]);
		for (const text of sealed) assert.ok(!Buffer.from(text.split('.')[2] ?? '', 'base64url').includes('hunter2'));
	});

	test('a changed byte, anything cut off and plain text are refused', async (t) => {
		const secrets = await Secrets.open(await folder(t));
		const sealed = secrets.seal('hunter2', 'row');
		const [prefix, key, body = ''] = sealed.split('.');
		const bytes = Buffer.from(body, 'base64url');
		for (let index = 0; index < bytes.length; index++) {
			const changed = Buffer.from(bytes);
			changed[index] = (changed[index] ?? 0) ^ 1;
			assert.throws(() => secrets.unseal(`${prefix}.${key}.${changed.toString('base64url')}`, 'row'), /was changed/);
		}
		assert.throws(() => secrets.unseal(`${prefix}.${key}.${bytes.subarray(0, 20).toString('base64url')}`, 'row'), /cut short/);
		assert.throws(() => secrets.unseal('hunter2', 'row'), /not in the form/);
		assert.equal(isSealed('hunter2'), false);
	});

	test('the key is a file for its owner alone, and outlives the process', async (t) => {
		const directory = await folder(t);
		const sealed = (await Secrets.open(directory)).seal('hunter2', 'row');
		const [name = '', ...others] = await readdir(directory);
		assert.deepEqual(others, []);
		assert.equal((await stat(directory)).mode & 0o777, 0o700);
		assert.equal((await stat(path.join(directory, name))).mode & 0o777, 0o600);
		assert.equal((await Secrets.open(directory)).unseal(sealed, 'row'), 'hunter2');
	});

	test('without its key a secret stays shut, and the message says which key and where', async (t) => {
		const sealed = (await Secrets.open(await folder(t))).seal('hunter2', 'row');
		const directory = await folder(t);
		const other = await Secrets.open(directory);
		assert.throws(() => other.unseal(sealed, 'row'), new RegExp(`key ${sealed.split('.')[1]} .* not in ${directory}`));
	});

	test('a damaged key file ends the start', async (t) => {
		const directory = await folder(t);
		await Secrets.open(directory);
		const [name = ''] = await readdir(directory);
		const content = await readFile(path.join(directory, name), 'utf8');
		await writeFile(path.join(directory, name), content.replace(/^./, content.startsWith('0') ? '1' : '0'));
		await assert.rejects(Secrets.open(directory), /is damaged/);
	});

	test('after a rotation the new key seals, the old one still opens, also after a restart', async (t) => {
		const directory = await folder(t);
		const secrets = await Secrets.open(directory);
		const old = secrets.seal('old', 'row');
		await secrets.rotate();
		const reopened = await Secrets.open(directory);
		for (const each of [secrets, reopened]) {
			assert.equal(each.isCurrent(old), false);
			assert.equal(each.unseal(old, 'row'), 'old');
			assert.equal(each.isCurrent(each.seal('new', 'row')), true);
		}
		assert.equal(secrets.seal('x', 'row').split('.')[1], reopened.seal('x', 'row').split('.')[1]);
	});

	test('resealing takes every secret of the database to the newest key, so that the old one can go', async (t) => {
		const directory = await folder(t);
		const secrets = await Secrets.open(directory);
		const store = await Store.open({ path: ':memory:' });
		t.after(() => store.close());
		const owned = { project_id: 'p', user_id: 'u', created_at: 0, updated_at: 0 };
		await store.transaction(async (tx) => {
			for (const id of ['r1', 'r2']) {
				const registry = { ...owned, id, name: null, domain: 'd', username: 'n', password: secrets.seal(`password of ${id}`, id) };
				await tx.insertInto('registry').values(registry).execute();
			}
			const volume = {
				...owned,
				name: '',
				provider: 'file',
				size: 0,
				status: 'available',
				status_reason: null,
				host: null,
				auto_remove: 1,
			};
			await tx
				.insertInto('volume')
				.values({ ...volume, id: 'v1', contents: secrets.seal('file', 'v1') })
				.execute();
			await tx
				.insertInto('volume')
				.values({ ...volume, id: 'v2', contents: null })
				.execute();
		});
		const [oldKey = ''] = await readdir(directory);
		await secrets.rotate();
		assert.equal(await resealSecrets(store, secrets), 3);
		assert.equal(await resealSecrets(store, secrets), 0);
		await rm(path.join(directory, oldKey));
		const after = await Secrets.open(directory);
		for (const { id, password } of await store.db.selectFrom('registry').selectAll().execute()) {
			assert.equal(after.unseal(password, id), `password of ${id}`);
		}
		const volume = await store.db.selectFrom('volume').selectAll().where('id', '=', 'v1').executeTakeFirstOrThrow();
		assert.equal(after.unseal(volume.contents ?? '', 'v1'), 'file');
		await after.rotate();
		const last = (await Secrets.open(directory)).seal('x', 'row');
		assert.equal(after.isCurrent(last), true, 'the newest key is known as such when older ones are gone');
	});
});
