import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { atLeast, type Figure, type Measurement } from '../support/figure.ts';
import { type LoadResult, putLoad } from '../support/load.ts';
import { headersOf, MeasuredService, targetOf } from '../support/service.ts';
import { median } from '../support/statistics.ts';

/** The service has this core for itself, the load comes from the other. */
const serviceCore = 0;
const loadCore = 1;
const rounds = 3;
const containers = 100;
const image = 'zunbox/busybox:latest';

/** What one core of the service answers: a list of a hundred containers, and one of them. */
export const requests: Measurement = {
	name: 'requests',
	async measure(say) {
		const service = await MeasuredService.start({ driver: 'fake', core: serviceCore });
		try {
			const ids = await makeContainers(service);
			return [
				...(await measurePath(service, 'list of 100', ['/v1/containers'], 600, say)),
				...(await measurePath(
					service,
					'show',
					ids.map((id) => `/v1/containers/${id}`),
					4000,
					say,
				)),
			];
		} finally {
			await service.remove();
		}
	},
};

/** Ten sandboxes with ten containers each, all running. */
async function makeContainers(service: MeasuredService): Promise<readonly string[]> {
	const ids: string[] = [];
	for (let index = 0; index < containers / 10; index += 1) {
		await service.client.ok('POST', '/v1/sandboxes', { name: `s${index}`, labels: { tier: 'web' } });
		for (let member = 0; member < 10; member += 1) {
			const { body } = await service.client.ok('POST', '/v1/containers?run=true', {
				name: `s${index}-c${member}`,
				sandbox: `s${index}`,
				image,
				command: ['sleep', '3600'],
				environment: { MODE: 'production', PORT: '8080' },
				labels: { app: 'shop', tier: 'web' },
				cpu: 0.1,
				memory: 64,
			});
			ids.push(String(body['uuid']));
		}
	}
	for (const id of ids) await service.client.ok('GET', `/v1/containers/${id}?wait=Running&timeout=60`);
	return ids;
}

async function measurePath(
	service: MeasuredService,
	name: string,
	paths: readonly string[],
	promised: number,
	say: (message: string) => void,
): Promise<readonly Figure[]> {
	const sample = await service.client.ok('GET', paths[0] ?? '/');
	const file = path.join(service.folder, 'answer');
	await writeFile(file, sample.text);
	const peer = await startPeer(file);
	const load = { paths, headers: headersOf(service.token), connections: 8, duration: 2_000, warmUp: 500 };
	const ours: LoadResult[] = [];
	const theirs: LoadResult[] = [];
	const busy: LoadResult[] = [];
	try {
		for (let round = 0; round < rounds; round += 1) {
			say(`${name}, round ${round + 1} of ${rounds}`);
			ours.push(await putLoad({ ...load, ...targetOf(service.url) }, loadCore));
			theirs.push(await putLoad({ ...load, host: '127.0.0.1', port: peer.port }, loadCore));
			busy.push(await whileWriting(service, () => putLoad({ ...load, ...targetOf(service.url) }, loadCore)));
		}
	} finally {
		peer.process.kill('SIGTERM');
	}
	const middle = (results: readonly LoadResult[], key: keyof LoadResult): number => median(results.map((result) => result[key]));
	const bare = (key: keyof LoadResult) => ({ name: 'bare node:http, same bytes', value: middle(theirs, key) });
	return [
		{
			name: `${name}: requests a second on one core`,
			value: middle(ours, 'perSecond'),
			unit: '/s',
			peer: bare('perSecond'),
			promise: atLeast(promised),
		},
		{ name: `${name}: p99 with 8 connections`, value: middle(ours, 'p99'), unit: 'ms', peer: bare('p99'), promise: null },
		{
			name: `${name}: requests a second while something changes 20 times a second`,
			value: middle(busy, 'perSecond'),
			unit: '/s',
			peer: null,
			promise: null,
		},
	];
}

/** Changes a sandbox 20 times a second meanwhile, each of which makes all that is kept of earlier answers worthless. */
async function whileWriting<T>(service: MeasuredService, work: () => Promise<T>): Promise<T> {
	let over = false;
	const writing = (async () => {
		for (let count = 0; !over; count += 1) {
			await service.client.ok('PATCH', '/v1/sandboxes/s0', { labels: { count: String(count) } });
			await new Promise((resolve) => setTimeout(resolve, 50));
		}
	})();
	try {
		return await work();
	} finally {
		over = true;
		await writing;
	}
}

async function startPeer(file: string): Promise<{ readonly port: number; readonly process: ChildProcess }> {
	const server = path.join(import.meta.dirname, '../support/plain-server.ts');
	const child = spawn('taskset', ['-c', String(serviceCore), process.execPath, server, file], { stdio: ['ignore', 'pipe', 'inherit'] });
	const [line] = await once(child.stdout, 'data');
	return { port: Number(String(line)), process: child };
}
