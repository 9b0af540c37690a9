import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { Hosts } from '../../../src/control/hosts.ts';
import { ZunboxError } from '../../../src/model/errors.ts';
import { hostFacts, principal, startControl } from '../../support/control.ts';
import { ModelHost } from '../../support/model-host.ts';

function code(expected: string) {
	return (error: unknown) => error instanceof ZunboxError && error.code === expected;
}

const me = principal('p1');

async function twoHosts(t: TestContext) {
	const control = await startControl();
	t.after(() => control.close());
	for (const name of ['h1', 'h2']) await control.link.register(hostFacts(name));
	return {
		...control,
		hosts: new Hosts(control.deps, 60_000),
		one: new ModelHost(control.link, 'h1'),
		two: new ModelHost(control.link, 'h2'),
	};
}

describe('hosts', () => {
	test('show what is claimed of them, and what runs there', async (t) => {
		const { hosts, service } = await twoHosts(t);
		await service.containers.create(me, { image: 'busybox', cpu: 1.5, memory: 300, disk: 2, run: false, host: 'h2' });
		const view = await hosts.show('h2');
		assert.deepEqual([view.cpuUsed, view.memoryUsed, view.diskUsed, view.totalContainers], [1.5, 300, 2, 1]);
		assert.equal((await hosts.show(view.id)).hostname, 'h2');
		assert.equal((await hosts.show('h1')).totalContainers, 0);
		await assert.rejects(hosts.show('h3'), code('compute-node-not-found'));
		assert.deepEqual(await hosts.availabilityZones(), ['nova']);
	});

	test('are down when they are silent for too long, and up again at the next heartbeat', async (t) => {
		const { hosts, link, advance } = await twoHosts(t);
		const up = async () => (await hosts.list()).map((host) => host.up);
		assert.deepEqual(await up(), [true, true]);
		advance(59_000);
		await link.heartbeat('h2');
		advance(2_000);
		assert.deepEqual(await up(), [false, true]);
		await link.heartbeat('h1');
		assert.deepEqual(await up(), [true, true]);
		const { reportCount } = await hosts.show('h1');
		assert.equal(reportCount, 2);
	});

	test('that are disabled keep what they have and take nothing new', async (t) => {
		const { hosts, service, one } = await twoHosts(t);
		const old = await service.sandboxes.create(me, { host: 'h1' });
		await one.settle();
		await hosts.disable('h1', 'to be repaired');
		assert.equal((await hosts.show('h1')).disabledReason, 'to be repaired');
		for (let index = 0; index < 4; index += 1) assert.equal((await service.sandboxes.create(me, {})).host, 'h2');
		const refused = await service.sandboxes.create(me, { host: 'h1' });
		assert.equal(refused.status, 'Error');
		assert.match(refused.statusReason ?? '', /not enough hosts available|disabled/);
		assert.equal((await service.sandboxes.show(me, old.id)).status, 'Running');
		const joined = await service.containers.create(me, { image: 'busybox', sandbox: old.id, run: true });
		await one.settle();
		assert.equal((await service.containers.show(me, joined.id)).status, 'Running');
		await hosts.enable('h1');
		const view = await hosts.show('h1');
		assert.deepEqual([view.disabled, view.disabledReason], [false, null]);
		assert.equal((await service.sandboxes.create(me, { host: 'h1' })).host, 'h1');
		await assert.rejects(hosts.disable('h3', null), code('zun-service-not-found'));
	});

	test('that are declared dead hold up no delete, neither a new one nor one that waits', async (t) => {
		const { hosts, service, link, one } = await twoHosts(t);
		const waiting = await service.sandboxes.create(me, { host: 'h1' });
		const later = await service.sandboxes.create(me, { host: 'h1' });
		const kept = await service.sandboxes.create(me, { host: 'h1' });
		const gone = await service.containers.create(me, { image: 'busybox', sandbox: kept.id, run: true });
		const own = await service.containers.create(me, { image: 'busybox', host: 'h1', run: true });
		await one.settle();
		await service.sandboxes.delete(me, waiting.id, { force: false });
		await service.containers.delete(me, gone.id, { force: true, stop: false, allProjects: false });
		await service.containers.delete(me, own.id, { force: true, stop: false, allProjects: false });
		assert.equal((await service.sandboxes.show(me, waiting.id)).status, 'Deleting');
		await hosts.forceDown('h1', true);
		await assert.rejects(service.sandboxes.show(me, waiting.id), code('sandbox-not-found'));
		await assert.rejects(service.containers.show(me, gone.id), code('container-not-found'));
		await assert.rejects(service.containers.show(me, own.id), code('container-not-found'));
		await assert.rejects(service.sandboxes.show(me, own.sandboxId), code('sandbox-not-found'));
		await service.sandboxes.delete(me, later.id, { force: false });
		await assert.rejects(service.sandboxes.show(me, later.id), code('sandbox-not-found'));
		assert.equal((await hosts.show('h1')).up, false);
		assert.equal((await service.sandboxes.create(me, {})).host, 'h2');

		await hosts.forceDown('h1', false);
		assert.equal((await hosts.show('h1')).up, true);
		assert.deepEqual(
			(await link.assignments('h1')).map(({ sandboxId }) => sandboxId),
			[kept.id],
			'what was deleted meanwhile is none of its business, so it removes what is left',
		);
		assert.equal(await link.sandbox('h1', waiting.id), null);
	});

	test('are forgotten only when nothing is on them', async (t) => {
		const { hosts, service, one } = await twoHosts(t);
		const { id } = await service.sandboxes.create(me, { host: 'h1' });
		await one.settle();
		await assert.rejects(hosts.forget('h1'), code('conflict'));
		await service.sandboxes.delete(me, id, { force: false });
		await one.settle();
		await hosts.forget('h1');
		assert.deepEqual(
			(await hosts.list()).map(({ hostname }) => hostname),
			['h2'],
		);
		await assert.rejects(hosts.forget('h1'), code('zun-service-not-found'));
	});
});

describe('a sandbox that cannot be made', () => {
	test('is tried on another host, unless its host was asked for by name', async (t) => {
		const { service, one, two } = await twoHosts(t);
		one.failures.set('sandbox.create', 'no room after all');
		const settle = async () => {
			await one.settle();
			await two.settle();
		};
		const chosen = await service.sandboxes.create(me, { host: 'h1' });
		const member = await service.containers.create(me, { image: 'busybox', host: 'h1', run: true });
		await settle();
		for (const failed of [await service.sandboxes.show(me, chosen.id), await service.sandboxes.show(me, member.sandboxId)]) {
			assert.deepEqual([failed.status, failed.statusReason, failed.host], ['Error', 'no room after all', null]);
		}
		assert.equal((await service.containers.show(me, member.id)).status, 'Error');

		const anywhere = await service.sandboxes.create(me, {});
		assert.equal(anywhere.host, 'h1');
		await settle();
		const made = await service.sandboxes.show(me, anywhere.id);
		assert.deepEqual([made.status, made.host], ['Running', 'h2']);
	});
});
