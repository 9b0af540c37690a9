import assert from 'node:assert/strict';
import http from 'node:http';
import { after, before, describe, type TestContext, test } from 'node:test';
import { WebSocket } from 'ws';
import type { ApiOptions } from '../../../../src/api/options.ts';
import { createDriver, FakeEngine } from '../../../../src/drivers/fake/index.ts';
import { at } from '../../../support/api-client.ts';
import { eventually } from '../../../support/eventually.ts';
import { attachLink, execLink, StreamClient, type StreamWorld, startStreamWorld } from '../../../support/stream-world.ts';

const image = 'zunbox/busybox:latest';

async function startWorld(options: Partial<ApiOptions> = {}): Promise<StreamWorld> {
	const driver = await createDriver({ owner: 'test', stateDirectory: '/nonexistent', settings: { engine: new FakeEngine() } });
	return await startStreamWorld(driver, image, options);
}

describe('streams', () => {
	let world: StreamWorld;
	/** `sh` in a terminal. */
	let shell: string;
	/** `sleep`, without input. */
	let idle: string;
	before(async () => {
		world = await startWorld();
		shell = await world.run({ name: 'shell', command: ['sh'], interactive: true, tty: true });
		idle = await world.run({ name: 'idle', command: ['sleep', '1000'] });
	});
	after(() => world.close());

	const said = (client: StreamClient, pattern: RegExp) =>
		eventually(`${pattern} in ${JSON.stringify(client.text)}`, () => pattern.test(client.text));
	const exec = async (t: TestContext, command: string, tty = true) => {
		const { link, execId } = await execLink(world, idle, command, tty);
		const client = await StreamClient.open(link);
		t.after(() => client.socket.terminate());
		return { client, execId, link };
	};
	const refused = (link: string, options: { readonly origin?: string } = {}) =>
		assert.rejects(StreamClient.open(link, options), /Unexpected server response: (403|400|404)/);

	test('attach: a link with an explicit port, the binary subprotocol, typing and reading', async (t) => {
		const link = await attachLink(world, 'shell');
		const { host, port } = new URL(world.url);
		assert.match(link, new RegExp(`^ws://${host}/v1/streams\\?token=[\\w-]{43}&uuid=${shell}$`));
		assert.ok(host.endsWith(`:${port}`));
		const client = await StreamClient.open(link);
		t.after(() => client.socket.terminate());
		assert.equal(client.socket.protocol, 'binary');
		client.type('echo hello\r');
		await said(client, /hello\r\n/);
		assert.equal((await world.send(`POST /v1/containers/${shell}/resize?w=132&h=43`)).status, 200);
		client.type('stty size\r');
		await said(client, /43 132\r\n/);
		assert.equal(client.pings, 0);
	});

	test('a client that leaves lets the container run on, and another one can come', async (t) => {
		const first = await StreamClient.open(await attachLink(world, shell));
		first.socket.terminate();
		const second = await StreamClient.open(await attachLink(world, shell));
		t.after(() => second.socket.terminate());
		second.type('echo again\r');
		await said(second, /again\r\n/);
	});

	test('the end of the container is the end of the stream', async () => {
		const id = await world.run({ command: ['sh'], interactive: true, tty: true });
		const client = await StreamClient.open(await attachLink(world, id));
		client.type('exit 4\r');
		assert.deepEqual(await client.closed(), { code: 1000, reason: 'the process ended' });
	});

	test('attach needs a container that is interactive and runs', async () => {
		const plain = await world.send(`GET /v1/containers/${idle}/attach`);
		assert.deepEqual([plain.status, at(plain.body, 'errors', 0, 'code')], [400, 'container.no-interactive-flag']);
		assert.equal((await world.send(`GET /v1/containers/${shell}/attach`, { token: 'member:project-b' })).status, 404);
		assert.equal((await world.send(`GET /v1/containers/${shell}/attach`, { token: 'reader:project-a' })).status, 403);
	});

	test('exec: a terminal, its size, and its exit code', async (t) => {
		const { client, execId, link } = await exec(t, 'sh');
		assert.match(execId, /^[0-9a-f]{64}$/);
		assert.match(link, new RegExp(`&uuid=${idle}&exec_id=${execId}$`));
		const url = `/v1/containers/${idle}/execs/${execId}`;
		await eventually('it runs', async () => at((await world.send(`GET ${url}`)).body, 'status') === 'Running');
		assert.equal((await world.send(`POST /v1/containers/${idle}/execute_resize?exec_id=${execId}&w=101&h=31`)).status, 200);
		client.type('stty size\r');
		await said(client, /31 101\r\n/);
		client.type('exit 7\r');
		assert.deepEqual(await client.closed(), { code: 1000, reason: 'exit code 7' });
		const { body } = await eventually('the exit code', async () => {
			const answer = await world.send(`GET ${url}`);
			return at(answer.body, 'status') === 'Ended' ? answer : null;
		});
		assert.deepEqual([at(body, 'exit_code'), at(body, 'command'), at(body, 'tty')], [7, ['sh'], true]);
		assert.equal((await world.send(`POST /v1/containers/${idle}/execute_resize?exec_id=${execId}&w=101&h=31`)).status, 400);
		assert.equal((await world.send(`GET ${url.replace(idle, shell)}`)).status, 404);
		assert.equal((await world.send(`GET ${url}`, { token: 'member:project-b' })).status, 404);
	});

	test('exec: a size that was given before the link is opened counts', async (t) => {
		const { link, execId } = await execLink(world, idle, 'sh');
		const url = `/v1/containers/${idle}/execs/${execId}`;
		assert.equal(at((await world.send(`GET ${url}`)).body, 'status'), 'Waiting');
		await world.send(`POST /v1/containers/${idle}/execute_resize`, { body: { exec_id: execId, w: 99, h: 33 } });
		const client = await StreamClient.open(link);
		t.after(() => client.socket.terminate());
		client.type('stty size\r');
		await said(client, /33 99\r\n/);
	});

	test('exec without a terminal: words stay together, both outputs come, an empty message ends the input', async (t) => {
		const { client } = await exec(t, `"sh" "-c" "cat; echo 'two  words'; echo apart >&2; exit 3"`, false);
		client.type('line\n');
		client.socket.send(Buffer.alloc(0), { binary: true });
		assert.deepEqual(await client.closed(), { code: 1000, reason: 'exit code 3' });
		for (const words of ['line\n', 'two  words\n', 'apart\n']) assert.ok(client.text.includes(words), client.text);
	});

	test('exec: a command that is not there says so', async (t) => {
		const { client } = await exec(t, 'nothing-like-it');
		assert.equal((await client.closed()).reason, 'exit code 127');
		assert.match(client.text, /not found/);
	});

	test('exec: input that came before the process started is not lost', async (t) => {
		const { client } = await exec(t, 'cat', false);
		for (let index = 0; index < 100; index += 1) client.type(`${index}\n`);
		client.socket.send(Buffer.alloc(0), { binary: true });
		await client.closed();
		assert.equal(client.text, Array.from({ length: 100 }, (_, index) => `${index}\n`).join(''));
	});

	test('exec: a client that drops takes its command with it', async () => {
		const pids = async () => at((await world.send(`GET /v1/containers/${idle}/stats`)).body, 'PIDS');
		const before = await eventually('earlier commands have ended', async () => ((await pids()) === 1 ? 1 : null));
		const { link, execId } = await execLink(world, idle, 'sleep 1000');
		const client = await StreamClient.open(link);
		await eventually('it runs', async () => (await pids()) === before + 1);
		client.socket.terminate();
		await eventually('it is gone', async () => (await pids()) === before);
		const { body } = await world.send(`GET /v1/containers/${idle}/execs/${execId}`);
		assert.deepEqual([at(body, 'status'), at(body, 'exit_code')], ['Ended', null]);
	});

	test('run=true runs to the end, interactive or not', async () => {
		const { body } = await world.send(`POST /v1/containers/${idle}/execute?command=echo%20hi&interactive=True&run=True`);
		assert.deepEqual([at(body, 'output'), at(body, 'exit_code'), at(body, 'proxy_url')], ['hi\n', 0, null]);
	});

	test('output is whole characters, and bytes that are none are replaced', async (t) => {
		const { client } = await exec(t, `sh -c "printf '\\\\303'; sleep 0.2; printf '\\\\251|\\\\377|\\\\342\\\\202'"`, false);
		await client.closed();
		assert.equal(client.text, 'é|\ufffd|\ufffd');
	});

	describe('links', () => {
		test('are used once', async (t) => {
			const { link } = await exec(t, 'cat');
			await refused(link);
		});

		test('belong to their container and their command', async () => {
			for (const change of [
				(link: string) => link.replace(idle, shell),
				(link: string) => link.replace(/exec_id=./, 'exec_id=x'),
				(link: string) => link.replace(/&exec_id=.*/, ''),
				(link: string) => link.replace(/token=[^&]*/, 'token=guess'),
				(link: string) => link.replace(/token=[^&]*&/, ''),
				(link: string) => link.replace('/streams', '/stream'),
			]) {
				const { link } = await execLink(world, idle, 'cat');
				await refused(change(link));
			}
		});

		test('of a container that has stopped meanwhile open nothing', async () => {
			const id = await world.run({ command: ['sleep', '1000'], interactive: true });
			const link = await attachLink(world, id);
			await world.send(`POST /v1/containers/${id}/stop?timeout=0`);
			await world.send(`GET /v1/containers/${id}?wait=Stopped&timeout=60`);
			assert.equal((await world.send(`POST /v1/containers/${id}/resize?w=1&h=1`)).status, 400);
			const client = await StreamClient.open(link);
			const { code, reason } = await client.closed();
			assert.equal(code, 1011);
			assert.match(reason, /Cannot attach container .* in Stopped state/);
			assert.match(client.text, /Cannot attach/);
		});
	});

	describe('the handshake', () => {
		test('takes the Origin of the stock client, which may name no port', async (t) => {
			const { link } = await execLink(world, idle, 'cat');
			const client = await StreamClient.open(link, { origin: 'http://127.0.0.1:None' });
			t.after(() => client.socket.terminate());
		});

		test('refuses pages of other origins, which does not use up the link', async (t) => {
			const { link } = await execLink(world, idle, 'cat');
			for (const origin of ['http://evil.example', 'null']) await refused(link, { origin });
			const client = await StreamClient.open(link);
			t.after(() => client.socket.terminate());
		});

		test('needs no subprotocol, but none other than binary', async (t) => {
			const { link } = await execLink(world, idle, 'cat');
			const wrong = new WebSocket(link, ['base64']);
			const failure = await new Promise<Error>((resolve) => wrong.once('error', resolve));
			assert.match(failure.message, /400/);
			const plain = new WebSocket(link);
			t.after(() => plain.terminate());
			await new Promise((resolve) => plain.once('open', resolve));
			assert.equal(plain.protocol, '');
		});

		test('as a browser does it', async () => {
			const { link } = await execLink(world, idle, 'cat', false);
			const socket = new globalThis.WebSocket(link, ['binary', 'base64']);
			socket.binaryType = 'arraybuffer';
			const received = new Promise<unknown>((resolve) => socket.addEventListener('message', ({ data }) => resolve(data)));
			socket.addEventListener('open', () => socket.send(new TextEncoder().encode('hello')));
			const data = await received;
			assert.ok(data instanceof ArrayBuffer);
			assert.equal(Buffer.from(data).toString(), 'hello');
			const closed = new Promise<CloseEvent>((resolve) => socket.addEventListener('close', resolve));
			socket.send(new Uint8Array(0));
			assert.deepEqual([(await closed).code, (await closed).wasClean], [1000, true]);
		});

		test('any other change of protocol is passed over', async () => {
			const { port } = new URL(world.url);
			const ask = (path: string, upgrade: string) =>
				new Promise<number | undefined>((resolve, reject) => {
					const request = http.get({ port, path, headers: { connection: 'Upgrade', upgrade, 'x-auth-token': 'member:project-a' } });
					request.once('error', reject);
					request.once('response', (answer) => resolve(answer.resume().statusCode));
				});
			assert.equal(await ask('/v1/containers', 'h2c'), 200);
			assert.equal(await ask('/v1/containers', 'websocket'), 200);
			assert.equal(await ask('/v1/streams', 'websocket'), 400);
			assert.equal(await ask('/v1/streams', 'h2c'), 404);
		});
	});

	test('text messages are refused with 1003', async (t) => {
		const { client } = await exec(t, 'cat');
		client.socket.send('text');
		assert.equal((await client.closed()).code, 1003);
	});

	test('the log names no token', async () => {
		const links = [(await execLink(world, idle, 'true')).link, await attachLink(world, shell)];
		await (await StreamClient.open(links[0] ?? '')).closed();
		for (const link of links) await StreamClient.open(link).catch(() => undefined);
		await eventually('streams are logged', () => /stream refused/.test(world.logged()) && /stream opened/.test(world.logged()));
		for (const link of links) {
			const token = /token=([^&]*)/.exec(link)?.[1] ?? '';
			assert.equal(token.length, 43);
			assert.ok(!world.logged().includes(token));
		}
		assert.ok(!world.logged().includes('token='));
	});
});

