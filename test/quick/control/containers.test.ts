import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { ZunboxError } from '../../../src/model/errors.ts';
import type { ContainerReport, SandboxReport } from '../../../src/model/spec.ts';
import { hostFacts, principal, startControl } from '../../support/control.ts';
import { ModelHost } from '../../support/model-host.ts';

async function start(t: TestContext, options: Parameters<typeof startControl>[0] = {}) {
	const control = await startControl(options);
	t.after(() => control.close());
	await control.link.register(hostFacts('h1'));
	const host = new ModelHost(control.link, 'h1');
	return { ...control, host, containers: control.service.containers, sandboxes: control.service.sandboxes };
}

/** What an agent tells of a container that the engine has no more, while it cannot be made anew. */
function lostContainer(id: string, reason: string): ContainerReport {
	return {
		...{ id, status: 'Error', statusReason: reason, runtimeId: null, revision: 1, exitCode: null, oomKilled: false, health: null },
		...{ startedAt: null, finishedAt: null, restartCount: 0, command: null, entrypoint: null, workdir: null, hostname: null },
		...{ ports: [], pull: null, ended: false },
	};
}

function code(expected: string) {
	return (error: unknown) => error instanceof ZunboxError && error.code === expected;
}

test('a container without a sandbox gets one, which goes with it', async (t) => {
	const { containers, sandboxes, host, store } = await start(t);
	const me = principal('p1');
	const created = await containers.create(me, { image: 'busybox', run: true });
	assert.equal(created.status, 'Creating');
	assert.equal(created.host, 'h1');
	await host.settle();
	const running = await containers.show(me, created.id);
	assert.equal(running.status, 'Running');
	assert.equal(running.taskState, null);
	assert.equal(Object.keys(running.addresses).length, 1);
	assert.deepEqual(running.command, ['sh']);
	assert.equal((await sandboxes.show(me, created.sandboxId)).createdBy, 'container');

	await containers.delete(me, created.id, { force: true, stop: false, allProjects: false });
	await host.settle();
	await assert.rejects(containers.show(me, created.id), code('container-not-found'));
	await assert.rejects(sandboxes.show(me, created.sandboxId), code('sandbox-not-found'));
	for (const table of ['claim', 'port', 'port_ip', 'container', 'sandbox'] as const) {
		const left = await store.db
			.selectFrom(table)
			.select((eb) => eb.fn.countAll<number>().as('count'))
			.executeTakeFirstOrThrow();
		assert.equal(left.count, 0, `rows left in ${table}`);
	}
	const history = await containers.operations(me, created.id);
	assert.deepEqual(
		history.map((operation) => [operation.kind, operation.state]),
		[
			['delete', 'done'],
			['create', 'done'],
		],
	);
});

test('containers join a sandbox; what belongs to the sandbox is refused', async (t) => {
	const { containers, sandboxes, host } = await start(t);
	const me = principal('p1');
	const sandbox = await sandboxes.create(me, { name: 'box' });
	const one = await containers.create(me, { image: 'busybox', sandbox: 'box', run: true });
	assert.equal(one.sandboxId, sandbox.id);
	assert.equal(one.sandboxName, 'box');
	for (const extra of [{ nets: [{ network: 'default' }] }, { securityGroups: ['default'] }, { host: 'h1' }, { availabilityZone: 'nova' }]) {
		await assert.rejects(containers.create(me, { image: 'busybox', sandbox: 'box', run: true, ...extra }), code('invalid-value'));
	}
	await host.settle();
	await assert.rejects(sandboxes.delete(me, 'box', { force: false }), code('sandbox-in-use'));
	await sandboxes.delete(me, 'box', { force: true });
	await host.settle();
	await assert.rejects(containers.show(me, one.id), code('container-not-found'));
});

test('another project sees nothing; an administrator sees all', async (t) => {
	const { containers } = await start(t);
	const created = await containers.create(principal('p1'), { image: 'busybox', name: 'mine', run: false });
	await assert.rejects(containers.show(principal('p2'), created.id), code('container-not-found'));
	await assert.rejects(containers.show(principal('p2'), 'mine'), code('container-not-found'));
	assert.equal((await containers.show(principal('p2', ['admin']), 'mine')).id, created.id);
	const query = { limit: 10, filters: {} };
	assert.equal((await containers.list(principal('p2'), query)).length, 0);
	assert.equal((await containers.list(principal('p2', ['admin']), { ...query, allProjects: true })).length, 1);
	assert.equal((await containers.list(principal('p2'), { ...query, allProjects: true })).length, 0);
});

