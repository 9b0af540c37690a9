/**
 * The service is killed at each of its fail points, in every kind of request, and started again: what was asked for is
 * reached, once, and nothing is left behind in the engine, the kernel, on the disk or in the database.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { CrashWorker, type Death } from '../support/crash-worker.ts';
import { ensureBusybox } from '../support/docker.ts';

/** How many kinds of request a point that many of them pass is tried in. */
const requestsOfAPoint = 2;

let image: string;
const workers: CrashWorker[] = [];

before(async () => {
	image = await ensureBusybox();
});

after(async () => {
	for (const worker of workers) await worker.remove();
});

async function newWorker(): Promise<CrashWorker> {
	const worker = new CrashWorker(image);
	workers.push(worker);
	await worker.start();
	return worker;
}

/** Deaths for each life, one a step at the most. Which kinds of request a shared point is tried in follows from its place. */
function plan(passed: ReadonlyMap<string, readonly string[]>): readonly (readonly Death[])[] {
	const queues = new Map<string, Death[]>();
	const points = new Set([...passed.values()].flat());
	for (const point of points) {
		const among = [...passed].filter(([, list]) => list.includes(point)).map(([step]) => step);
		// The kinds with the fewest deaths so far, so that no step has many more than the others.
		among.sort((one, other) => (queues.get(one)?.length ?? 0) - (queues.get(other)?.length ?? 0));
		for (const step of among.slice(0, requestsOfAPoint)) queues.set(step, [...(queues.get(step) ?? []), { step, point }]);
	}
	const lives = Math.max(...[...queues.values()].map((queue) => queue.length));
	return Array.from({ length: lives }, (_, n) => [...queues.values()].flatMap((queue) => queue.slice(n, n + 1)));
}

test('killed at every fail point of every request, it reaches what was asked for and leaks nothing', async (t) => {
	const first = await newWorker();
	const passed = await first.learn();
	const lives = [...plan(passed)];
	const count = lives.flat().length;
	t.diagnostic(`${count} deaths at ${new Set([...passed.values()].flat()).size} points in ${lives.length} lives`);
	for (const subject of [
		'control.create-sandbox',
		'control.drop-sandbox',
		'agent.setUp.ports',
		'agent.tearDown.ports',
		'driver.docker.sandbox-create',
	]) {
		assert.ok(
			lives.flat().some(({ point }) => point.startsWith(subject)),
			`no point of ${subject} is passed`,
		);
	}
	const failures: unknown[] = [];
	const work = async (worker: CrashWorker): Promise<void> => {
		let current = worker;
		for (let deaths = lives.shift(); deaths !== undefined && failures.length < 5; deaths = lives.shift()) {
			try {
				await current.die(deaths);
			} catch (error) {
				failures.push(error);
				t.diagnostic(String(error));
				// What it has left would be found in every later life.
				current = await newWorker();
			}
		}
	};
	await Promise.all([work(first), work(await newWorker())]);
	if (failures.length > 0) throw new AggregateError(failures, `${failures.length} of ${count} deaths did harm`);
	assert.equal(
		workers.reduce((sum, worker) => sum + worker.deaths, 0),
		count,
	);
});
