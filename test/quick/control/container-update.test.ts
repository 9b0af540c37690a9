import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hostFacts, principal, startControl } from '../../support/control.ts';
import { ModelHost } from '../../support/model-host.ts';

test('labels and restart policy change while a container runs, and its host is told', async (t) => {
	const { link, service, close } = await startControl();
	t.after(close);
	await link.register(hostFacts('h1'));
	const me = principal('p1');
	const { id, sandboxId } = await service.containers.create(me, { image: 'busybox', labels: { old: '1' }, run: true });
	await new ModelHost(link, 'h1').settle();
	const before = await link.sandbox('h1', sandboxId);
	const restartPolicy = { name: 'on-failure', maximumRetryCount: 3 } as const;
	const changed = await service.containers.update(me, id, { labels: { tier: 'web' }, restartPolicy });
	assert.deepEqual([changed.labels, changed.restartPolicy, changed.status], [{ tier: 'web' }, restartPolicy, 'Running']);
	const told = await link.sandbox('h1', sandboxId);
	assert.notEqual(told?.version, before?.version);
	assert.deepEqual(told?.containers[0]?.restartPolicy, restartPolicy);
	// It is the same container: nothing of it is made anew.
	assert.equal(told?.containers[0]?.revision, before?.containers[0]?.revision);
	const list = (filters: Record<string, string>) => service.containers.list(me, { limit: 10, filters });
	assert.equal((await list({ 'label:tier': 'web' })).length, 1);
	assert.equal((await list({ 'label:old': '1' })).length, 0);
});

test('the environment of a container changes, and holds when it is rebuilt', async (t) => {
	const { link, service, close } = await startControl();
	t.after(close);
	await link.register(hostFacts('h1'));
	const host = new ModelHost(link, 'h1');
	const me = principal('p1');
	const { id, sandboxId } = await service.containers.create(me, { image: 'busybox', environment: { A: '1', B: '2' }, run: true });
	await host.settle();
	const changed = await service.containers.update(me, id, { environment: { A: '3' } });
	assert.deepEqual([changed.environment, changed.status], [{ A: '3' }, 'Running']);
	const before = (await link.sandbox('h1', sandboxId))?.containers[0];
	assert.equal(before?.operation, null, 'what runs is left alone');
	await service.containers.rebuild(me, id, { image: null, imageDriver: null });
	const told = (await link.sandbox('h1', sandboxId))?.containers[0];
	assert.deepEqual([told?.environment, told?.revision], [{ A: '3' }, (before?.revision ?? 0) + 1]);
});

test('lists can be asked for a part of a name, from page to page', async (t) => {
	const { link, service, close } = await startControl();
	t.after(close);
	await link.register(hostFacts('h1'));
	const me = principal('p1');
	for (const name of ['shop-web-1', 'Shop-WEB-2', 'shop-db', '100%web_3']) {
		await service.containers.create(me, { name, image: name === 'shop-db' ? 'postgres:17' : 'nginx:1', run: false });
	}
	const list = async (filters: Record<string, string>, page: object = {}) =>
		(await service.containers.list(me, { limit: 10, filters, ...page })).map(({ name }) => name);
	assert.deepEqual(await list({ name_contains: 'web' }), ['shop-web-1', 'Shop-WEB-2', '100%web_3']);
	assert.deepEqual(await list({ name_contains: '%web_' }), ['100%web_3']);
	assert.deepEqual(await list({ image_contains: 'GRES' }), ['shop-db']);
	const [first] = await service.containers.list(me, { limit: 1, filters: { name_contains: 'web' } });
	assert.deepEqual(await list({ name_contains: 'web' }, { marker: first?.id }), ['Shop-WEB-2', '100%web_3']);
	await assert.rejects(list({ status_contains: 'x' }), /Unknown list parameter/);
});
