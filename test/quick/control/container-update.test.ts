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
