import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ZunboxError } from '../../../src/model/errors.ts';
import type { Event } from '../../../src/model/event.ts';
import type { SandboxReport } from '../../../src/model/spec.ts';
import { backUpFile } from '../../../src/store/backup.ts';
import { insertEvent } from '../../../src/store/events.ts';
import { hostFacts, principal, startControl } from '../../support/control.ts';
import { ModelHost } from '../../support/model-host.ts';

function code(expected: string) {
	return (error: unknown) => error instanceof ZunboxError && error.code === expected;
}

test('a sandbox ends when its time is up; the time stands still while it is paused', async (t) => {
	const control = await startControl();
	t.after(() => control.close());
	await control.link.register(hostFacts('h1'));
	const host = new ModelHost(control.link, 'h1');
	const { sandboxes, housekeeping } = control.service;
	const me = principal('p1');
	const { id } = await sandboxes.create(me, { expiresIn: 100 });
	await host.settle();
	control.advance(60_000);
	await sandboxes.pause(me, id);
	await host.settle();
	control.advance(3_600_000);
	await control.link.register(hostFacts('h1'));
	assert.equal(await housekeeping.expire(), 0);
	assert.equal((await sandboxes.show(me, id)).status, 'Paused');
	await sandboxes.unpause(me, id);
	await host.settle();
	control.advance(30_000);
	assert.equal(await housekeeping.expire(), 0);
	control.advance(15_000);
	await housekeeping.expire();
	await host.settle();
	await assert.rejects(sandboxes.show(me, id), code('sandbox-not-found'));
});

test('the time of a sandbox whose pause failed goes on', async (t) => {
	const control = await startControl();
	t.after(() => control.close());
	await control.link.register(hostFacts('h1'));
	const host = new ModelHost(control.link, 'h1');
	const { sandboxes, housekeeping } = control.service;
	const me = principal('p1');
	const { id } = await sandboxes.create(me, { expiresIn: 100 });
	await host.settle();
	control.advance(60_000);
	await sandboxes.pause(me, id);
	const spec = await control.link.sandbox('h1', id);
	assert.ok(spec?.operation);
	await control.link.report('h1', {
		sandboxId: id,
		version: spec.version,
		status: 'Running',
		statusReason: null,
		containers: [],
		removedContainers: [],
		removed: false,
		operations: [{ id: spec.operation.id, outcome: 'failed', error: 'it cannot be frozen', at: 0 }],
		activePorts: [],
		detachedVolumes: [],
	});
	const after = await sandboxes.show(me, id);
	assert.deepEqual([after.status, after.desiredStatus, after.expiresRemaining], ['Running', 'Running', null]);
	control.advance(30_000);
	assert.equal(await housekeeping.expire(), 0);
	control.advance(15_000);
	assert.equal(await housekeeping.expire(), 1);
});

test('a sandbox that could not be started says why, until it was', async (t) => {
	const control = await startControl();
	t.after(() => control.close());
	await control.link.register(hostFacts('h1'));
	const host = new ModelHost(control.link, 'h1');
	const { sandboxes } = control.service;
	const me = principal('p1');
	const { id } = await sandboxes.create(me, {});
	await host.settle();
	await sandboxes.stop(me, id, { timeout: 0 });
	await host.settle();
	await sandboxes.start(me, id);
	const spec = await control.link.sandbox('h1', id);
	assert.ok(spec?.operation);
	const seen: SandboxReport = {
		...{ sandboxId: id, version: spec.version, status: 'Stopped', statusReason: null, containers: [], removedContainers: [] },
		...{ removed: false, activePorts: [], detachedVolumes: [], operations: [] },
	};
	const operations = [{ id: spec.operation.id, outcome: 'failed' as const, error: 'it has no disk', at: Date.now() }];
	await control.link.report('h1', { ...seen, operations });
	for (let again = 0; again < 2; again += 1) {
		await control.link.report('h1', seen);
		const { status, statusReason } = await sandboxes.show(me, id);
		assert.deepEqual([status, statusReason], ['Stopped', 'start failed: it has no disk']);
	}
	await sandboxes.start(me, id);
	await host.settle();
	const { status, statusReason } = await sandboxes.show(me, id);
	assert.deepEqual([status, statusReason], ['Running', null]);
});

