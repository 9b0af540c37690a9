/** Images of an image service, as control, an agent with the fake driver, and a Glance in memory make them run. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, test } from 'node:test';
import { ImageSearch } from '../../../src/control/image-search.ts';
import { ImageSweep } from '../../../src/control/image-service/sweep.ts';
import { RegistryGuard } from '../../../src/control/registry-guard.ts';
import { type ErrorCode, ZunboxError } from '../../../src/model/errors.ts';
import type { Principal } from '../../../src/model/principal.ts';
import { Secret } from '../../../src/model/secret.ts';
import { eventually } from '../../support/eventually.ts';
import { glanceWorld as world } from '../../support/openstack/glance-world.ts';

const never = new AbortController().signal;

function code(expected: ErrorCode, text = /./) {
	return (error: unknown) => error instanceof ZunboxError && error.code === expected && text.test(error.message);
}

describe('an image of Glance', () => {
	test('is found by id and name, as its user may see it, before anything is written', async (t) => {
		const { create, store, ann, user, control, glance } = await world(t);
		const bob = user('p2');
		const mine = store('web');
		store('tool', { tags: ['2'] });
		store('shared', { owner: 'p3', visibility: 'public' });
		store('shared', { owner: 'p1' });
		store('twice');
		store('twice');
		store('disk', { containerFormat: 'bare' });
		store('empty', { status: 'queued', data: null });
		for (const image of [mine.id, 'web', 'tool:2', 'shared']) assert.equal((await create(ann, image)).image, image);
		await create(bob, 'shared');
		await assert.rejects(create(ann, 'nothing'), code('image-not-found', /could not be found in Glance/));
		await assert.rejects(create(ann, 'tool:3'), code('image-not-found'));
		await assert.rejects(create(ann, randomUUID()), code('image-not-found'));
		await assert.rejects(create(ann, 'twice'), code('conflict', /use the id/));
		await assert.rejects(create(ann, 'disk'), code('image-not-found', /container format bare/));
		await assert.rejects(create(ann, 'empty'), code('image-not-found', /is queued/));
		await assert.rejects(create(ann, 'web', { registry: 'hub' }), code('invalid-value'));
		for (const image of [mine.id, 'web']) await assert.rejects(create(bob, image), code('image-not-found'));
		await assert.rejects(create({ ...ann, token: new Secret('revoked') }, 'web'), code('unauthorized'));
		glance.before = () => ({ status: 500, body: { message: 'broken' } });
		await assert.rejects(create(ann, mine.id), code('service-unavailable', /broken/));
		assert.equal((await control.store.db.selectFrom('container').select('id').execute()).length, 5);
	});

	test('runs; that it is on the host gives it to nobody who may not have it', async (t) => {
		const { run, create, store, ann, user, engine, containers, control } = await world(t);
		const nginx = engine.images.find('zunbox/busybox:latest');
		const { id, image } = store('web');
		const container = await run(ann, 'web');
		assert.deepEqual([container.image, container.imageDriver], ['web', 'glance']);
		const [name] = engine.images.references(engine.images.get(image.id));
		assert.match(name ?? '', new RegExp(`^zunbox\\.local/glance/${id}:[0-9a-f]{12}$`));
		await assert.rejects(create(user('p2'), id), code('image-not-found'));
		for (const imageDriver of ['docker', undefined]) {
			await assert.rejects(create(user('p2'), name ?? '', { imageDriver }), code('image-not-found', /named a|name a/));
		}
		assert.equal(engine.images.find('zunbox/busybox:latest'), nginx);
		await assert.rejects(control.link.image('host-2', id, never), code('image-not-found'));
		await assert.rejects(control.link.image('host-1', randomUUID(), never), code('image-not-found'));
		await containers.delete(ann, container.id, { force: true, stop: false, allProjects: false });
	});

	test('is looked for anew at a rebuild; one that cannot be had leaves the container as it was', async (t) => {
		const { run, store, ann, user, engine, containers, glance } = await world(t);
		const web = store('web');
		const next = store('next');
		const wrong = glance.add({ id: randomUUID(), name: 'wrong', owner: 'p1', data: Buffer.from('no archive '.repeat(100)) });
		const { id } = await run(ann, 'web');
		const rebuilt = async (image: string | null, imageDriver: string | null) => {
			await containers.rebuild(ann, id, { image, imageDriver });
			await eventually('the rebuild has ended', async () => (await containers.operations(ann, id))[0]?.finishedAt !== null);
			return await containers.show(ann, id);
		};
		const imageOf = () => engine.container('test', id).settings.image;
		assert.equal((await rebuilt('next', null)).image, 'next');
		assert.match(imageOf(), new RegExp(next.id));
		const failed = await rebuilt(wrong.id, 'glance');
		assert.deepEqual([failed.image, failed.imageDriver, failed.status], ['next', 'glance', 'Running']);
		assert.match((await containers.operations(ann, id))[0]?.error ?? '', /is no archive|cannot be run/);
		glance.images.delete(next.id);
		await assert.rejects(containers.rebuild(ann, id, { image: null, imageDriver: null }), code('image-not-found'));
		await assert.rejects(containers.rebuild(user('p2'), id, { image: 'web', imageDriver: null }), code('container-not-found'));
		assert.equal((await rebuilt('zunbox/busybox', 'docker')).imageDriver, 'docker');
		assert.equal(imageOf(), 'zunbox/busybox');
		assert.equal((await rebuilt(web.id, 'glance')).image, web.id);
	});

	test('is searched for as its user may see it', async (t) => {
		const { store, ann, user, control } = await world(t);
		const web = store('shop/web', { tags: ['1'] });
		store('other', { owner: 'p2' });
		store('web-disk', { containerFormat: 'bare' });
		const nowhere = { repositories: async () => [] };
		const search = new ImageSearch(control.deps, nowhere, new RegistryGuard([]));
		const names = async (who: Principal, name: string, exact: boolean) =>
			(await search.inService(who, name, exact, never)).map((image) => image.name);
		assert.deepEqual(await names(ann, 'web', false), ['shop/web']);
		assert.deepEqual(await names(ann, 'web', true), []);
		assert.deepEqual(await names(ann, 'shop/web', true), ['shop/web']);
		assert.deepEqual(await names(ann, web.id, false), ['shop/web']);
		assert.deepEqual(await names(user('p2'), web.id, false), []);
		assert.deepEqual(await names(user('p2'), '', false), ['other']);
	});

	test('goes from a host some time after no container needs it any more', async (t) => {
		const { run, store, ann, engine, containers, control, imageService } = await world(t);
		store('web');
		const { id } = await run(ann, 'web');
		const left = () => engine.images.list().flatMap(({ references }) => references.filter((name) => name.startsWith('zunbox.local/')));
		const sweep = new ImageSweep(control.deps, imageService);
		const look = async () => {
			control.advance(imageService.options.unusedAfter);
			return await sweep.look(never);
		};
		assert.deepEqual([await look(), await look()], [[], []]);
		await containers.delete(ann, id, { force: true, stop: false, allProjects: false });
		await eventually('it is gone', async () => (await containers.list(ann, { limit: 10, filters: {} })).length === 0);
		assert.equal(left().length, 1);
		assert.deepEqual(await look(), []);
		assert.equal((await look()).length, 1);
		assert.deepEqual(left(), []);
	});
});

describe('a commit to Glance', () => {
	test('makes an image in the project, of which containers run, and leaves nothing on the host', async (t) => {
		const { run, store, ann, engine, containers, glance } = await world(t);
		store('web');
		const { id } = await run(ann, 'web');
		const before = engine.images.list().length;
		const made = await containers.commit(ann, id, 'shop/web', '2', never);
		await eventually('it has its data', () => glance.images.get(made)?.status === 'active');
		const { name, owner, tags, containerFormat, data } = glance.images.get(made) ?? {};
		assert.deepEqual([name, owner, tags, containerFormat], ['shop/web:2', 'p1', ['2'], 'docker']);
		assert.match(data?.toString('latin1') ?? '', /"RepoTags":\["shop\/web:2"\]/);
		await eventually('nothing is left of it', () => engine.images.list().length === before);
		const [operation] = await containers.operations(ann, id);
		assert.deepEqual([operation?.kind, operation?.state], ['commit', 'done']);
		await run(ann, 'shop/web:2');
		await run(ann, made);
		const latest = await containers.commit(ann, id, 'tool', 'latest', never);
		assert.equal(glance.images.get(latest)?.name, 'tool');
		await eventually('it has its data', () => glance.images.get(latest)?.status === 'active');
		await run(ann, 'tool:latest');
	});

	test('that fails leaves nothing, there and on the host, and says why', async (t) => {
		const { run, store, ann, engine, containers, glance } = await world(t);
		store('web');
		const { id } = await run(ann, 'web');
		const before = engine.images.list().length;
		const clean = () => eventually('nothing is left of it', () => engine.images.list().length === before && glance.images.size === 1);
		glance.before = ({ method }) => (method === 'PUT' ? { status: 413, body: { message: 'quota exceeded' } } : null);
		await containers.commit(ann, id, 'full', '1', never);
		await clean();
		const [operation] = await containers.operations(ann, id);
		assert.deepEqual([operation?.kind, operation?.state], ['commit', 'failed']);
		assert.match(operation?.error ?? '', /quota exceeded/);
		glance.before = ({ method }) => (method === 'POST' ? { status: 403, body: { message: 'not for you' } } : null);
		await assert.rejects(containers.commit(ann, id, 'forbidden', '1', never), code('policy-not-authorized', /not for you/));
		await clean();
		await assert.rejects(containers.commit(ann, id, 'Not A Name', '1', never), code('invalid-value'));
		assert.equal(engine.images.list().length, before);
	});

	test('goes on while the service is away, and over the end of the process', async (t) => {
		const { run, store, ann, engine, containers, glance, control, begin } = await world(t);
		store('web');
		const { id } = await run(ann, 'web');
		const before = engine.images.list().length;
		let refused = 0;
		glance.before = ({ method }) => {
			if (method !== 'PUT') return null;
			refused += 1;
			return refused < 3 ? { status: 503, body: { message: 'away' } } : refused === 3 ? 'hang' : null;
		};
		const made = await containers.commit(ann, id, 'app', '1', never);
		await eventually('it is being uploaded', () => refused === 3);
		const second = await containers.commit(ann, id, 'other', '1', never);
		await assert.rejects(containers.commit(ann, id, 'third', '1', never), code('too-many-requests'));
		await control.service.stop();
		// Of what nobody was told of when the process ended nothing is to be left.
		const untold = glance.add({ id: randomUUID(), name: 'untold', owner: 'p1', status: 'queued' });
		const [row] = await control.store.db.selectFrom('image_upload').selectAll().limit(1).execute();
		assert.ok(row !== undefined);
		await control.store.transaction(async (tx) => {
			const unfinished = { image_id: untold.id, engine_reference: `zunbox.local/glance-upload/${untold.id}:latest`, stage: 'making' };
			await tx
				.insertInto('image_upload')
				.values({ ...row, ...unfinished })
				.execute();
		});
		await begin();
		await eventually('both have their data', () => [made, second].every((image) => glance.images.get(image)?.status === 'active'));
		await eventually('nothing is left of them', () => engine.images.list().length === before && !glance.images.has(untold.id));
		await eventually(
			'nothing is noted',
			async () => (await control.store.db.selectFrom('image_upload').selectAll().execute()).length === 0,
		);
		assert.equal((await containers.operations(ann, id)).filter(({ kind, state }) => kind === 'commit' && state === 'done').length, 2);
	});
});
