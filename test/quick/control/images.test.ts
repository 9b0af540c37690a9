import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { DriverAgentLink } from '../../../src/agent/agent-link.ts';
import { Images } from '../../../src/control/images.ts';
import { RegistryControl } from '../../../src/control/registry-control.ts';
import { DriverError } from '../../../src/drivers/driver.ts';
import { createDriver, FakeEngine, makeBusyboxImage } from '../../../src/drivers/fake/index.ts';
import { ZunboxError } from '../../../src/model/errors.ts';
import type { Image } from '../../../src/model/image.ts';
import { imageInRegistry, imageReference, isFromRegistry, parseImageName } from '../../../src/model/image.ts';
import { eventsAfter } from '../../../src/store/events.ts';
import { quickImageJobs } from '../../support/admin-api.ts';
import { hostFacts, plainSealer, principal, startControl } from '../../support/control.ts';
import { eventually } from '../../support/eventually.ts';

function code(expected: string) {
	return (error: unknown) => error instanceof ZunboxError && error.code === expected;
}

const admin = principal('p1', ['admin']);
const repo = 'registry.example:5000/app';
const never = new AbortController().signal;

/** Control with one host whose engine is in memory; `connect` makes its agent reachable. */
async function world(t: TestContext, file?: string) {
	const control = await startControl(file === undefined ? {} : { path: file });
	await control.link.register(hostFacts('h1'));
	const engine = new FakeEngine();
	const driver = await createDriver({ owner: 'test', stateDirectory: os.tmpdir(), settings: { engine } });
	const connect = () => control.bus.connect('h1', new DriverAgentLink(driver));
	const images = new Images(control.deps, { ...quickImageJobs, maxAttempts: 1000 });
	await images.start();
	let ended = false;
	const end = async () => {
		if (ended) return;
		ended = true;
		await images.stop();
		await control.close();
	};
	t.after(async () => {
		await end();
		await driver.close();
	});
	return { control, engine, connect, images, end };
}

async function settled(images: Images, id: string, status: Image['status']): Promise<Image> {
	return await eventually(`the image is ${status}`, async () => {
		const image = await images.show(id, never);
		return image.status === status && image;
	});
}

