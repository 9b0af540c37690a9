/** Many terminals at once, large streams and slow readers: the service as a process of its own, on real Docker. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, type TestContext, test } from 'node:test';
import { CrashClient, textOf } from '../../support/crash-client.ts';
import { CrashService } from '../../support/crash-service.ts';
import { ensureBusybox } from '../../support/docker.ts';
import { eventually } from '../../support/eventually.ts';
import { forgetPeakMemory, peakMemory, residentMemory } from '../../support/process-memory.ts';
import { StreamClient } from '../../support/stream-world.ts';

const mib = 1024 * 1024;
/** Bytes that the service may grow by: V8 frees what it passed on only when some 64 MiB of it have gathered. */
const most = 90 * mib;

describe('many streams on Docker', { timeout: 300_000 }, () => {
	const service = new CrashService({ environment: { ZUNBOX_NETWORK_ENABLED: 'false' } });
	const api = new CrashClient(service);
	let id: string;
	before(async () => {
		const image = await ensureBusybox();
		await service.start();
		await api.login();
		const body = { image, command: ['sleep', '1000'], image_pull_policy: 'ifnotpresent', memory: 1024 };
		id = textOf(await api.ok('POST /v1/containers?run=true', body), 'uuid');
		assert.equal((await api.ok(`GET /v1/containers/${id}?wait=Running&timeout=25`))['status'], 'Running');
	});
	after(() => service.remove());

	const open = async (t: TestContext, command: string, tty: boolean, keep = true): Promise<StreamClient> => {
		const query = new URLSearchParams({ command, interactive: String(tty), run: 'False' });
		const client = await StreamClient.open(textOf(await api.ok(`POST /v1/containers/${id}/execute?${query}`), 'proxy_url'), { keep });
		t.after(() => client.socket.terminate());
		return client;
	};

	/** How much more memory the service held at most while the work was done. */
	const grownBy = async (work: () => Promise<void>): Promise<number> => {
		const before = residentMemory(service.pid);
		forgetPeakMemory(service.pid);
		await work();
		return peakMemory(service.pid) - before;
	};

	test('200 terminals at once, each with its own shell', async (t) => {
		const grown = await grownBy(async () => {
			const clients = await Promise.all(Array.from({ length: 200 }, () => open(t, 'sh', true)));
			for (const [index, client] of clients.entries()) client.type(`echo "<$((${index} + 1000))>"\r`);
			for (const [index, client] of clients.entries()) {
				await eventually(`the answer of shell ${index}`, () => client.text.includes(`<${index + 1000}>\r\n`), { timeout: 120_000 });
			}
			for (const client of clients) client.type('exit 7\r');
			for (const client of clients) assert.equal((await client.closed()).reason, 'exit code 7');
		});
		assert.ok(grown < 100 * mib, `${grown / mib} MiB`);
	});

	test('100 MB through one stream, there and back, byte for byte, in little memory', async (t) => {
		const client = await open(t, 'cat', false, false);
		// Characters of one to four bytes, in pieces that cut them.
		const text = Buffer.from('zunbox é € 😀\n'.repeat(4000));
		const rounds = Math.ceil(100_000_000 / text.length);
		const [sent, received] = [createHash('sha256'), createHash('sha256')];
		client.socket.on('message', (data) => {
			assert.ok(Buffer.isBuffer(data));
			received.update(data);
		});
		const send = (bytes: Uint8Array): Promise<void> =>
			new Promise((resolve, reject) => client.socket.send(bytes, { binary: true }, (error) => (error ? reject(error) : resolve())));
		const grown = await grownBy(async () => {
			for (let round = 0; round < rounds; round += 1) {
				sent.update(text);
				await send(text.subarray(0, 30_001));
				await send(text.subarray(30_001));
			}
			await send(Buffer.alloc(0));
			assert.equal((await client.closed()).reason, 'exit code 0');
		});
		assert.equal(received.digest('hex'), sent.digest('hex'));
		assert.ok(grown < most, `${grown / mib} MiB`);
	});

	test('readers that take nothing slow only themselves, and cost little memory', async (t) => {
		const slow = await Promise.all(Array.from({ length: 10 }, () => open(t, 'yes', false, false)));
		for (const client of slow) client.socket.pause();
		const quick = await open(t, 'cat', false);
		const grown = await grownBy(async () => {
			for (let round = 0; round < 100; round += 1) {
				quick.type(`${round};`);
				await eventually(`round ${round}`, () => quick.text.endsWith(`${round};`));
			}
		});
		assert.ok(grown < most, `${grown / mib} MiB`);
		// They were held up, not given up.
		const [first] = slow;
		assert.ok(first !== undefined);
		const more = new Promise((resolve) => first.socket.once('message', resolve));
		first.socket.resume();
		await more;
	});
});
