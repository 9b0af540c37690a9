import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EventTail } from '../../../src/control/event-tail.ts';
import type { Event } from '../../../src/model/event.ts';
import { insertEvent } from '../../../src/store/events.ts';
import { principal, startControl } from '../../support/control.ts';
import { eventually } from '../../support/eventually.ts';

const nobody = { sandboxId: null, containerId: null, status: null, reason: null };

test('the newest events are read once for all who watch, and none is left out for who is behind', async (t) => {
	const { store, close } = await startControl();
	t.after(close);
	const write = (count: number) =>
		store.transaction(async (tx) => {
			for (let n = 0; n < count; n += 1) await insertEvent(tx, { ...nobody, projectId: 'p1', kind: 'test', detail: { n } }, Date.now());
		});
	await write(3);
	const tail = new EventTail(store, 10);
	assert.equal(await tail.last(), 3);
	assert.equal(await tail.after(2), null, 'what was before it is not in memory');
	assert.deepEqual(await tail.after(3), []);
	await write(5);
	const [one, other] = await Promise.all([tail.after(3), tail.after(6)]);
	assert.deepEqual(
		[one?.map(({ seq }) => seq), other?.map(({ seq }) => seq)],
		[
			[4, 5, 6, 7, 8],
			[7, 8],
		],
	);
	assert.equal(one?.at(-1), other?.at(-1), 'it is the very same event');
	await write(1200);
	assert.equal((await tail.after(1200))?.length, 8);
	assert.equal(await tail.after(1190), null);
	assert.equal((await tail.after(1198))?.length, 10);
	assert.deepEqual(await tail.after(9999), []);
	assert.equal(await tail.last(), 1208);
});

test('watchers of many projects hear of their own events, each once and in order', async (t) => {
	const { store, service, close } = await startControl();
	t.after(close);
	const ended = new AbortController();
	t.after(() => ended.abort());
	const heard = new Map<string, Event[]>();
	const watchers = ['p1', 'p2', 'p3'].flatMap((project) =>
		[null, 0].map(async (after, index) => {
			const mine: Event[] = [];
			heard.set(`${project} ${index}`, mine);
			for await (const event of service.events.watch(principal(project), { after }, ended.signal)) mine.push(event);
		}),
	);
	const write = (projectId: string) =>
		store.transaction((tx) => insertEvent(tx, { ...nobody, projectId, kind: 'test.noted', detail: {} }, Date.now()));
	for (let n = 0; n < 300; n += 1) await write(`p${1 + (n % 3)}`);
	const lastOf = (project: string | undefined) => 297 + Number(project?.slice(1));
	await eventually('all are heard', () => [...heard].every(([who, mine]) => mine.at(-1)?.seq === lastOf(who.split(' ')[0])));
	ended.abort();
	await Promise.allSettled(watchers);
	for (const [who, mine] of heard) {
		const [project] = who.split(' ');
		assert.ok(mine.every((event) => event.projectId === project));
		const numbers = mine.map(({ seq }) => seq);
		assert.deepEqual(
			numbers,
			[...new Set(numbers)].sort((a, b) => a - b),
		);
		if (who.endsWith(' 1')) assert.equal(mine.length, 100, 'who resumes hears all');
	}
});
