/**
 * Thousands of deaths in memory: the real control over a database file and the real agent, over an engine, networks and
 * volumes in memory, end at any call that has an effect, before or after it, in the midst of random requests.
 *
 * ZUNBOX_TEST_CRASH_SEED repeats a run's choices.
 */
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { ZunboxError } from '../../src/model/errors.ts';
import { principal } from '../support/control.ts';
import { MemoryInstallation } from '../support/crash-memory.ts';
import { MortalProcess } from '../support/crash-mortal.ts';
import { SeededRandom } from '../support/crash-random.ts';
import { eventually } from '../support/eventually.ts';
import { query } from '../support/leaks.ts';

const seed = Number(process.env['ZUNBOX_TEST_CRASH_SEED'] ?? randomInt(2 ** 32));
const deathsWanted = 2000;
/** ms; a slow machine makes fewer deaths. */
const timeLimit = 60_000;
const me = principal('project-of-ann');
const image = 'zunbox/busybox:latest';

/** One random request. What is refused for the state of its target is as good as what is taken. */
async function request(
	world: MemoryInstallation,
	random: SeededRandom,
	made: { sandboxes: string[]; containers: string[] },
): Promise<void> {
	const { sandboxes, containers } = world.control.service;
	const sandbox = random.pick(made.sandboxes);
	const container = random.pick(made.containers);
	const action = random.weighted({
		...{ 'create sandbox': 3, 'create container': 6, 'delete sandbox': 1.5, 'delete container': 2.5 },
		...{ stop: 2, start: 3, pause: 1, unpause: 2, reboot: 1, kill: 1, rebuild: 1, 'stop sandbox': 1, 'start sandbox': 2 },
		...{ 'pause sandbox': 0.7, 'unpause sandbox': 1.5 },
	});
	try {
		if (action === 'create sandbox' && made.sandboxes.length < 3) {
			made.sandboxes.push((await sandboxes.create(me, { volumes: [{ size: 1 }] })).id);
		} else if (action === 'create container' && made.containers.length < 6) {
			const mounts = random.chance(0.3) ? [{ type: 'bind' as const, source: 'YQ==', destination: '/a' }] : [];
			const place = sandbox === undefined || random.chance(0.3) ? {} : { sandbox };
			const input = {
				image,
				imagePullPolicy: 'ifnotpresent' as const,
				command: ['sleep', '1000'],
				run: random.chance(0.8),
				mounts,
				...place,
			};
			made.containers.push((await containers.create(me, input)).id);
		} else if (action === 'delete sandbox' && sandbox !== undefined) await sandboxes.delete(me, sandbox, { force: true });
		else if (action === 'delete container' && container !== undefined) {
			await containers.delete(me, container, { force: random.chance(0.5), stop: true, allProjects: false });
		} else if (action === 'stop sandbox' && sandbox !== undefined) await sandboxes.stop(me, sandbox, { timeout: 0 });
		else if (action === 'start sandbox' && sandbox !== undefined) await sandboxes.start(me, sandbox);
		else if (action === 'pause sandbox' && sandbox !== undefined) await sandboxes.pause(me, sandbox);
		else if (action === 'unpause sandbox' && sandbox !== undefined) await sandboxes.unpause(me, sandbox);
		else if (container === undefined) return;
		else if (action === 'stop' || action === 'reboot') await containers[action](me, container, { timeout: 0 });
		else if (action === 'start' || action === 'pause' || action === 'unpause') await containers[action](me, container);
		else if (action === 'kill') await containers.kill(me, container, { signal: null });
		else if (action === 'rebuild') await containers.rebuild(me, container, { image: null, imageDriver: null });
	} catch (error) {
		if (!(error instanceof ZunboxError)) throw error;
	}
}

/** What stands in the database and in the engine for one another. */
function assertStatuses(world: MemoryInstallation): void {
	const real = world.statuses();
	for (const row of query(world.database, 'select id, status from container')) {
		const expected: Readonly<Record<string, string>> = { Running: 'running', Stopped: 'stopped', Paused: 'paused', Created: 'created' };
		const right = expected[String(row['status'])];
		if (right !== undefined) assert.equal(real.get(String(row['id'])), right, `container ${row['id']}`);
	}
}

/** One installation that dies again and again, then comes to rest and is emptied. Answers how often it died. */
async function liveAndDie(world: MemoryInstallation, random: SeededRandom): Promise<number> {
	let deaths = 0;
	const made = { sandboxes: [] as string[], containers: [] as string[] };
	const look = (): void => {
		made.sandboxes = ids(world, "select id from sandbox where created_by = 'user'");
		made.containers = ids(world, 'select id from container');
	};
	for (let n = 0; n < 25; n += 1) {
		const life = new MortalProcess(1 + random.below(6), random.chance(0.5) ? 'before' : 'after');
		await world.start(life);
		for (let asked = 0; asked < 12 && !life.dead; asked += 1) {
			await request(world, random, made);
			if (random.chance(0.5)) await Promise.race([life.crashed, delay(random.below(20))]);
		}
		await Promise.race([life.crashed, delay(500)]);
		if (life.dead) deaths += 1;
		await world.end();
		look();
	}
	await world.start(new MortalProcess(0, 'before'));
	await atRest(world);
	assertStatuses(world);
	const { containers, sandboxes } = world.control.service;
	for (const id of ids(world, 'select id from container'))
		await containers.delete(me, id, { force: true, stop: false, allProjects: false });
	await atRest(world);
	for (const id of ids(world, 'select id from sandbox')) await sandboxes.delete(me, id, { force: true });
	await atRest(world);
	assert.deepEqual(ids(world, 'select id from sandbox union select id from port union select id from volume'), []);
	return deaths;
}

function ids(world: MemoryInstallation, sql: string): string[] {
	return query(world.database, sql).map((row) => String(row['id']));
}

async function atRest(world: MemoryInstallation): Promise<void> {
	await eventually('all is at rest', () => {
		const found = world.differences();
		if (found.length > 0) throw new Error(found.join('\n'));
		return true;
	});
}

test(`thousands of deaths at any call leave what was asked for and nothing else (seed ${seed})`, { timeout: 300_000 }, async (t) => {
	const began = performance.now();
	let deaths = 0;
	let round = 0;
	const work = async (): Promise<void> => {
		while (deaths < deathsWanted && performance.now() - began < timeLimit) {
			round += 1;
			const where = `round ${round} of seed ${seed}`;
			const world = new MemoryInstallation();
			try {
				const died = await liveAndDie(world, new SeededRandom(seed + round));
				deaths += died;
			} catch (error) {
				const what = error instanceof Error ? `${error.message}: ${error.cause}` : String(error);
				throw new Error(`${where}: ${what}`, { cause: error });
			} finally {
				await world.end();
				world.remove();
			}
		}
	};
	await Promise.all(Array.from({ length: 8 }, work));
	t.diagnostic(`${deaths} deaths in ${round} rounds and ${Math.round((performance.now() - began) / 1000)} s`);
	assert.ok(deaths > 50, 'it dies often');
});
