/**
 * The service and an engine of its own are killed at random moments, two hundred times, while several clients ask for
 * things at random. When all is at rest, the recorded history must fit what is there.
 *
 * ZUNBOX_TEST_CHAOS_SEED repeats a run's choices, ZUNBOX_TEST_CHAOS_KILLS changes the number of kills.
 */
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { CrashClient } from '../support/crash-client.ts';
import { judgeHistory, summary } from '../support/crash-history.ts';
import { type Entry, RandomLoad } from '../support/crash-load.ts';
import { SeededRandom } from '../support/crash-random.ts';
import { CrashService } from '../support/crash-service.ts';
import { engine, ensureBusybox } from '../support/docker.ts';
import { eventually } from '../support/eventually.ts';
import { differences, held, query, ruleDifferences } from '../support/leaks.ts';
import { PrivateEngine } from '../support/private-engine.ts';

const seed = Number(process.env['ZUNBOX_TEST_CHAOS_SEED'] ?? randomInt(2 ** 32));
const kills = Number(process.env['ZUNBOX_TEST_CHAOS_KILLS'] ?? 200);
/** One kill in so many is the engine's. */
const engineShare = 5;
const clients = 4;
/** ms for one kill and what follows it: some 1.5 s on a machine of its own, most of which a start of the service takes. */
const limitOfOne = 10_000;

/** No quota: what is refused is to be refused for its state. */
const environment = {
	...Object.fromEntries(
		['SANDBOXES', 'CONTAINERS', 'CPU', 'MEMORY', 'DISK', 'PORTS', 'NETWORKS', 'VOLUMES', 'VOLUME_GIGABYTES'].map((name) => [
			`ZUNBOX_QUOTA_${name}`,
			'-1',
		]),
	),
	ZUNBOX_CONTAINERS_UNIQUE_NAMES: 'true',
};

function say(line: string): void {
	console.log(`chaos: ${line}`);
}

async function answers(socket: string): Promise<boolean> {
	return (await engine('GET', '/_ping', { socket, timeout: 5000 })).status === 200;
}

/** How long things took, so that a slow run tells what it waited for. */
class Durations {
	readonly #taken = new Map<string, number[]>();

	async measure(what: string, work: () => Promise<unknown>): Promise<void> {
		const began = performance.now();
		await work();
		const taken = this.#taken.get(what) ?? [];
		this.#taken.set(what, taken);
		taken.push(Math.round(performance.now() - began));
	}

	/** The median and the longest of each, in ms, and their sum in s. */
	told(): string {
		const lines = [...this.#taken].map(([what, taken]) => {
			const sorted = taken.toSorted((one, other) => one - other);
			const sum = Math.round(taken.reduce((total, one) => total + one, 0) / 1000);
			return `${what}: ${sorted[sorted.length >> 1]} ms, at most ${sorted.at(-1)} ms, ${sum} s in all`;
		});
		return lines.join('; ');
	}
}

/** What no moment may show: names or addresses that two have at once. */
function doubles(database: string): readonly string[] {
	return [
		'select name from container group by project_id, name having count(*) > 1',
		'select ip_address from port_ip group by network_id, ip_address having count(*) > 1',
		'select host_port from published_port group by host, protocol, host_port having count(*) > 1',
	].flatMap((sql) => query(database, sql).map((row) => JSON.stringify(row)));
}

