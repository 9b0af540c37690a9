import { spawn } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { atMost, type Figure, type Measurement } from '../support/figure.ts';
import { cpuTimeOf, memoryOf } from '../support/process.ts';
import { MeasuredService } from '../support/service.ts';
import { median, quantile, timed } from '../support/statistics.ts';

const sandboxes = 1000;
const containersEach = 3;
/** Requests under way at once. */
const lanes = 8;
const lists = 21;
/** ms. */
const settling = 5_000;
const idleFor = 20_000;

/** A thousand sandboxes with three containers each, made, listed, left alone and deleted; the driver takes no time. */
export const scale: Measurement = {
	name: 'scale',
	async measure(say) {
		const service = await MeasuredService.start({ driver: 'fake' });
		try {
			say(`making ${sandboxes} sandboxes with ${containersEach} containers each`);
			const making = await timed(() => makeAll(service));
			say('listing them');
			const cold = await timeLists(service, true);
			const warm = await timeLists(service, false);
			say(`leaving them alone for ${idleFor / 1000} s`);
			const idle = await idleShare(service.pid);
			say('deleting them');
			const deleting = await timed(() => deleteAll(service));
			const memory = await memoryOf(service.pid);
			const perSecond = (count: number, ms: number): number => (count / ms) * 1000;
			return [
				plain(
					'sandboxes with 3 containers each: creates a second, until all run',
					perSecond(sandboxes * (1 + containersEach), making),
					'/s',
				),
				plain('sandboxes with 3 containers each: deletes a second, until all are gone', perSecond(sandboxes, deleting), '/s'),
				{ ...plain('list of 1,000 sandboxes after a change, p50', median(cold), 'ms'), promise: atMost(100) },
				plain('list of 1,000 sandboxes after a change, p90', quantile(cold, 0.9), 'ms'),
				plain('list of 1,000 sandboxes when nothing changed, p50', median(warm), 'ms'),
				{
					...plain('memory of the service, the most that it ever held', memory.most, 'MiB'),
					// 250 MB.
					promise: atMost(238),
					peer: { name: 'node with nothing to do', value: await idleNode() },
				},
				{ ...plain('CPU of the idle service with 3,000 containers', idle, '%'), promise: atMost(1) },
			];
		} finally {
			await service.remove();
		}
	},
};

function plain(name: string, value: number, unit: Figure['unit']): Figure {
	return { name, value, unit, peer: null, promise: null };
}

async function makeAll(service: MeasuredService): Promise<void> {
	const { client } = service;
	const last: string[] = [];
	await inLanes(sandboxes, async (index) => {
		const sandbox = String(
			(await client.ok('POST', '/v1/sandboxes', { name: `s${index}`, labels: { index: String(index) } })).body['uuid'],
		);
		for (let member = 0; member < containersEach; member += 1) {
			const request = { sandbox, image: 'zunbox/busybox:latest', command: ['sleep', '86400'], cpu: 0.1, memory: 16 };
			last.push(String((await client.ok('POST', '/v1/containers?run=true', request)).body['uuid']));
		}
	});
	await inLanes(last.length, async (index) => {
		const { body } = await client.ok('GET', `/v1/containers/${last[index]}?wait=Running&timeout=120`);
		if (body['status'] !== 'Running') throw new Error(`container ${last[index]} is ${body['status']}: ${body['status_reason']}`);
	});
}

async function deleteAll(service: MeasuredService): Promise<void> {
	const ids = await service.sandboxIds();
	await inLanes(ids.length, async (index) => {
		await service.client.ok('DELETE', `/v1/sandboxes/${ids[index]}?force=true`);
	});
	await service.until('all sandboxes are gone', async () => (await service.sandboxIds()).length === 0);
}

/** ms of each list; `changed` = something was changed just before, so that no earlier answer holds. */
async function timeLists(service: MeasuredService, changed: boolean): Promise<readonly number[]> {
	const { client } = service;
	const samples: number[] = [];
	for (let count = 0; count < lists; count += 1) {
		if (changed) await client.ok('PATCH', '/v1/sandboxes/s0', { labels: { count: String(count) } });
		samples.push(
			await timed(async () => {
				const { body } = await client.ok('GET', '/v1/sandboxes?limit=1000');
				const listed = body['sandboxes'];
				if (!Array.isArray(listed) || listed.length !== sandboxes) throw new Error('the list is not whole');
			}),
		);
	}
	return samples;
}

/** Share of one core that the process uses while nobody asks for anything, in %. */
async function idleShare(pid: number): Promise<number> {
	await delay(settling);
	const before = await cpuTimeOf(pid);
	const took = await timed(() => delay(idleFor));
	return (((await cpuTimeOf(pid)) - before) / took) * 100;
}

/** MiB of a process of Node.js that has nothing loaded. */
async function idleNode(): Promise<number> {
	const child = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60_000)'], { stdio: 'ignore' });
	try {
		await delay(1_000);
		return (await memoryOf(child.pid ?? 0)).most;
	} finally {
		child.kill('SIGKILL');
	}
}

/** Does the work for 0 … count - 1, some at once. */
async function inLanes(count: number, work: (index: number) => Promise<void>): Promise<void> {
	let next = 0;
	await Promise.all(
		Array.from({ length: lanes }, async () => {
			while (next < count) await work(next++);
		}),
	);
}
