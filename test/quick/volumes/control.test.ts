/** Control's side of volumes, with a model of a host. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { FileContents } from '../../../src/control/file-contents.ts';
import { VolumeControl } from '../../../src/control/volume-control.ts';
import { ZunboxError } from '../../../src/model/errors.ts';
import { hostFacts, plainSealer, principal, startControl } from '../../support/control.ts';
import { ModelHost } from '../../support/model-host.ts';

const me = principal('p1');

async function prepare(t: TestContext, quotas: Parameters<typeof startControl>[0] = {}) {
	const control = await startControl(quotas);
	t.after(() => control.close());
	await control.link.register(hostFacts('h1'));
	const volumes = new VolumeControl(control.deps);
	const { sandboxes, containers } = control.service;
	return { control, volumes, sandboxes, containers, host: new ModelHost(control.link, 'h1') };
}

function code(expected: string, message = /./) {
	return (error: unknown) => error instanceof ZunboxError && error.code === expected && message.test(error.message);
}

const all = { allProjects: false, limit: 100 };

test('a volume lives apart from the sandbox that has it', async (t) => {
	const { control, volumes, sandboxes, host } = await prepare(t);
	const volume = await volumes.create(me, { name: 'data', size: 3 });
	assert.deepEqual([volume.status, volume.size, volume.host, volume.attachment], ['available', 3, null, null]);
	assert.deepEqual(await control.link.volumes('h1'), []);
	const { id } = await sandboxes.create(me, { volumes: [{ source: 'data', readOnly: true }] });
	await host.settle();
	const used = await volumes.show(me, 'data');
	assert.deepEqual([used.status, used.host, used.attachment], ['in-use', 'h1', { sandboxId: id, readOnly: true, detaching: false }]);
	assert.deepEqual((await sandboxes.show(me, id)).volumes, [{ volumeId: volume.id, readOnly: true }]);
	await assert.rejects(volumes.delete(me, 'data'), code('conflict', new RegExp(`in use by sandbox ${id}`)));
	await sandboxes.delete(me, id, { force: true });
	await host.settle();
	assert.deepEqual([(await volumes.show(me, 'data')).status, (await volumes.show(me, 'data')).attachment], ['available', null]);
	assert.deepEqual(await control.link.volumes('h1'), [volume.id], 'its data stays');
	const woken: unknown[] = [];
	control.bus.controlLink(control.link).onWake('h1', (what) => woken.push(what), AbortSignal.timeout(10_000));
	await volumes.delete(me, 'data');
	await new Promise((resolve) => setImmediate(resolve));
	assert.deepEqual(woken, [null], 'the host is woken to remove the data');
	assert.deepEqual(await control.link.volumes('h1'), []);
	await assert.rejects(volumes.show(me, 'data'), code('volume-not-found'));
});

test('attaching and detaching while the sandbox runs', async (t) => {
	const { control, volumes, sandboxes, containers, host } = await prepare(t);
	const { id } = await sandboxes.create(me, {});
	const other = await sandboxes.create(me, {});
	await host.settle();
	const volume = await volumes.create(me, { size: 1 });
	const attached = await volumes.attach(me, id, volume.id, false);
	assert.equal(attached.attachment?.sandboxId, id);
	assert.deepEqual(
		(await volumes.attached(me, id)).map((view) => view.id),
		[volume.id],
	);
	await assert.rejects(volumes.attach(me, other.id, volume.id, false), code('volume-in-use'));
	const mounts = [{ type: 'volume', source: volume.id, destination: '/data' }] as const;
	const web = await containers.create(me, { image: 'busybox', sandbox: id, run: true, mounts });
	await host.settle();
	await assert.rejects(volumes.detach(me, id, volume.id), code('conflict', new RegExp(`mounted by container ${web.name}`)));
	await assert.rejects(volumes.detach(me, other.id, volume.id), code('invalid'));
	await containers.delete(me, web.id, { force: true, stop: false, allProjects: false });
	await host.settle();
	await volumes.detach(me, id, volume.id);
	assert.deepEqual((await volumes.show(me, volume.id)).attachment, { sandboxId: id, readOnly: false, detaching: true });
	await assert.rejects(volumes.attach(me, other.id, volume.id, false), code('volume-in-use', /being detached/));
	await assert.rejects(volumes.delete(me, volume.id), code('conflict'), 'its host still has it');
	const spec = await control.link.sandbox('h1', id);
	assert.deepEqual(
		spec?.volumes.map(({ id: found, detached }) => [found, detached]),
		[[volume.id, true]],
	);
	await host.settle();
	assert.deepEqual([(await volumes.show(me, volume.id)).status, (await volumes.show(me, volume.id)).attachment], ['available', null]);
	assert.deepEqual((await control.link.sandbox('h1', id))?.volumes, []);
	await volumes.attach(me, other.id, volume.id, false);
	assert.equal((await volumes.show(me, volume.id)).attachment?.sandboxId, other.id);
});

test('what was not being detached is not detached by a report', async (t) => {
	const { control, volumes, sandboxes, host } = await prepare(t);
	const volume = await volumes.create(me, { size: 1 });
	const { id } = await sandboxes.create(me, { volumes: [{ source: volume.id }] });
	await host.settle();
	await control.store.transaction((tx) => control.deps.volumes.detached(tx, id, [volume.id, 'no-such']));
	assert.equal((await volumes.show(me, volume.id)).attachment?.sandboxId, id);
});

test('one made by size goes with its sandbox; taken from it, it stays', async (t) => {
	const { control, volumes, sandboxes, host } = await prepare(t);
	const { id } = await sandboxes.create(me, { volumes: [{ size: 2 }, { size: 4 }] });
	await host.settle();
	const [small, large] = [...(await volumes.list(me, all))].sort((a, b) => a.size - b.size);
	assert.ok(small?.autoRemove && large?.autoRemove);
	assert.deepEqual([...(await control.link.volumes('h1'))].sort(), [small.id, large.id].sort());
	await volumes.detach(me, id, large.id);
	await host.settle();
	await sandboxes.delete(me, id, { force: true });
	await host.settle();
	assert.deepEqual(
		(await volumes.list(me, all)).map((view) => [view.id, view.autoRemove]),
		[[large.id, false]],
	);
	assert.deepEqual(await control.link.volumes('h1'), [large.id]);
});

test('an injected file is sealed in the database, told to the host alone, and goes with its container', async (t) => {
	const { control, volumes, sandboxes, containers, host } = await prepare(t);
	const { id } = await sandboxes.create(me, {});
	const contents = Buffer.from([0, 255, 10]).toString('base64');
	const mounts = [{ type: 'bind', source: contents, destination: '/etc/key' }] as const;
	const web = await containers.create(me, { image: 'busybox', sandbox: id, run: true, mounts });
	await host.settle();
	const rows = await control.store.db.selectFrom('volume').selectAll().execute();
	assert.deepEqual(
		rows.map((row) => [row.provider, row.contents]),
		[['file', `sealed:${contents}`]],
	);
	const [file] = rows;
	assert.ok(file !== undefined);
	const spec = await control.link.sandbox('h1', id);
	assert.deepEqual(
		spec?.volumes.map((volume) => [volume.id, volume.contents]),
		[[file.id, contents]],
	);
	assert.deepEqual(await control.link.volumes('h1'), [file.id]);
	assert.deepEqual(await volumes.list(me, all), []);
	assert.deepEqual((await sandboxes.show(me, id)).volumes, []);
	for (const act of [volumes.show(me, file.id), volumes.delete(me, file.id), volumes.attach(me, id, file.id, false)]) {
		await assert.rejects(act, code('volume-not-found'));
	}
	assert.ok(!JSON.stringify(await containers.show(me, web.id)).includes(contents));
	await containers.delete(me, web.id, { force: true, stop: false, allProjects: false });
	await host.settle();
	assert.deepEqual(await control.store.db.selectFrom('volume').selectAll().execute(), []);
	assert.deepEqual((await control.link.sandbox('h1', id))?.volumes, []);
});

test('two containers share a volume; one may only read', async (t) => {
	const { control, sandboxes, containers, host } = await prepare(t);
	const { id } = await sandboxes.create(me, { volumes: [{ size: 1, readOnly: true }] });
	const [volume] = (await sandboxes.show(me, id)).volumes;
	const source = volume?.volumeId ?? '';
	const mount = (readOnly: boolean) => [{ type: 'volume', source, destination: '/data', readOnly }] as const;
	await containers.create(me, { image: 'busybox', sandbox: id, run: true, mounts: mount(true) });
	assert.equal((await control.link.sandbox('h1', id))?.volumes[0]?.readOnly, true);
	await containers.create(me, { image: 'busybox', sandbox: id, run: true, mounts: mount(false) });
	await host.settle();
	const spec = await control.link.sandbox('h1', id);
	assert.equal(spec?.volumes[0]?.readOnly, false);
	assert.deepEqual(
		spec?.containers.map(({ mounts }) => mounts[0]?.readOnly),
		[true, false],
	);
});

test('sizes have bounds, and quotas count volumes', async (t) => {
	const { volumes, sandboxes, containers } = await prepare(t, { quotas: { volumes: 2, volume_gigabytes: 10 } });
	for (const size of [0, 1025, 1.5, -1]) await assert.rejects(volumes.create(me, { size }), code('invalid-value', /from 1 to 1024/));
	await assert.rejects(sandboxes.create(me, { volumes: [{ size: 2000 }] }), code('invalid-value'));
	await volumes.create(me, { size: 4 });
	await assert.rejects(volumes.create(me, { size: 7 }), code('over-quota'));
	await volumes.create(me, { size: 6 });
	await assert.rejects(volumes.create(me, { size: 1 }), code('over-quota'));
	const mounts = [{ type: 'volume', size: 1, destination: '/data' }] as const;
	await assert.rejects(containers.create(me, { image: 'busybox', run: true, mounts }), code('over-quota'));
	assert.equal((await volumes.list(me, all)).length, 2);
});

test('a project sees its own; pages; names', async (t) => {
	const { volumes, sandboxes } = await prepare(t);
	const [other, admin] = [principal('p2'), principal('p3', ['admin'])];
	for (const name of ['a-1', 'a-2', 'a-2', 'a-3']) await volumes.create(me, { name, size: 1 });
	const foreign = await volumes.create(other, { name: 'a-1', size: 1 });
	const names = async (query: Partial<Parameters<typeof volumes.list>[1]>, who = me) =>
		(await volumes.list(who, { ...all, ...query })).map((view) => view.name).sort();
	assert.deepEqual(await names({}), ['a-1', 'a-2', 'a-2', 'a-3']);
	assert.deepEqual(await names({ name: 'a-2' }), ['a-2', 'a-2']);
	assert.equal((await names({ allProjects: true }, admin)).length, 5);
	assert.equal((await names({ allProjects: true })).length, 4);
	const seen: string[] = [];
	for (;;) {
		const marker = seen.at(-1);
		const views = await volumes.list(me, { ...all, limit: 3, ...(marker === undefined ? {} : { marker }) });
		seen.push(...views.map((view) => view.id));
		if (views.length < 3) break;
	}
	assert.equal(new Set(seen).size, 4);
	await assert.rejects(volumes.list(me, { ...all, marker: 'no-such' }), code('invalid-value'));
	await assert.rejects(volumes.show(me, 'a-2'), code('conflict', /use the id/));
	await assert.rejects(volumes.show(me, foreign.id), code('volume-not-found'));
	assert.equal((await volumes.show(admin, foreign.id)).id, foreign.id);
	const mine = await sandboxes.create(me, {});
	await assert.rejects(volumes.attach(me, mine.id, foreign.id, false), code('volume-not-found'));
	await assert.rejects(sandboxes.create(me, { volumes: [{ source: foreign.id }] }), code('volume-not-found'));
	await assert.rejects(volumes.attach(other, mine.id, foreign.id, false), code('sandbox-not-found'));
});

test('injected files are opened once, and the newest of them are kept', async (t) => {
	const { control, sandboxes, containers } = await prepare(t);
	const { id } = await sandboxes.create(me, {});
	const mounts = ['AAAA', 'BBBB', 'CCCC'].map((source, n) => ({ type: 'bind', source, destination: `/etc/${n}` }) as const);
	await containers.create(me, { image: 'busybox', sandbox: id, run: true, mounts });
	const rows = await control.store.db.selectFrom('volume').select(['id', 'contents']).execute();
	const ids = ['AAAA', 'BBBB', 'CCCC'].map((text) => rows.find(({ contents }) => contents === `sealed:${text}`)?.id ?? '');
	const opened: string[] = [];
	const files = new FileContents((sealed) => {
		opened.push(sealed);
		return plainSealer.unseal(sealed);
	}, 8);
	const read = async (...numbers: number[]) => [
		...(await files.read(
			control.store.db,
			numbers.map((n) => ids[n] ?? ''),
		)),
	];
	assert.deepEqual(
		new Map(await read(0, 1)),
		new Map([
			[ids[0] ?? '', 'AAAA'],
			[ids[1] ?? '', 'BBBB'],
		]),
	);
	await read(1, 0);
	assert.equal(opened.length, 2);
	await read(2);
	await read(0, 2);
	assert.equal(opened.length, 3, 'what was not asked for for longest went');
	assert.deepEqual(await read(1), [[ids[1], 'BBBB']]);
	assert.equal(opened.length, 4);
	assert.deepEqual(await files.read(control.store.db, ['none']), new Map());
});
