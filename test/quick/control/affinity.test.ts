import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { SqlPlacement } from '../../../src/control/sql-placement.ts';
import { hostFacts, principal, startControl } from '../../support/control.ts';

const me = principal('p1');

async function start(t: TestContext, options: Parameters<typeof startControl>[0] = {}) {
	const control = await startControl(options);
	t.after(() => control.close());
	return { ...control, create: control.service.sandboxes.create.bind(control.service.sandboxes, me) };
}

test('a sandbox is placed beside another or away from it, as its hints must have it or would like it', async (t) => {
	const { link, create } = await start(t);
	for (const name of ['h1', 'h2']) await link.register(hostFacts(name));
	const first = await create({ name: 'first', host: 'h2' });
	const hostOf = async (hints: Readonly<Record<string, unknown>>) => (await create({ hints })).host;
	// The other host is the emptier one: without a hint it would be chosen.
	assert.equal(await hostOf({ same_host: 'first' }), 'h2');
	assert.equal(await hostOf({ prefer_same_host: [first.id] }), 'h2');
	assert.equal(await hostOf({ different_host: first.id }), 'h1');
	assert.equal(await hostOf({ prefer_different_host: 'first' }), 'h1');

	const second = await create({ name: 'second', host: 'h1' });
	const nowhere = await create({ hints: { different_host: [first.id, 'second'] } });
	assert.deepEqual([nowhere.status, nowhere.host], ['Error', null]);
	assert.match(nowhere.statusReason ?? '', /2 hold a sandbox of different_host/);
	assert.ok(await hostOf({ prefer_different_host: [first.id, second.id] }), 'a wish does not forbid');
});

test('what a host has is overcommitted as often as its settings say', async (t) => {
	const { link, create } = await start(t, {
		deps: ({ now }) => ({
			placement: new SqlPlacement({ cpuRatio: 2, memoryRatio: 1.5, diskRatio: 1, strategy: 'spread', hostDownAfter: 60_000, now }),
		}),
	});
	await link.register(hostFacts('h1', { cpus: 4, memoryMib: 1000, diskGib: 10 }));
	const reasonOf = async (size: Readonly<Record<'cpu' | 'memory' | 'disk', number>>) => (await create(size)).statusReason;
	assert.match((await reasonOf({ cpu: 9, memory: 1, disk: 1 })) ?? '', /too few cores/);
	assert.match((await reasonOf({ cpu: 1, memory: 1501, disk: 1 })) ?? '', /too little memory/);
	assert.match((await reasonOf({ cpu: 1, memory: 1, disk: 11 })) ?? '', /too little disk/);
	assert.equal((await create({ cpu: 8, memory: 1500, disk: 10 })).host, 'h1');
});