describe('an image', () => {
	test('is pulled to its host, with progress, and told in events', async (t) => {
		const { control, engine, connect, images } = await world(t);
		connect();
		engine.registry.add(`${repo}:2`, makeBusyboxImage('two'), { layerSizes: [100, 200, 300], layerDelay: 40 });
		const asked = await images.pull(admin, { repo: `${repo}:2`, tag: 'ignored', host: 'h1' });
		assert.deepEqual([asked.repo, asked.tag, asked.status, asked.imageId], [repo, '2', 'Pulling', null]);
		await assert.rejects(images.pull(admin, { repo, tag: '2', host: 'h1' }), code('image-already-exists'));
		await assert.rejects(images.pull(admin, { repo, host: 'h9' }), code('invalid-value'));
		const image = await settled(images, asked.id, 'Active');
		assert.equal(image.imageId, makeBusyboxImage('two').id);
		assert.equal(image.size, String(makeBusyboxImage('two').size));
		assert.deepEqual(image.progress, { layersDone: 3, layersTotal: 3, bytesDone: 600, bytesTotal: 600 });
		const events = await eventsAfter(control.store.db, 0, 'p1', 100);
		const kinds = events.map(({ kind }) => kind);
		assert.equal(kinds[0], 'image.created');
		assert.equal(kinds.at(-1), 'image.status');
		const pulls = events.filter(({ kind }) => kind === 'image.pull');
		assert.ok(pulls.length >= 2, kinds.join());
		const last = pulls.at(-1)?.detail;
		assert.deepEqual([last?.['image_uuid'], last?.['bytesDone'], last?.['bytesTotal']], [image.id, 600, 600]);
	});

	test('that cannot be had ends in Error with the reason, and can be deleted', async (t) => {
		const { engine, connect, images } = await world(t);
		connect();
		const missing = await images.pull(admin, { repo, host: 'h1' });
		assert.match((await settled(images, missing.id, 'Error')).statusReason ?? '', /is not in the registry/);
		const absent = await images.pull(admin, { repo, tag: '3', host: 'h1', pullPolicy: 'never' });
		assert.match((await settled(images, absent.id, 'Error')).statusReason ?? '', /pull policy is never/);
		assert.equal(engine.faults.calls('images.pull'), 1);
		await images.delete(admin, missing.id, never);
		await eventually('it is gone', () => images.show(missing.id, never).then(() => false, code('image-not-found')));
		await assert.rejects(images.delete(admin, missing.id, never), code('image-not-found'));
	});

	test('is pulled again while its registry or its host is away', async (t) => {
		const { engine, connect, images } = await world(t);
		engine.registry.add(`${repo}:latest`, makeBusyboxImage('away'));
		engine.registry.down = true;
		const { id } = await images.pull(admin, { repo, host: 'h1' });
		await eventually('the host is missed', async () =>
			/agent cannot be reached.*tried again/.test((await images.show(id, never)).statusReason ?? ''),
		);
		connect();
		await eventually('the registry is missed', async () =>
			/registry cannot be reached/.test((await images.show(id, never)).statusReason ?? ''),
		);
		engine.registry.down = false;
		assert.equal((await settled(images, id, 'Active')).statusReason, null);
	});

	test('is given up after so many tries', async (t) => {
		const { control, engine, connect } = await world(t);
		connect();
		engine.registry.down = true;
		const images = new Images(control.deps, { ...quickImageJobs, maxAttempts: 3 });
		t.after(() => images.stop());
		const { id } = await images.pull(admin, { repo, host: 'h1' });
		await settled(images, id, 'Error');
		assert.equal(engine.faults.calls('images.pull'), 3);
	});

	test('goes from its host when it is deleted, also in the middle of its pull', async (t) => {
		const { control, engine, connect, images } = await world(t);
		connect();
		const busybox = await images.pull(admin, { repo: 'zunbox/busybox', host: 'h1', pullPolicy: 'ifnotpresent' });
		await settled(images, busybox.id, 'Active');
		assert.equal(engine.faults.calls('images.pull'), 0);
		await images.delete(admin, busybox.id, never);
		await eventually('it is gone', () => images.show(busybox.id, never).then(() => false, code('image-not-found')));
		assert.equal(engine.images.find('zunbox/busybox:latest'), null);

		engine.registry.add(`${repo}:slow`, makeBusyboxImage('slow'), { layerDelay: 60_000 });
		const slow = await images.pull(admin, { repo, tag: 'slow', host: 'h1' });
		await eventually('the pull has begun', () => engine.faults.calls('images.pull') === 1);
		await images.delete(admin, slow.id, never);
		await eventually('it is gone', () => images.show(slow.id, never).then(() => false, code('image-not-found')));
		const last = (await eventsAfter(control.store.db, 0, 'p1', 100)).at(-1);
		assert.deepEqual([last?.kind, last?.detail['image_uuid']], ['image.deleted', slow.id]);
	});

	test('in use stays, and says so', async (t) => {
		const { engine, connect, images } = await world(t);
		connect();
		const { id } = await images.pull(admin, { repo: 'zunbox/busybox', host: 'h1' });
		await settled(images, id, 'Active');
		engine.faults.failCall('images.remove', 1, new DriverError('conflict', 'it is used by a container'));
		await images.delete(admin, id, never);
		const kept = await eventually('it says so', async () => {
			const image = await images.show(id, never);
			return image.statusReason?.startsWith('delete failed') === true && image;
		});
		assert.equal(kept.status, 'Active');
	});

	test('of a host that is declared dead goes at once', async (t) => {
		const { control, images } = await world(t);
		const { id } = await images.pull(admin, { repo, host: 'h1' });
		await control.store.db.updateTable('host').set({ forced_down: 1 }).execute();
		await images.delete(admin, id, never);
		await eventually('it is gone', () => images.show(id, never).then(() => false, code('image-not-found')));
	});

	test('goes on being pulled, or deleted, when the service starts again', async (t) => {
		const folder = await mkdtemp(path.join(os.tmpdir(), 'zunbox-images-'));
		t.after(() => rm(folder, { recursive: true, force: true }));
		const file = path.join(folder, 'test.db');
		const first = await world(t, file);
		first.connect();
		const busybox = await first.images.pull(admin, { repo: 'zunbox/busybox', host: 'h1' });
		await settled(first.images, busybox.id, 'Active');
		first.engine.registry.add(`${repo}:latest`, makeBusyboxImage(), { layerDelay: 60_000 });
		const pulled = await first.images.pull(admin, { repo, host: 'h1' });
		await eventually('the pull has begun', () => first.engine.faults.calls('images.pull') === 2);
		first.engine.faults.delay('images.remove', 60_000);
		await first.images.delete(admin, busybox.id, never);
		await eventually('the removal has begun', () => first.engine.faults.calls('images.remove') === 1);
		await first.end();

		const second = await world(t, file);
		second.engine.registry.add(`${repo}:latest`, makeBusyboxImage('again'));
		assert.equal((await second.images.show(pulled.id, never)).status, 'Pulling');
		second.connect();
		assert.equal((await settled(second.images, pulled.id, 'Active')).imageId, makeBusyboxImage('again').id);
		await eventually('the other is gone', () => second.images.show(busybox.id, never).then(() => false, code('image-not-found')));
		assert.equal(second.engine.faults.calls('images.remove'), 1);
	});

	test('is pulled with the login of the registry that is named', async (t) => {
		const { control, engine, connect, images } = await world(t);
		connect();
		const credentials = { username: 'somebody', password: 'secret' };
		engine.registry.add(`${repo}:1`, makeBusyboxImage(), { credentials });
		const registries = new RegistryControl(control.deps, plainSealer);
		const { id } = await registries.create(admin, { name: 'mine', domain: 'registry.example:5000', ...credentials });
		const bare = await images.pull(admin, { repo: 'app:1', host: 'h1', registry: 'mine' });
		assert.equal(bare.repo, repo, 'a name without a registry is taken to be in it');
		await settled(images, bare.id, 'Active');
		await assert.rejects(images.pull(admin, { repo: 'other.example/app', host: 'h1', registry: 'mine' }), code('invalid-value'));
		await registries.delete(admin, id);
	});
});