test('actions follow the state table and leave their trace', async (t) => {
	const { containers, host } = await start(t);
	const me = principal('p1');
	const { id } = await containers.create(me, { image: 'busybox', run: false });
	await assert.rejects(containers.start(me, id), code('invalid-state-exception'));
	await host.settle();
	assert.equal((await containers.show(me, id)).status, 'Created');
	await containers.start(principal('p1'), id);
	await host.settle();
	assert.equal((await containers.show(me, id)).status, 'Running');
	await containers.pause(principal('p1'), id);
	await host.settle();
	assert.equal((await containers.show(me, id)).status, 'Paused');
	await assert.rejects(containers.stop(me, id, { timeout: 1 }), code('invalid-state-exception'));
	await containers.unpause(principal('p1'), id);
	await host.settle();
	await containers.stop(principal('p1'), id, { timeout: 1 });
	await host.settle();
	const stopped = await containers.show(me, id);
	assert.equal(stopped.status, 'Stopped');
	assert.equal(stopped.exitCode, 137);
	const kinds = (await containers.operations(me, id)).map((operation) => operation.kind);
	assert.deepEqual(kinds, ['stop', 'unpause', 'pause', 'start', 'create']);
	await assert.rejects(containers.kill(me, id, { signal: 'NONSENSE' }), code('invalid-value'));
});

test('a process that ends by itself is Stopped, with its exit code; auto_remove removes it', async (t) => {
	const { containers, host } = await start(t);
	const me = principal('p1');
	const kept = await containers.create(me, { image: 'busybox', run: true });
	const removed = await containers.create(me, { image: 'busybox', run: true, autoRemove: true });
	await host.settle();
	host.end(kept.id, 3);
	host.end(removed.id, 0);
	await host.settle();
	await host.settle();
	const view = await containers.show(me, kept.id);
	assert.equal(view.status, 'Stopped');
	assert.equal(view.exitCode, 3);
	assert.equal(view.desiredStatus, 'Stopped');
	assert.match(view.statusDetail, /^Exited\(3\) .* ago \(error\)$/);
	await assert.rejects(containers.show(me, removed.id), code('container-not-found'));
});

test('what is wanted to run stays wanted, though it was lost with its sandbox and that cannot be made at once', async (t) => {
	const { containers, sandboxes, link, host } = await start(t);
	const me = principal('p1');
	const box = await sandboxes.create(me, {});
	const { id } = await containers.create(me, { image: 'busybox', run: true, sandbox: box.id });
	await host.settle();
	const spec = await link.sandbox('h1', box.id);
	assert.ok(spec !== null);
	const lost: SandboxReport = {
		...{ sandboxId: box.id, version: spec.version, status: 'Error', statusReason: 'not now', removedContainers: [], removed: false },
		...{ operations: [], activePorts: [], detachedVolumes: [] },
		containers: [lostContainer(id, 'Its sandbox cannot be made: not now')],
	};
	const after = await link.report('h1', lost);
	assert.deepEqual(
		after?.containers.map((container) => [container.id, container.goal]),
		[[id, 'Running']],
	);
	assert.equal((await containers.show(me, id)).status, 'Error');
	await host.round();
	const { status, statusReason } = await containers.show(me, id);
	assert.deepEqual([status, statusReason], ['Running', null]);
});

test('without a host the answer is Error with the reason, and nothing is held', async (t) => {
	const { containers, sandboxes, link, quotas, store } = await start(t);
	await link.register(hostFacts('h1', { driver: 'other' }));
	const me = principal('p1');
	const created = await containers.create(me, { image: 'busybox', run: true });
	assert.equal(created.status, 'Error');
	assert.match(created.statusReason ?? '', /There are not enough hosts available\. Of 1 hosts, 1 have another driver\./);
	assert.equal((await quotas.usage(store.db, 'p1')).ports, 0);
	await containers.delete(me, created.id, { force: false, stop: false, allProjects: false });
	await assert.rejects(sandboxes.show(me, created.sandboxId), code('sandbox-not-found'));
});

test('a sandbox whose making fails ends in Error with its reason and holds nothing; delete works', async (t) => {
	const { containers, sandboxes, host, quotas, store } = await start(t);
	const me = principal('p1');
	host.failures.set('sandbox.create', 'the engine has no room');
	const created = await containers.create(me, { image: 'busybox', run: true });
	await host.settle();
	const view = await containers.show(me, created.id);
	assert.equal(view.status, 'Error');
	assert.equal(view.statusReason, 'the engine has no room');
	const usage = await quotas.usage(store.db, 'p1');
	assert.deepEqual([usage.cpu, usage.memory, usage.ports], [0, 0, 0]);
	host.failures.clear();
	await containers.delete(me, created.id, { force: false, stop: false, allProjects: false });
	await host.settle();
	await assert.rejects(sandboxes.show(me, created.sandboxId), code('sandbox-not-found'));
});

