import assert from 'node:assert/strict';
import { createHash, randomUUID } from 'node:crypto';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { makeBusyboxImage } from '../../../src/drivers/fake/index.ts';
import { readTar, tarEntry, writeTar } from '../../../src/drivers/tar.ts';
import { fail } from '../../../src/model/errors.ts';
import { type ImageSource, sourceReference } from '../../../src/model/image-source.ts';
import { AgentWorld } from '../../support/agent/agent-world.ts';
import { containerSpec, operation, sandboxSpec } from '../../support/agent/specs.ts';
import { eventually } from '../../support/eventually.ts';
import { fakeArchive } from '../../support/openstack/scripted-glance.ts';

const box = 'sandbox-1';

async function world(t: TestContext): Promise<AgentWorld> {
	const made = await AgentWorld.make(t);
	await made.start();
	return made;
}

function sourceOf(archive: Uint8Array): ImageSource {
	const value = createHash('sha512').update(archive).digest('hex');
	return { imageId: randomUUID(), hash: { algorithm: 'sha512', value }, size: archive.length };
}

async function* slowly(bytes: Uint8Array, pause = 1): AsyncGenerator<Uint8Array> {
	for (let at = 0; at < bytes.length; at += 500) {
		await delay(pause);
		yield bytes.subarray(at, at + 500);
	}
}

function made(id: string, imageSource: ImageSource) {
	const image = sourceReference(imageSource);
	const create = operation('create', { id: `create-${id}`, args: { run: true } });
	return containerSpec({ id, image, imageDriver: 'glance', imageSource, operation: create });
}

describe('images of the image service', () => {
	test('are loaded once for all who wait, with progress, and not again while they are there', async (t) => {
		const { control, engine } = await world(t);
		const { archive, image } = fakeArchive('one', ['shop/web:1']);
		const source = sourceOf(archive);
		control.archives.set(source.imageId, () => slowly(archive, 5));
		control.add(sandboxSpec({ containers: [made('a', source), made('b', source)] }));
		control.add(sandboxSpec({ id: 'sandbox-2', projectId: 'project-2', containers: [made('c', source)] }));
		await control.quiet(box);
		await control.quiet('sandbox-2');
		assert.deepEqual(control.imagesAsked, [source.imageId]);
		assert.deepEqual([control.seen(box, 'a')?.status, control.seen('sandbox-2', 'c')?.status], ['Running', 'Running']);
		assert.equal(engine.images.find(sourceReference(source))?.id, image.id);
		const progress = control.reports.flatMap(({ containers }) => containers).flatMap(({ pull }) => pull ?? []);
		assert.ok(progress.some(({ bytesDone, bytesTotal }) => bytesDone > 0 && bytesTotal === archive.length));
		control.changeContainer(box, { id: 'd' }, { ...made('d', source), imagePullPolicy: 'always' });
		await control.quiet(box);
	});

	test('take no name of the engine, whatever names their archive gives itself', async (t) => {
		const { control, engine } = await world(t);
		const nginx = makeBusyboxImage('the real one');
		engine.images.add(nginx, ['nginx:latest', 'zunbox.local/other-project/app:1']);
		const hostile = fakeArchive('hostile', ['nginx:latest', 'zunbox.local/other-project/app:1']);
		const bytes = writeTar([...readTar(hostile.archive), tarEntry('repositories', { bytes: Buffer.from('{"nginx":{"latest":"x"}}') })]);
		const source = sourceOf(bytes);
		control.archives.set(source.imageId, () => slowly(bytes));
		control.add(sandboxSpec({ containers: [made('a', source)] }));
		await control.quiet(box);
		assert.equal(control.seen(box, 'a')?.status, 'Running');
		for (const name of ['nginx:latest', 'zunbox.local/other-project/app:1']) assert.equal(engine.images.find(name)?.id, nginx.id);
		const loaded = engine.images.get(hostile.image.id);
		assert.deepEqual(engine.images.references(loaded), [sourceReference(source)]);
	});

	test('leave nothing when what comes is wrong or broken off, and are tried again', async (t) => {
		const { control, engine } = await world(t);
		const { archive, image } = fakeArchive('good', ['good:1']);
		const source = sourceOf(archive);
		const other = fakeArchive('other', ['good:1']);
		const broken = async function* () {
			yield archive.subarray(0, 1000);
			throw fail('service-unavailable', 'the store is away');
		};
		const tries = [() => slowly(other.archive), broken, () => slowly(archive.subarray(0, archive.length - 600)), () => slowly(archive)];
		const before = engine.images.list().length;
		let at = 0;
		control.archives.set(source.imageId, () => {
			assert.equal(engine.images.list().length, before);
			at += 1;
			return (tries[at - 1] ?? tries[3] ?? broken)();
		});
		control.add(sandboxSpec({ containers: [made('a', source)] }));
		await control.quiet(box);
		assert.equal(control.seen(box, 'a')?.status, 'Running');
		const reasons = control.outcomes('create-a').flatMap(({ outcome, error }) => (outcome === 'retry' ? [error ?? ''] : []));
		assert.ok(
			reasons.some((reason) => /not what its checksum says/.test(reason)),
			reasons.join(),
		);
		assert.equal(engine.images.find(sourceReference(source))?.id, image.id);
		assert.equal(engine.images.find(other.image.id), null);
	});

	test('that are no images fail at once, and so do those that are gone', async (t) => {
		const { control } = await world(t);
		const bytes = writeTar([tarEntry('a file', { bytes: Buffer.from('and no image') })]);
		const source = sourceOf(bytes);
		control.archives.set(source.imageId, () => slowly(bytes));
		control.add(sandboxSpec({ containers: [made('a', source), made('b', sourceOf(Buffer.from('gone')))] }));
		await control.quiet(box);
		assert.match(control.outcomes('create-a').at(-1)?.error ?? '', /cannot be run\. .*no manifest\.json/);
		assert.match(control.outcomes('create-b').at(-1)?.error ?? '', /There is no image/);
	});

	test('are not read any more when nobody waits for them', async (t) => {
		const { control } = await world(t);
		const source = sourceOf(Buffer.from('endless'));
		let ended = false;
		control.archives.set(source.imageId, async function* (signal) {
			try {
				yield fakeArchive('endless', ['e:1']).archive.subarray(0, 600);
				await delay(600_000, undefined, { signal });
			} finally {
				ended = true;
			}
		});
		control.add(sandboxSpec({ containers: [made('a', source)] }));
		await eventually('it is read', () => control.imagesAsked.length === 1);
		control.changeContainer(box, { id: 'a', goal: 'Deleted', operation: operation('delete') });
		await eventually('it is gone', () => control.spec(box).containers.length === 0 && ended);
	});

	test('that somebody removed before the container was made are loaded again', async (t) => {
		const { control, engine } = await world(t);
		const { archive } = fakeArchive('again', ['again:1']);
		const source = sourceOf(archive);
		control.archives.set(source.imageId, () => slowly(archive));
		const release = engine.faults.hold('containers.create');
		control.add(sandboxSpec({ containers: [made('a', source)] }));
		await eventually('it is about to be made', () => engine.faults.calls('containers.create') > 0);
		engine.images.remove(sourceReference(source));
		release();
		await control.quiet(box);
		assert.equal(control.seen(box, 'a')?.status, 'Running');
		assert.equal(control.imagesAsked.length, 2);
	});
});
