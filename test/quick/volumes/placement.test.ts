/** Where sandboxes go for their volumes' sake. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { VolumeControl } from '../../../src/control/volume-control.ts';
import { ZunboxError } from '../../../src/model/errors.ts';
import { hostFacts, principal, startControl } from '../../support/control.ts';
import { ModelHost } from '../../support/model-host.ts';

const me = principal('p1', ['admin']);

/** Two hosts of 100 GiB each. */
async function prepare(t: TestContext) {
	const control = await startControl();
	t.after(() => control.close());
	const hosts = ['h1', 'h2'].map((name) => new ModelHost(control.link, name));
	for (const name of ['h1', 'h2']) await control.link.register(hostFacts(name));
	const settle = async () => {
		for (const host of hosts) await host.settle();
	};
	const { sandboxes, containers } = control.service;
	return { control, hosts, settle, sandboxes, containers, volumes: new VolumeControl(control.deps) };
}

function code(expected: string, message = /./) {
	return (error: unknown) => error instanceof ZunboxError && error.code === expected && message.test(error.message);
}

test('a sandbox, or a container that gets one, goes where the data of its volumes is', async (t) => {
	const { sandboxes, containers, volumes, settle } = await prepare(t);
	for (const host of ['h1', 'h2']) {
		const { id } = await volumes.create(me, { name: `on-${host}`, size: 1 });
		const first = await sandboxes.create(me, { host, volumes: [{ source: id }] });
		await settle();
		await sandboxes.delete(me, first.id, { force: true });
		await settle();
		for (let n = 0; n < 3; n += 1) {
			const again = await sandboxes.create(me, { volumes: [{ source: id }] });
			assert.equal(again.host, host);
			await settle();
			await sandboxes.delete(me, again.id, { force: true });
			await settle();
			const mounts = [{ type: 'volume', source: id, destination: '/data' }] as const;
			const container = await containers.create(me, { image: 'busybox', run: true, mounts });
			assert.equal(container.host, host);
			await settle();
			await containers.delete(me, container.id, { force: true, stop: false, allProjects: false });
			await settle();
		}
	}
	const both = { volumes: [{ source: 'on-h1' }, { source: 'on-h2' }] };
	await assert.rejects(sandboxes.create(me, both), code('volume-not-usable', /on several hosts/));
	await assert.rejects(sandboxes.create(me, { host: 'h2', volumes: [{ source: 'on-h1' }] }), code('volume-not-usable', /on host h1/));
});

test('a host has only so much room for volumes, used or not', async (t) => {
	const { sandboxes, volumes, settle } = await prepare(t);
	const { id } = await sandboxes.create(me, { host: 'h1', volumes: [{ size: 60 }] });
	await settle();
	const large = await volumes.create(me, { size: 50 });
	await assert.rejects(volumes.attach(me, id, large.id, false), code('conflict', /no room for a volume of 50 GiB/));
	assert.equal((await volumes.show(me, large.id)).host, null);
	const elsewhere = await sandboxes.create(me, { volumes: [{ source: large.id }] });
	assert.equal(elsewhere.host, 'h2');
	await settle();
	const none = await sandboxes.create(me, { volumes: [{ size: 51 }] });
	assert.deepEqual([none.status, none.host], ['Error', null]);
	assert.match(none.statusReason ?? '', /disk/i);
	await sandboxes.delete(me, elsewhere.id, { force: true });
	await settle();
	const still = await sandboxes.create(me, { host: 'h2', volumes: [{ size: 51 }] });
	assert.equal(still.status, 'Error', 'data that no sandbox has takes room all the same');
	await volumes.delete(me, large.id);
	const now = await sandboxes.create(me, { host: 'h2', volumes: [{ size: 51 }] });
	assert.equal(now.host, 'h2');
});

test('a sandbox that its host refused takes new volumes along, and stays where it has data', async (t) => {
	const { control, hosts, sandboxes, volumes, settle } = await prepare(t);
	for (const host of hosts) host.failures.set('sandbox.create', 'no room after all');
	const { id, host } = await sandboxes.create(me, { volumes: [{ size: 1 }] });
	const refused = hosts[host === 'h1' ? 0 : 1];
	hosts[host === 'h1' ? 1 : 0]?.failures.clear();
	await refused?.settle();
	await settle();
	const moved = await sandboxes.show(me, id);
	assert.equal(moved.status, 'Running');
	assert.notEqual(moved.host, host);
	assert.deepEqual(await control.link.volumes(host ?? ''), []);
	assert.equal((await control.link.volumes(moved.host ?? '')).length, 1);

	const old = await volumes.create(me, { size: 1 });
	const bound = await sandboxes.create(me, { volumes: [{ source: old.id }] });
	for (const each of hosts) each.failures.set('sandbox.create', 'no room after all');
	await settle();
	assert.equal((await sandboxes.show(me, bound.id)).status, 'Error');
	assert.deepEqual([(await volumes.show(me, old.id)).status, (await volumes.show(me, old.id)).attachment], ['available', null]);
});
