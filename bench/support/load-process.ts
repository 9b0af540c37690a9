/** The load process: `node load-process.ts <Load as JSON>` prints a LoadResult. It reads no more of an answer than its length. */
import { connect, type Socket } from 'node:net';
import type { Load, LoadResult } from './load.ts';
import { quantile } from './statistics.ts';

const load: Load = JSON.parse(process.argv[2] ?? '{}');
const headers = Object.entries({ host: `${load.host}:${load.port}`, ...load.headers })
	.map(([name, value]) => `${name}: ${value}\r\n`)
	.join('');
const requests = load.paths.map((path) => Buffer.from(`GET ${path} HTTP/1.1\r\n${headers}\r\n`));
const headEnd = Buffer.from('\r\n\r\n');

const from = performance.now() + load.warmUp;
const until = from + load.duration;
const latencies: number[] = [];
let turn = 0;

await Promise.all(Array.from({ length: load.connections }, () => ask(connect(load.port, load.host))));
const result: LoadResult = {
	perSecond: (latencies.length / load.duration) * 1000,
	p50: quantile(latencies, 0.5),
	p99: quantile(latencies, 0.99),
};
console.log(JSON.stringify(result));

/** Asks on one connection, one request after the other, until the time is up. */
function ask(socket: Socket): Promise<void> {
	return new Promise((resolve, reject) => {
		let began = 0;
		/** Bytes of the answer that are to come; null = its head is not complete. */
		let missing: number | null = null;
		let head: Buffer = Buffer.alloc(0);
		const next = (): void => {
			const now = performance.now();
			if (began >= from && now <= until) latencies.push(now - began);
			if (now >= until) {
				socket.destroy();
				resolve();
				return;
			}
			began = now;
			const request = requests[turn++ % requests.length];
			if (request !== undefined) socket.write(request);
		};
		socket.setNoDelay(true);
		socket.on('error', reject);
		socket.on('close', () => reject(new Error('the server closed a connection')));
		socket.on('connect', next);
		socket.on('data', (chunk) => {
			if (missing === null) {
				head = head.length === 0 ? chunk : Buffer.concat([head, chunk]);
				const end = head.indexOf(headEnd);
				if (end < 0) return;
				const text = head.toString('latin1', 0, end);
				if (!text.startsWith('HTTP/1.1 200')) throw new Error(`the server answered ${text.slice(0, 200)}`);
				missing = Number(/content-length: (\d+)/i.exec(text)?.[1]) - (head.length - end - headEnd.length);
				head = Buffer.alloc(0);
			} else missing -= chunk.length;
			if (missing > 0) return;
			missing = null;
			next();
		});
	});
}