describe('what is on the hosts anyhow', () => {
	test('is listed after what was brought, and can be shown and deleted', async (t) => {
		const { control, engine, connect, images } = await world(t);
		await control.link.register(hostFacts('silent'));
		connect();
		const digest = `sha256:${'1'.repeat(64)}`;
		engine.images.add(makeBusyboxImage('one'), ['app:1', 'registry.example/app:2', `app@${digest}`]);
		engine.images.add(makeBusyboxImage('two'), [`other@${digest}`]);
		const brought = await images.pull(admin, { repo: 'zunbox/busybox', host: 'h1', pullPolicy: 'ifnotpresent' });
		await settled(images, brought.id, 'Active');
		const names = async () => (await images.list({ limit: 100, filters: {} }, never)).map(imageReference);
		const there = await names();
		assert.equal(there[0], 'zunbox/busybox:latest');
		assert.equal(there.filter((name) => name.includes('busybox')).length, 1, 'what was brought is listed once');
		const found = there.filter((name) => /app|other/.test(name)).map((name) => name.replace('docker.io/library/', ''));
		assert.deepEqual(found.toSorted(), ['app:1', `other@${digest}`, 'registry.example/app:2']);
		const app = (await images.list({ limit: 100, filters: {} }, never)).find(({ repo }) => repo === 'registry.example/app');
		assert.ok(app);
		assert.deepEqual([app.status, app.imageId, app.projectId, app.host], ['Active', makeBusyboxImage('one').id, null, 'h1']);
		assert.deepEqual(await images.show(app.id, never), app);
		await images.delete(admin, app.id, never);
		await eventually('it is gone', () => images.show(app.id, never).then(() => false, code('image-not-found')));
		assert.ok(engine.images.find('app:1'));
		assert.equal(engine.images.find('registry.example/app:2'), null);
	});

	test('with what projects committed; where that is deleted, its project has it no more', async (t) => {
		const { control, engine, connect, images } = await world(t);
		connect();
		const reference = 'zunbox.local/p2/app:1';
		engine.images.add(makeBusyboxImage('committed'), [reference]);
		const row = { project_id: 'p2', reference: 'docker.io/library/app:1', host: 'h1', engine_reference: reference, created_at: 1 };
		await control.store.transaction(async (tx) => void (await tx.insertInto('committed_image').values(row).execute()));
		const found = (await images.list({ limit: 100, filters: {} }, never)).find(({ projectId }) => projectId === 'p2');
		assert.equal(found && imageReference(found), reference);
		assert.equal((await images.commits.list(principal('p2'))).length, 1);
		await images.delete(admin, found?.id ?? '', never);
		assert.deepEqual(await images.commits.list(principal('p2')), []);
		assert.equal(engine.images.find(reference), null);
	});
});

describe('names of images', () => {
	for (const [text, name, tag] of [
		['busybox', 'busybox', 'latest'],
		['busybox:1.36', 'busybox', '1.36'],
		['host:5000/busybox', 'host:5000/busybox', 'latest'],
		['host:5000/a/busybox:2', 'host:5000/a/busybox', '2'],
		['a/b@sha256:12', 'a/b', 'sha256:12'],
	] as const) {
		test(`${text} is ${name} and ${tag}`, () => {
			assert.deepEqual(parseImageName(text), { repo: name, tag });
			assert.deepEqual(parseImageName(imageReference({ repo: name, tag })), { repo: name, tag });
		});
	}

	test('tell whose login may be sent for them', () => {
		assert.ok(isFromRegistry('r.example:5000/app', 'https://R.example:5000/v2/'));
		assert.ok(isFromRegistry('app', 'index.docker.io'));
		assert.ok(isFromRegistry('library/app', 'docker.io'));
		assert.ok(isFromRegistry('docker.io/library/app', 'https://index.docker.io/v1/'));
		assert.ok(isFromRegistry('localhost/app', 'localhost'));
		assert.ok(!isFromRegistry('app', 'r.example'));
		assert.ok(!isFromRegistry('evil.example/r.example/app', 'r.example'));
		assert.ok(!isFromRegistry('r.example/app', 'r.example:5000'));
		assert.equal(imageInRegistry('app:1', 'r.example:5000'), 'r.example:5000/app:1');
		assert.equal(imageInRegistry('team/app', 'docker.io'), 'team/app');
		assert.equal(imageInRegistry('o.example/app', 'r.example'), 'o.example/app');
	});
});
