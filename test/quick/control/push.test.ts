import assert from 'node:assert/strict';
import os from 'node:os';
import { type TestContext, test } from 'node:test';
import { fullReference } from '../../../src/control/project-images.ts';
import { pushAs } from '../../../src/control/push.ts';
import { createDriver, FakeEngine, makeBusyboxImage } from '../../../src/drivers/fake/index.ts';
import { ZunboxError } from '../../../src/model/errors.ts';
import { Store } from '../../../src/store/store.ts';

const never = new AbortController().signal;
const reference = 'registry.example/app:1';

async function world(t: TestContext) {
	const engine = new FakeEngine();
	const driver = await createDriver({ owner: 'test', stateDirectory: os.tmpdir(), settings: { engine } });
	const store = await Store.open({ path: ':memory:' });
	t.after(async () => {
		await store.close();
		await driver.close();
	});
	engine.images.add(makeBusyboxImage('mine'), ['zunbox.local/p1/app:1']);
	const push = (projectId: string) =>
		pushAs(store, driver.images, { projectId, image: 'zunbox.local/p1/app:1', reference, auth: null }, never);
	const marks = async () => (await store.db.selectFrom('private_image').selectAll().execute()).map((row) => row.project_id);
	return { engine, store, push, marks };
}

const conflict = (error: unknown): boolean => error instanceof ZunboxError && error.code === 'conflict';

test('a pushed image has the name in the engine only meanwhile', async (t) => {
	const { engine, push, marks } = await world(t);
	await push('p1');
	assert.ok(engine.registry.has(reference));
	assert.equal(engine.images.find(reference), null);
	assert.ok(engine.images.find('zunbox.local/p1/app:1'));
	assert.deepEqual(await marks(), []);
});

test('a name that stands for another image is neither taken nor lost', async (t) => {
	const { engine, push } = await world(t);
	const theirs = makeBusyboxImage('theirs');
	engine.images.add(theirs, [reference]);
	await assert.rejects(push('p1'), conflict);
	assert.equal(engine.images.find(reference)?.id, theirs.id);
	assert.equal(engine.registry.has(reference), false);
});

test('what a push that was cut off left is nobody’s until its project pushes again', async (t) => {
	const { engine, store, push, marks } = await world(t);
	engine.registry.down = true;
	await assert.rejects(push('p1'), /./);
	assert.equal(engine.images.find(reference), null);
	assert.deepEqual(await marks(), []);
	engine.registry.down = false;
	// As after a crash: the name stands, and the note of whose it is.
	engine.images.add(makeBusyboxImage('old'), [reference]);
	const left = { reference: fullReference(reference), project_id: 'push:p1' };
	await store.transaction(async (tx) => {
		await tx.insertInto('private_image').values(left).execute();
	});
	await assert.rejects(push('p2'), conflict);
	await push('p1');
	assert.equal(engine.images.find(reference), null);
	assert.deepEqual(await marks(), []);
});