test(`${kills} kills under load lose nothing and do nothing twice (seed ${seed})`, { timeout: 120_000 + kills * limitOfOne }, async (t) => {
	say(`seed ${seed}`);
	const random = new SeededRandom(seed);
	const docker = new PrivateEngine();
	const service = new CrashService({ socket: docker.socket, environment });
	t.after(async () => {
		if (!docker.running) await docker.start();
		await eventually('the engine answers', () => answers(docker.socket), { timeout: 60_000 });
		try {
			await service.remove();
		} finally {
			// An engine that is left would keep this process from ending.
			await docker.remove();
		}
	});
	await docker.start();
	await eventually('the engine answers', () => answers(docker.socket), { timeout: 60_000 });
	const image = await ensureBusybox(docker.socket);
	await service.start();
	const client = new CrashClient(service);
	await client.login();

	const history: Entry[] = [];
	const over = new AbortController();
	const load = Array.from({ length: clients }, (_, number) =>
		new RandomLoad({ client, random: new SeededRandom(seed + 1 + number), number, image, history, signal: over.signal, pause: 250 }).run(),
	);
	const seen = new Set<string>();
	const watching = (async () => {
		while (!over.signal.aborted) {
			for (const double of doubles(service.database)) seen.add(double);
			await delay(200);
		}
	})();

	const took = new Durations();
	let done = 0;
	const began = performance.now();
	const count = (what: string): void => {
		done += 1;
		if (done % 20 !== 0) return;
		const passed = Math.round((performance.now() - began) / 1000);
		say(`${done} kills after ${passed} s, the last one of the ${what}; ${history.length} requests (${summary(history)}); ${took.told()}`);
	};
	const killService = async (): Promise<void> => {
		for (let n = 0; n < kills - Math.floor(kills / engineShare); n += 1) {
			await delay(100 + random.below(1000));
			await service.end();
			count('service');
			await delay(random.below(150));
			await took.measure('the service is back', () => service.start());
		}
	};
	const engineRandom = new SeededRandom(seed - 1);
	const killEngine = async (): Promise<void> => {
		for (let n = 0; n < Math.floor(kills / engineShare); n += 1) {
			await delay(500 + engineRandom.below(5000));
			await took.measure('the engine ends', () => docker.stop('SIGKILL'));
			count('engine');
			await delay(engineRandom.below(1000));
			await docker.start();
			// Now and then it is killed again while it comes up.
			if (engineRandom.chance(0.8)) {
				await took.measure('the engine is back', () =>
					eventually('the engine answers', () => answers(docker.socket), { timeout: 60_000, interval: 100 }),
				);
			}
		}
	};
	try {
		await Promise.all([killService(), killEngine()]);
	} finally {
		over.abort();
		await Promise.all([...load, watching]);
	}
	assert.deepEqual([...seen], [], 'given twice at one time');

	say(`${done} kills and ${history.length} requests are over (${summary(history)}); waiting for rest`);
	await eventually('the engine answers', () => answers(docker.socket), { timeout: 60_000 });
	await atRest(service);
	assert.deepEqual(judgeHistory(history, service.database), []);

	say('at rest, and the history fits; deleting everything');
	for (const { id } of query(service.database, 'select id from container')) await gone(client, `/v1/containers/${id}?force=true`);
	for (const { id } of query(service.database, 'select id from sandbox')) await gone(client, `/v1/sandboxes/${id}?force=true`);
	await atRest(service);
	for (const { id } of query(service.database, 'select id from volume')) await gone(client, `/v1/volumes/${id}`);
	await atRest(service);
	const left = await held(service);
	assert.deepEqual(
		Object.entries(left).filter(([, list]) => list.length > 0),
		[],
	);
});

async function gone(client: CrashClient, resource: string): Promise<void> {
	const { status, body } = await client.call(`DELETE ${resource}`);
	assert.ok(status <= 299 || status === 404, `DELETE ${resource} gave ${status}: ${JSON.stringify(body)}`);
}

async function atRest(service: CrashService): Promise<void> {
	await eventually(
		'all is at rest',
		async () => {
			const found = [...(await differences(service)), ...ruleDifferences(service)];
			if (found.length > 0) throw new Error(found.slice(0, 40).join('\n'));
			return true;
		},
		{ timeout: 120_000, interval: 500 },
	).catch((error: unknown) => {
		const cause = error instanceof Error ? String(error.cause) : '';
		throw new Error(`it did not come to rest: ${cause}\nThe service wrote:\n${service.output().slice(-5000)}`, { cause: error });
	});
}