test('a sandbox that one host refuses is made on another', async (t) => {
	const { sandboxes, host, link } = await start(t);
	await link.register(hostFacts('h2', { cpus: 1, memoryMib: 1024 }));
	const me = principal('p1');
	host.failures.set('sandbox.create', 'the engine is broken');
	const first = await sandboxes.create(me, { name: 'box', cpu: 1 });
	const other = new ModelHost(link, first.host === 'h1' ? 'h2' : 'h1');
	const refusing = first.host === 'h1' ? host : new ModelHost(link, 'h2');
	refusing.failures.set('sandbox.create', 'the engine is broken');
	await refusing.settle();
	await other.settle();
	const view = await sandboxes.show(me, 'box');
	assert.equal(view.status, 'Running');
	assert.notEqual(view.host, first.host);
});

test('a failed pull is on the container with its reason; a failed rebuild leaves what was there', async (t) => {
	const { containers, host } = await start(t);
	const me = principal('p1');
	const good = await containers.create(me, { image: 'busybox', run: true });
	await host.settle();
	host.failures.set('container.create', 'image nope could not be found');
	host.failures.set('container.rebuild', 'image nope could not be found');
	const bad = await containers.create(me, { image: 'nope', run: true });
	await host.settle();
	const failed = await containers.show(me, bad.id);
	assert.equal(failed.status, 'Error');
	assert.equal(failed.statusReason, 'image nope could not be found');
	await containers.rebuild(me, good.id, { image: 'nope', imageDriver: null });
	assert.equal((await containers.show(me, good.id)).status, 'Rebuilding');
	await host.settle();
	const back = await containers.show(me, good.id);
	assert.equal(back.image, 'busybox');
	assert.match(back.statusReason ?? '', /rebuild failed: image nope/);
	host.failures.clear();
	await host.settle();
	assert.equal((await containers.show(me, good.id)).desiredStatus, 'Running');
	await containers.delete(me, bad.id, { force: false, stop: false, allProjects: false });
	await host.settle();
	await assert.rejects(containers.show(me, bad.id), code('container-not-found'));
});

test('a repeated create under one idempotency key answers with the first one', async (t) => {
	const { containers } = await start(t);
	const me = principal('p1');
	const key = { key: 'k1', fingerprint: 'f1' };
	const first = await containers.create(me, { image: 'busybox', run: true }, key);
	const again = await containers.create(principal('p1'), { image: 'busybox', run: true }, key);
	assert.equal(again.id, first.id);
	await assert.rejects(
		containers.create(me, { image: 'other', run: true }, { key: 'k1', fingerprint: 'f2' }),
		code('idempotency-key-reused'),
	);
	const elsewhere = await containers.create(principal('p2'), { image: 'busybox', run: true }, key);
	assert.notEqual(elsewhere.id, first.id);
});

test('200 creates at once at the limit never pass it, and a delete frees at once', async (t) => {
	const { containers, quotas, store, host } = await start(t, { quotas: { containers: 20 } });
	const results = await Promise.allSettled(
		Array.from({ length: 200 }, () => containers.create(principal('p1'), { image: 'busybox', run: true })),
	);
	const made = results.filter((result) => result.status === 'fulfilled');
	assert.equal(made.length, 20);
	for (const result of results) if (result.status === 'rejected') assert.ok(code('over-quota')(result.reason), String(result.reason));
	assert.equal((await quotas.usage(store.db, 'p1')).containers, 20);
	await host.settle();
	const victim = made[0];
	assert.ok(victim?.status === 'fulfilled');
	await containers.delete(principal('p1'), victim.value.id, { force: true, stop: false, allProjects: false });
	await host.settle();
	await containers.create(principal('p1'), { image: 'busybox', run: true });
});

test('pages follow one another with filters and in both directions', async (t) => {
	const { containers } = await start(t);
	const me = principal('p1');
	for (let index = 0; index < 7; index += 1) {
		await containers.create(me, {
			image: index % 2 === 0 ? 'even' : 'odd',
			name: `c${6 - index}`,
			labels: { parity: String(index % 2) },
			run: false,
		});
	}
	const names: string[] = [];
	let marker: string | undefined;
	for (;;) {
		const page = await containers.list(me, {
			limit: 2,
			sortKey: 'name',
			filters: { image: 'even' },
			...(marker === undefined ? {} : { marker }),
		});
		names.push(...page.map((container) => container.name));
		if (page.length < 2) break;
		marker = page.at(-1)?.id;
	}
	assert.deepEqual(names, ['c0', 'c2', 'c4', 'c6']);
	const backwards = await containers.list(me, { limit: 10, sortKey: 'name', sortDir: 'desc', filters: { 'label:parity': '1' } });
	assert.deepEqual(
		backwards.map((container) => container.name),
		['c5', 'c3', 'c1'],
	);
	await assert.rejects(containers.list(me, { limit: 1, sortKey: 'nonsense', filters: {} }), code('invalid-parameter-value'));
	await assert.rejects(containers.list(me, { limit: 1, filters: { nonsense: '1' } }), code('invalid-value'));
	await assert.rejects(containers.list(me, { limit: 1, marker: 'nonsense', filters: {} }), code('invalid-value'));
});

