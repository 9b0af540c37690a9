import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { ReadCache } from '../../../src/control/read-cache.ts';
import { upToDate } from '../../../src/control/views.ts';
import { Store } from '../../../src/store/store.ts';
import { hostFacts, principal, startControl } from '../../support/control.ts';

/** A cache over a version that the test moves, and a read that counts itself. */
function counted(capacity = 100) {
	const state = { version: 'a', reads: 0 };
	const cache = new ReadCache<readonly number[]>({ version: () => state.version, weigh: (value) => value.length, capacity });
	const read = async (): Promise<readonly number[]> => {
		state.reads += 1;
		return [state.reads];
	};
	return { state, cache, read };
}

describe('reads that are kept', () => {
	test('until something is committed, and each under its own key', async () => {
		const { state, cache, read } = counted();
		assert.deepEqual(await cache.get('x', read), [1]);
		assert.deepEqual(await cache.get('x', read), [1]);
		assert.deepEqual(await cache.get('y', read), [2]);
		state.version = 'b';
		assert.deepEqual(await cache.get('x', read), [3]);
	});

	test('a read that began before a commit is not kept beyond it', async () => {
		const { state, cache } = counted();
		const { promise, resolve } = Promise.withResolvers<readonly number[]>();
		const slow = cache.get('x', () => promise);
		state.version = 'b';
		assert.deepEqual(await cache.get('x', async () => [2]), [2]);
		resolve([1]);
		assert.deepEqual(await slow, [1]);
		assert.deepEqual(await cache.get('x', async () => [3]), [2]);
	});

	test('what is let go is read anew, and a read that was under way then is not kept', async () => {
		const { cache, read } = counted();
		const { promise, resolve } = Promise.withResolvers<readonly number[]>();
		assert.deepEqual(await cache.get('x', read), [1]);
		const slow = cache.get('y', () => promise);
		cache.clear();
		resolve([7]);
		assert.deepEqual(await slow, [7]);
		assert.deepEqual(await cache.get('x', read), [2]);
		assert.deepEqual(await cache.get('y', read), [3]);
	});

	test('reads at once are one; one that fails is not kept', async () => {
		const { state, cache, read } = counted();
		await Promise.all([cache.get('x', read), cache.get('x', read)]);
		assert.equal(state.reads, 1);
		await assert.rejects(
			cache.get('z', () => Promise.reject(new Error('away'))),
			/away/,
		);
		assert.deepEqual(await cache.get('z', read), [2]);
	});

	test('never more than the capacity', async () => {
		const { state, cache } = counted(10);
		const wide = async (): Promise<readonly number[]> => {
			state.reads += 1;
			return [1, 2, 3, 4, 5, 6];
		};
		await cache.get('x', wide);
		await cache.get('y', wide);
		await cache.get('x', wide);
		assert.equal(state.reads, 3);
	});

	test('what changes with time alone is brought up to date, and the very same answer stays while it does not', async () => {
		const { cache, read } = counted();
		const first = await cache.get('x', read);
		assert.equal(await cache.get('x', read, (value) => value), first);
		const fresh = await cache.get('x', read, () => [9]);
		assert.equal(await cache.get('x', read), fresh);
		assert.deepEqual(upToDate([], 0), []);
	});
});

describe('the version of the store', () => {
	async function file(t: TestContext): Promise<string> {
		const folder = await mkdtemp(path.join(os.tmpdir(), 'zunbox-version-'));
		t.after(() => rm(folder, { recursive: true }));
		return path.join(folder, 'zunbox.db');
	}
	const write = (store: Store, value: string): Promise<unknown> =>
		store.transaction((tx) =>
			tx
				.insertInto('meta')
				.values({ key: `test-${value}`, value })
				.execute(),
		);

	for (const where of ['in memory', 'in a file']) {
		test(`stands while nothing is committed and never comes back: ${where}`, async (t) => {
			const store = await Store.open({ path: where === 'in memory' ? ':memory:' : await file(t) });
			t.after(() => store.close());
			const seen = [store.version()];
			assert.equal(store.version(), seen[0]);
			for (const value of ['1', '2', '3']) {
				await write(store, value);
				assert.ok(!seen.includes(store.version()));
				seen.push(store.version());
				assert.equal(store.version(), seen.at(-1));
			}
		});
	}

	test('changes with a commit of another process over the same file', async (t) => {
		const name = await file(t);
		const store = await Store.open({ path: name });
		t.after(() => store.close());
		const other = await Store.open({ path: name });
		t.after(() => other.close());
		const before = store.version();
		await write(other, '1');
		assert.notEqual(store.version(), before);
	});
});

describe('what a user sees', () => {
	test('a change is in the very next read, by the one who made it and by others', { timeout: 30_000 }, async (t) => {
		const { service, link, close } = await startControl();
		t.after(close);
		await link.register(hostFacts('host-1'));
		const mine = principal('one');
		const made = await service.sandboxes.create(mine, { name: 'first' });
		for (const name of ['second', 'third']) {
			assert.equal((await service.sandboxes.show(mine, made.id)).id, made.id);
			await service.sandboxes.update(mine, made.id, { name });
			assert.equal((await service.sandboxes.show(mine, made.id)).name, name);
			assert.equal((await service.sandboxes.show(principal('two', ['admin']), made.id)).name, name);
		}
		await assert.rejects(service.sandboxes.show(principal('two'), made.id), { code: 'sandbox-not-found' });
	});
});