test('stop and start keep the address; containers come back by what was wanted of them', async (t) => {
	const control = await startControl();
	t.after(() => control.close());
	await control.link.register(hostFacts('h1'));
	const host = new ModelHost(control.link, 'h1');
	const { sandboxes, containers } = control.service;
	const me = principal('p1');
	const { id } = await sandboxes.create(me, { name: 'box' });
	const runs = await containers.create(me, { image: 'busybox', sandbox: id, run: true });
	const rests = await containers.create(me, { image: 'busybox', sandbox: id, run: false });
	await host.settle();
	const before = await sandboxes.show(me, id);
	await sandboxes.stop(me, id, { timeout: null });
	await host.settle();
	assert.equal((await sandboxes.show(me, id)).status, 'Stopped');
	assert.equal((await containers.show(me, runs.id)).status, 'Stopped');
	await assert.rejects(containers.start(me, runs.id), code('invalid-state-exception'));
	await assert.rejects(containers.create(me, { image: 'busybox', sandbox: id, run: true }), code('invalid-state-exception'));
	await sandboxes.start(me, id);
	await host.settle();
	const after = await sandboxes.show(me, id);
	assert.equal(after.status, 'Running');
	assert.deepEqual(after.addresses, before.addresses);
	assert.equal((await containers.show(me, runs.id)).status, 'Running');
	assert.equal((await containers.show(me, rests.id)).desiredStatus, 'Created');
});

test('watchers see every change of status once, in order, and resume where they stopped', async (t) => {
	const control = await startControl();
	t.after(() => control.close());
	await control.link.register(hostFacts('h1'));
	const host = new ModelHost(control.link, 'h1');
	const { sandboxes, events } = control.service;
	const me = principal('p1');
	const stop = new AbortController();
	const seen: Event[] = [];
	const watching = (async () => {
		for await (const event of events.watch(me, { after: 0, kind: 'sandbox' }, stop.signal)) {
			seen.push(event);
			if (event.kind === 'sandbox.deleted') stop.abort();
		}
	})();
	const { id } = await sandboxes.create(me, { name: 'box' });
	await sandboxes.create(principal('p2'), { name: 'foreign' });
	await host.settle();
	await sandboxes.delete(me, id, { force: false });
	await host.settle();
	await watching;
	assert.deepEqual(
		seen.map((event) => [event.kind, event.status]),
		[
			['sandbox.created', 'Creating'],
			['sandbox.status', 'Running'],
			['sandbox.status', 'Deleting'],
			['sandbox.deleted', 'Deleted'],
		],
	);
	const resumed: number[] = [];
	const again = new AbortController();
	for await (const event of events.watch(me, { after: seen[1]?.seq ?? 0, sandbox: id }, again.signal)) {
		resumed.push(event.seq);
		if (event.kind === 'sandbox.deleted') break;
	}
	assert.deepEqual(
		resumed,
		seen.slice(2).map((event) => event.seq),
	);
});

test('a watcher that passes over much of history lets others go on meanwhile', async (t) => {
	const control = await startControl();
	t.after(() => control.close());
	await control.store.transaction(async (tx) => {
		const event = { projectId: 'p1', sandboxId: null, containerId: null, status: null, reason: null, detail: {} };
		for (let n = 0; n < 1000; n += 1) await insertEvent(tx, { ...event, kind: 'much' }, Date.now());
		await insertEvent(tx, { ...event, kind: 'rare' }, Date.now());
	});
	const stop = new AbortController();
	const watching = control.service.events.watch(principal('p1'), { after: 0, kind: 'rare' }, stop.signal)[Symbol.asyncIterator]();
	setImmediate(() => stop.abort());
	assert.equal((await watching.next()).done, true);
});

test('on a host that was forced down a delete is over at once', async (t) => {
	const control = await startControl();
	t.after(() => control.close());
	await control.link.register(hostFacts('h1'));
	const me = principal('p1');
	const { id } = await control.service.sandboxes.create(me, {});
	await control.service.sandboxes.delete(me, id, { force: false });
	assert.equal((await control.service.sandboxes.show(me, id)).status, 'Deleting');
	const other = await control.service.sandboxes.create(me, {});
	await control.store.transaction(async (tx) => {
		await tx.updateTable('host').set({ forced_down: 1 }).execute();
	});
	await control.service.sandboxes.delete(me, other.id, { force: false });
	await assert.rejects(control.service.sandboxes.show(me, other.id), code('sandbox-not-found'));
	assert.equal(await control.link.sandbox('h1', other.id), null);
});

test('everything is there after the service starts anew', async (t) => {
	const { mkdtemp, rm } = await import('node:fs/promises');
	const directory = await mkdtemp('/tmp/zunbox-control-');
	t.after(() => rm(directory, { recursive: true }));
	const first = await startControl({ path: `${directory}/zunbox.db` });
	await first.link.register(hostFacts('h1'));
	const me = principal('p1');
	const sandbox = await first.service.sandboxes.create(me, { name: 'box' }, { key: 'k', fingerprint: 'f' });
	const copy = `${directory}/copy.db`;
	await backUpFile(`${directory}/zunbox.db`, copy, { replace: false });
	await first.close();
	for (const path of [`${directory}/zunbox.db`, copy]) {
		const second = await startControl({ path });
		const view = await second.service.sandboxes.show(me, 'box');
		assert.equal(view.id, sandbox.id);
		assert.deepEqual(view.addresses, sandbox.addresses);
		assert.equal((await second.service.sandboxes.create(me, { name: 'box' }, { key: 'k', fingerprint: 'f' })).id, sandbox.id);
		await second.close();
	}
});
