/**
 * The service is killed at each of its fail points, in every kind of request, and started again: what was asked for is
 * reached, once, and nothing is left behind in the engine, the kernel, on the disk or in the database.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { CrashWorker, type Death } from '../support/crash-worker.ts';
import { ensureBusybox } from '../support/docker.ts';

/** As long as it has not run for longer, points are tried in another kind of request too, in ms. */
const timeForMore = 120_000;

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

/**
 * Deaths for each life, one a step at the most: first every point once, then those that several kinds of request pass in
 * another one. Each goes to the step that has the fewest so far.
 */
function plan(passed: ReadonlyMap<string, readonly string[]>): Record<'first' | 'more', (readonly Death[])[]> {
	const rounds = [new Map<string, Death[]>(), new Map<string, Death[]>()] as const;
	for (const point of new Set([...passed.values()].flat())) {
		const among = [...passed].filter(([, list]) => list.includes(point)).map(([step]) => step);
		for (const queues of rounds) {
			const count = (step: string): number => queues.get(step)?.length ?? 0;
			const [step] = among.sort((one, other) => count(one) - count(other));
			if (step === undefined) continue;
			queues.set(step, [...(queues.get(step) ?? []), { step, point }]);
			among.shift();
		}
	}
	const lives = (queues: ReadonlyMap<string, readonly Death[]>): (readonly Death[])[] => {
		const longest = Math.max(...[...queues.values()].map((queue) => queue.length));
		return Array.from({ length: longest }, (_, n) => [...queues.values()].flatMap((queue) => queue.slice(n, n + 1)));
	};
	return { first: lives(rounds[0]), more: lives(rounds[1]) };
}

test('killed at every fail point of every request, it reaches what was asked for and leaks nothing', async (t) => {
	const first = await newWorker();
	const passed = await first.learn();
	const points = new Set([...passed.values()].flat());
	const { first: lives, more } = plan(passed);
	t.diagnostic(`${points.size} points; ${lives.length} lives for each of them once, ${more.length} for another time`);
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
	const began = performance.now();
	const failures: unknown[] = [];
	const work = async (worker: CrashWorker): Promise<void> => {
		let current = worker;
		const next = (): readonly Death[] | undefined => lives.shift() ?? (performance.now() - began < timeForMore ? more.shift() : undefined);
		for (let deaths = next(); deaths !== undefined && failures.length < 5; deaths = next()) {
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
	const count = workers.reduce((sum, worker) => sum + worker.deaths, 0);
	t.diagnostic(`${count} deaths in ${Math.round((performance.now() - began) / 1000)} s`);
	if (failures.length > 0) throw new AggregateError(failures, `${failures.length} of ${count} deaths did harm`);
	const missed = [...points].filter((point) => !workers.some((worker) => worker.died.has(point)));
	// What is done now and then happens to be passed while points are learned, and may not be when it is to be killed there.
	assert.ok(missed.length <= points.size / 20, `not passed again: ${missed.join(', ')}`);
});