test('a wait answers when the status is there, or cannot come any more', async (t) => {
	const { containers, host } = await start(t);
	const me = principal('p1');
	const { id } = await containers.create(me, { image: 'busybox', run: true });
	const waiting = containers.wait(me, id, 'Running', 30_000, new AbortController().signal);
	await host.settle();
	assert.equal((await waiting).status, 'Running');
	const never = await containers.wait(me, id, 'Paused', 30_000, new AbortController().signal);
	assert.equal(never.status, 'Running');
	const deleted = containers.wait(me, id, 'Stopped', 30_000, new AbortController().signal);
	await containers.delete(me, id, { force: true, stop: false, allProjects: false });
	await host.settle();
	await assert.rejects(deleted, code('container-not-found'));
});

test('a delete waits for nothing that was asked before it, however long that takes', async (t) => {
	const control = await startControl();
	t.after(() => control.close());
	await control.link.register(hostFacts('h1'));
	const me = principal('p1');
	const { containers, sandboxes } = control.service;
	const { id: box } = await sandboxes.create(me, {});
	const { id } = await containers.create(me, { image: 'busybox', sandbox: box, run: true });
	await containers.delete(me, id, { force: false, stop: true, allProjects: false });
	await containers.delete(me, id, { force: true, stop: false, allProjects: false });
	const wanted = (await control.link.sandbox('h1', box))?.containers[0];
	assert.deepEqual([wanted?.goal, wanted?.operation?.kind, wanted?.operation?.args.stop], ['Deleted', 'delete', false]);
	const states = async (target: string) =>
		(await control.store.db.selectFrom('operation').selectAll().where('target_id', '=', target).orderBy('seq').execute()).map(
			({ kind, state, error }) => [kind, state, error],
		);
	assert.deepEqual((await states(id))[0], ['create', 'failed', 'It was deleted meanwhile.']);
	await sandboxes.delete(me, box, { force: true });
	assert.equal((await control.link.sandbox('h1', box))?.goal, 'Deleted');
	await new ModelHost(control.link, 'h1').settle();
	await assert.rejects(sandboxes.show(me, box), code('sandbox-not-found'));
	assert.deepEqual(
		(await states(id)).map(([kind, state]) => `${kind} ${state}`),
		['create failed', 'delete done', 'delete done'],
	);
});

test('only so much is queued for one container; its delete is always taken', async (t) => {
	const { containers, host } = await start(t);
	const me = principal('p1');
	const { id } = await containers.create(me, { image: 'busybox', run: true });
	await host.settle();
	for (let n = 0; n < 32; n += 1) await containers.kill(me, id, { signal: 'SIGHUP' });
	await assert.rejects(containers.kill(me, id, { signal: 'SIGHUP' }), code('too-many-requests'));
	await containers.delete(me, id, { force: true, stop: false, allProjects: false });
	await host.settle();
	await assert.rejects(containers.show(me, id), code('container-not-found'));
});

test('auto_remove removes what was stopped while something else waited', async (t) => {
	const { containers, host } = await start(t);
	const me = principal('p1');
	const { id } = await containers.create(me, { image: 'busybox', run: true, autoRemove: true });
	await host.settle();
	await containers.stop(me, id, { timeout: null });
	await containers.update(me, id, { memory: 64 });
	await host.settle();
	await assert.rejects(containers.show(me, id), code('container-not-found'));
});

test('what no host offers is refused; a container has a limit of processes', async (t) => {
	const { containers } = await start(t);
	const me = principal('p1');
	await assert.rejects(containers.create(me, { image: 'busybox', run: true, cpuPolicy: 'dedicated' }), code('invalid-value'));
	assert.equal((await containers.create(me, { image: 'busybox', run: true })).pids, 4096);
	assert.equal((await containers.create(me, { image: 'busybox', run: true, pids: 64 })).pids, 64);
});

test('the marker of a page is one of the things that the caller can list', async (t) => {
	const { containers } = await start(t);
	const foreign = await containers.create(principal('p2'), { image: 'busybox', run: false });
	await assert.rejects(containers.list(principal('p1'), { limit: 1, marker: foreign.id, filters: {} }), code('invalid-value'));
	const admin = principal('p1', ['admin']);
	assert.deepEqual(await containers.list(admin, { limit: 1, marker: foreign.id, allProjects: true, filters: {} }), []);
});
