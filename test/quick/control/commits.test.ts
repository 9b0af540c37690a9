import assert from 'node:assert/strict';
import os from 'node:os';
import { type TestContext, test } from 'node:test';
import { DriverAgentLink } from '../../../src/agent/agent-link.ts';
import { Images } from '../../../src/control/images.ts';
import { DriverError } from '../../../src/drivers/driver.ts';
import { createDriver, FakeEngine, makeBusyboxImage } from '../../../src/drivers/fake/index.ts';
import { ZunboxError } from '../../../src/model/errors.ts';
import { hostFacts, principal, startControl } from '../../support/control.ts';
import { eventually } from '../../support/eventually.ts';
import { ModelHost } from '../../support/model-host.ts';

const never = new AbortController().signal;
const me = principal('p1');

function code(expected: string) {
	return (error: unknown) => error instanceof ZunboxError && error.code === expected;
}

/** A control whose host answers what it is asked with a made-up engine: a commit makes an image there. */
async function start(t: TestContext, maxCommits = 50) {
	const control = await startControl();
	Object.assign(control.deps.options, { maxCommits });
	await control.link.register(hostFacts('h1'));
	const engine = new FakeEngine();
	const driver = await createDriver({ owner: 'test', stateDirectory: os.tmpdir(), settings: { engine } });
	t.after(async () => {
		await control.close();
		await driver.close();
	});
	const agent = new DriverAgentLink(driver);
	const connect = () => control.bus.connect('h1', agent);
	let made = 0;
	let failure: DriverError | null = null;
	agent.commit = async (_id, repository, tag) => {
		if (failure !== null) throw failure;
		made += 1;
		const image = makeBusyboxImage(`made-${made}`);
		engine.images.add(image, [`${repository}:${tag}`]);
		return image.id;
	};
	connect();
	const container = await control.service.containers.create(me, { image: 'busybox', run: true });
	await new ModelHost(control.link, 'h1').settle();
	const commit = (repository: string, tag = '1') => control.service.containers.commit(me, container.id, repository, tag, never);
	const images = new Images(control.deps);
	const failWith = (error: DriverError | null) => {
		failure = error;
	};
	return { ...control, engine, commit, images, commits: images.commits, failWith };
}

test('a project sees the images that it made, and can be rid of them', async (t) => {
	const { commit, commits, engine } = await start(t);
	await commit('app');
	await commit('team/tool', '2');
	const listed = await commits.list(me);
	assert.deepEqual(listed.map(({ image }) => image).sort(), ['docker.io/library/app:1', 'docker.io/team/tool:2']);
	assert.deepEqual(await commits.list(principal('p2')), []);
	const id = listed.find(({ image }) => image.includes('app'))?.id ?? '';
	await assert.rejects(commits.delete(principal('p2'), id, never), code('resource-not-found'));
	assert.ok(engine.images.find('zunbox.local/p1/app:1'));
	await commits.delete(me, id, never);
	assert.equal(engine.images.find('zunbox.local/p1/app:1'), null);
	assert.equal((await commits.list(me)).length, 1);
	await assert.rejects(commits.delete(me, id, never), code('resource-not-found'));
});

test('a project has a number of them; another one under an old name takes the old one’s place', async (t) => {
	const { commit, commits, engine } = await start(t, 2);
	const first = await commit('a');
	await commit('b');
	await assert.rejects(commit('c'), code('over-quota'));
	assert.equal(engine.images.find('zunbox.local/p1/c:1'), null);
	const second = await commit('a');
	assert.notEqual(second, first);
	assert.equal(engine.images.find(first), null);
	assert.equal((await commits.list(me)).length, 2);
});

test('what was made is known where its push failed, and what was not made is not', async (t) => {
	const { commit, commits, engine, failWith } = await start(t);
	engine.registry.down = true;
	await assert.rejects(commit('registry.example/app'), /registry/);
	assert.deepEqual(
		(await commits.list(me)).map(({ image }) => image),
		['registry.example/app:1'],
	);
	failWith(new DriverError('failed', 'no room'));
	await assert.rejects(commit('other'), /no room/);
	assert.equal((await commits.list(me)).length, 1);
});

test('names that pushes of an earlier run left are taken away, unless they stand for something else by now', async (t) => {
	const { store, engine, images } = await start(t);
	const names = ['registry.example/left:1', 'registry.example/taken:1'] as const;
	for (const [index, reference] of names.entries()) {
		const engineReference = `zunbox.local/p1/${reference}`;
		engine.images.add(makeBusyboxImage(`left-${index}`), [reference, engineReference]);
		await store.transaction(async (tx) => {
			const row = { project_id: 'p1', reference, host: 'h1', engine_reference: engineReference, created_at: 0 };
			await tx.insertInto('committed_image').values(row).execute();
			await tx.insertInto('private_image').values({ reference, project_id: 'push:p1' }).execute();
		});
	}
	engine.images.add(makeBusyboxImage('pulled since'), [names[1]]);
	await images.start();
	t.after(() => images.stop());
	await eventually('no mark is left', async () => (await store.db.selectFrom('private_image').selectAll().execute()).length === 0);
	assert.equal(engine.images.find(names[0]), null);
	assert.ok(engine.images.find(`zunbox.local/p1/${names[0]}`));
	assert.ok(engine.images.find(names[1]));
});