describe('limits of streams', () => {
	const start = async (t: TestContext, options: Partial<ApiOptions>) => {
		const world = await startWorld(options);
		t.after(() => world.close());
		const id = await world.run({ command: ['sh'], interactive: true, tty: true });
		return { world, id };
	};

	test('a link is void after its time', async (t) => {
		const { world, id } = await start(t, { streamLinkLifetime: 50 });
		const { link } = await execLink(world, id, 'cat');
		await new Promise((resolve) => setTimeout(resolve, 100));
		await assert.rejects(StreamClient.open(link), /403/);
	});

	test('a message over the limit is 1009', async (t) => {
		const { world, id } = await start(t, { streamMessageLimit: 1000 });
		const client = await StreamClient.open((await execLink(world, id, 'cat')).link);
		client.type('x'.repeat(1001));
		assert.equal((await client.closed()).code, 1009);
	});

	test('streams are counted, and a place is given back', async (t) => {
		const { world, id } = await start(t, { maxSessions: 1 });
		const links = await Promise.all([0, 1, 2].map(async () => (await execLink(world, id, 'cat')).link));
		const client = await StreamClient.open(links[0] ?? '');
		await assert.rejects(StreamClient.open(links[1] ?? ''), /429/);
		client.socket.terminate();
		const next = await eventually('a place is free', async () => await StreamClient.open((await execLink(world, id, 'cat')).link));
		next.socket.terminate();
	});

	test('links are counted', async (t) => {
		const { world, id } = await start(t, { maxStreamLinks: 4 });
		await attachLink(world, id);
		assert.equal((await world.send(`GET /v1/containers/${id}/attach`)).status, 429);
	});

	test('an attached client that takes nothing is given up, a command that nobody reads waits', async (t) => {
		const { world, id } = await start(t, { stalledAfter: 200 });
		const stalled = await StreamClient.open(await attachLink(world, id));
		const waiting = await StreamClient.open((await execLink(world, id, 'yes')).link);
		stalled.socket.pause();
		waiting.socket.pause();
		const typist = await StreamClient.open(await attachLink(world, id));
		t.after(() => {
			for (const client of [stalled, waiting, typist]) client.socket.terminate();
		});
		// More than the buffers of both ends hold.
		typist.type('head -c 30000000 /dev/zero\r');
		await eventually('it is given up', () => /the client took nothing for 200 ms/.test(world.logged()));
		assert.ok(!/stream closed.*exec/.test(world.logged()));
		waiting.socket.resume();
		const before = waiting.messages.length;
		await eventually('it goes on', () => waiting.messages.length > before + 10);
	});

	test('streams end when the service stops', async () => {
		const world = await startWorld();
		const id = await world.run({ command: ['sleep', '1000'], interactive: true });
		const client = await StreamClient.open(await attachLink(world, id));
		await world.close();
		assert.ok([1001, 1006].includes((await client.closed()).code));
	});

	test('links and origins follow the public URL', async (t) => {
		const { world, id } = await start(t, { publicUrl: 'https://zun.example/container', pathPrefix: '/container' });
		const link = await attachLink(world, id);
		assert.match(link, /^wss:\/\/zun\.example:443\/container\/v1\/streams\?/);
		const direct = link.replace('wss://zun.example:443', world.url.replace('http', 'ws'));
		await assert.rejects(StreamClient.open(direct, { origin: 'http://zun.example' }), /403/);
		const client = await StreamClient.open(direct, { origin: 'https://zun.example:443' });
		client.socket.terminate();
	});
});
