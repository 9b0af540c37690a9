/** What comes on a connection and is no request, or a request that does not keep to its own words. */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { ask, at, startApi } from '../../support/api-client.ts';
import { startWholeWorld, type WholeWorld } from '../../support/bad-input/world.ts';
import { MemoryControl } from '../../support/memory-control.ts';

/** ms within which the service has answered or ended a connection, on a machine that has other things to do. */
const deadline = 30_000;

/** Sends the bytes on a connection of its own; resolves with all that came when the service has ended it. */
function exchange(url: string, bytes: string | Buffer, finish = true): Promise<string> {
	return new Promise((resolve, reject) => {
		let text = '';
		const socket = connect(Number(new URL(url).port), '127.0.0.1');
		const timer = setTimeout(() => socket.destroy(new Error(`still open after ${deadline} ms, with ${JSON.stringify(text)}`)), deadline);
		socket.on('data', (data) => {
			text += data.toString('latin1');
		});
		socket.on('error', (error: NodeJS.ErrnoException) => {
			// The service may end the connection while more comes.
			if (error.code !== 'ECONNRESET' && error.code !== 'EPIPE') reject(error);
		});
		socket.once('close', () => {
			clearTimeout(timer);
			resolve(text);
		});
		socket.write(bytes);
		if (finish) socket.end();
	});
}

describe('raw input', () => {
	let world: WholeWorld;
	before(async () => {
		world = await startWholeWorld({ requestTimeout: 2000, bodyLimit: 16_384 });
	});
	after(() => world.close());
	const head = (line: string, ...fields: readonly string[]) =>
		`${[line, 'Host: a', `X-Auth-Token: ${world.tokens.member}`, 'Connection: close', ...fields].join('\r\n')}\r\n\r\n`;
	const post = (...fields: readonly string[]) => head('POST /v1/sandboxes HTTP/1.1', 'Content-Type: application/json', ...fields);
	const count = async () => (await ask(world.api, 'GET /v1/sandboxes', { token: world.tokens.member, version: 'latest' })).text;

	const smuggled = '{"name":"smuggled"}';
	const size = smuggled.length;
	for (const [what, bytes, status] of [
		['a length that is no number', () => `${post('Content-Length: x')}${smuggled}`, 400],
		['a length below zero', () => `${post('Content-Length: -1')}${smuggled}`, 400],
		['a length in hexadecimal', () => `${post('Content-Length: 0x13')}${smuggled}`, 400],
		['a length that is too large for a number', () => `${post(`Content-Length: ${'9'.repeat(40)}`)}${smuggled}`, 400],
		['two lengths', () => `${post(`Content-Length: ${size}`, 'Content-Length: 5')}${smuggled}`, 400],
		['a length and chunks', () => `${post(`Content-Length: ${size}`, 'Transfer-Encoding: chunked')}0\r\n\r\n`, 400],
		['an encoding that nobody knows', () => `${post('Transfer-Encoding: xchunked')}${smuggled}`, 400],
		['chunks that are not the last encoding', () => `${post('Transfer-Encoding: chunked, identity')}0\r\n\r\n`, 400],
		['a chunk whose size is no number', () => `${post('Transfer-Encoding: chunked')}zz\r\n${smuggled}\r\n0\r\n\r\n`, 400],
		['a chunk of a size without end', () => `${post('Transfer-Encoding: chunked')}${'f'.repeat(40)}\r\n${smuggled}`, 400],
		['a body that ends early', () => `${post('Content-Length: 500')}${smuggled}`, 400],
		['a header without a name', () => 'GET /v1 HTTP/1.1\r\nHost: a\r\n: x\r\n\r\n', 400],
		['a header over two lines', () => 'GET /v1 HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n', 400],
		['a NUL in a header', () => 'GET /v1 HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n', 400],
		['a space in a header name', () => 'GET /v1 HTTP/1.1\r\nHost: a\r\nX : y\r\n\r\n', 400],
		['a version that nobody speaks', () => 'GET /v1 HTTP/7.3\r\nHost: a\r\n\r\n', 400],
		['a method that nobody knows', () => 'BREW /v1 HTTP/1.1\r\nHost: a\r\n\r\n', 400],
		['a greeting of TLS', () => Buffer.from('16030100c8010000c40303', 'hex'), 400],
		['a preface of HTTP/2', () => 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
	] as const) {
		test(`${what} is ${status}, and makes nothing`, async () => {
			const before = await count();
			const answer = await exchange(world.url, bytes());
			assert.match(answer, new RegExp(`^HTTP/1\\.1 ${status} `), answer);
			assert.match(answer, /\r\n\r\n\{"errors":\[/, answer);
			assert.equal(await count(), before);
		});
	}

	// Answered by Node itself.
	test('no host is 400', async () => assert.match(await exchange(world.url, 'GET /v1 HTTP/1.1\r\n\r\n'), /^HTTP\/1\.1 400 /));

	test('a body that does not come is given up in time', async () => {
		const answer = await exchange(world.url, `${post('Content-Length: 500')}{"na`, false);
		assert.match(answer, /^HTTP\/1\.1 408 /);
		assert.match(answer, /container\.request-timeout/);
	});

	test('headers that do not come are given up in time', async () => {
		assert.match(await exchange(world.url, 'GET /v1 HTTP/1.1\r\nHost: a\r\nX-', false), /^HTTP\/1\.1 408 /);
	});

	test('headers over the limit are 431 that says the limit', async () => {
		const answer = await exchange(world.url, head('GET /v1 HTTP/1.1', `X: ${'x'.repeat(20_000)}`));
		assert.match(answer, /^HTTP\/1\.1 431 /);
		assert.match(answer, /limit of 16384 bytes/);
	});

	test('a body over the limit in chunks is 413 that says the limit', async () => {
		const chunk = `1000\r\n${'x'.repeat(0x1000)}\r\n`;
		const answer = await exchange(world.url, `${post('Transfer-Encoding: chunked')}${chunk.repeat(8)}0\r\n\r\n`);
		assert.match(answer, /^HTTP\/1\.1 413 /);
		assert.match(answer, /limit of 16384 bytes/);
	});

	test('a body that is announced as too large is refused before it comes', async () => {
		const answer = await exchange(world.url, post('Content-Length: 99999999'), false);
		assert.match(answer, /^HTTP\/1\.1 413 /);
	});

	test('bytes of any kind get an answer or an end, and the service goes on', async () => {
		const pieces = fc.constantFrom(
			'GET ',
			'POST ',
			'PUT ',
			'OPTIONS ',
			'*',
			'/v1/containers',
			'/identity/v3/auth/tokens',
			'/network/v2.0/ports',
			'//',
			'?',
			'#',
			'%',
			'%00',
			'http://a/v1',
			'a:1',
			' HTTP/1.1\r\n',
			' HTTP/1.0\r\n',
			'\r\n',
			'\n',
			'\r',
			'Host: a\r\n',
			'Content-Length: 3\r\n',
			'Transfer-Encoding: chunked\r\n',
			'Connection: keep-alive\r\n',
			'Connection: Upgrade\r\nUpgrade: websocket\r\n',
			'Upgrade: h2c\r\n',
			'Expect: 100-continue\r\n',
			'Expect: x\r\n',
			'Content-Type: application/json\r\n',
			'0\r\n\r\n',
			'3\r\nabc\r\n',
			'{}',
			'\0',
			'\xff',
		);
		const request = fc.array(
			fc.oneof({ weight: 9, arbitrary: pieces }, { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 9 }) }),
			{
				minLength: 1,
				maxLength: 14,
			},
		);
		await fc.assert(
			fc.asyncProperty(request, async (parts) => {
				const answer = await exchange(world.url, Buffer.from(parts.join(''), 'latin1'));
				for (const [, status] of answer.matchAll(/HTTP\/1\.1 (\d{3}) /g)) assert.ok(Number(status) < 500, answer);
			}),
			{ numRuns: 400 },
		);
		assert.equal((await fetch(`${world.url}/healthcheck`)).status, 200);
	});
});

describe('limits say what they are', () => {
	test('the rate: 429 with the rate, and when to come again', async (t) => {
		const api = await startApi(new MemoryControl(), { rateLimit: { perSecond: 0.01, burst: 1 } });
		t.after(() => api.close());
		const answers = [];
		for (let index = 0; index < 3; index += 1) answers.push(await ask(api, 'GET /v1/containers'));
		const refused = answers.find(({ status }) => status === 429);
		assert.match(String(at(refused?.body, 'errors', 0, 'title')), /0\.01 requests a second \(1 at once\)/);
		assert.ok(Number(refused?.headers['retry-after']) >= 1);
	});

	test('an archive: 413 with its own limit', async (t) => {
		const api = await startApi(new MemoryControl(), { archiveLimit: 1000 });
		t.after(() => api.close());
		const put = (bytes: number) =>
			ask(api, 'POST /v1/containers/web/put_archive?path=/tmp', {
				version: '1.40',
				body: { data: Buffer.alloc(bytes).toString('base64') },
			});
		assert.equal((await put(1000)).status, 200);
		const refused = await put(1001);
		assert.equal(refused.status, 413);
		assert.match(String(at(refused.body, 'errors', 0, 'title')), /limit of 1000 bytes/);
	});

	for (const path of [
		'/v1/containers',
		'/v1/capsules',
		'/v1/volumes',
		'/v1/registries',
		'/identity/v3/auth/tokens',
		'/network/v2.0/ports',
	]) {
		test(`a body of ${path}: 413 with the limit, in that API's form`, async (t) => {
			const world = await startWholeWorld({ bodyLimit: 3000 });
			t.after(() => world.close());
			const body = { name: 'x'.repeat(4000) };
			const refused = await ask(world.api, `POST ${path}`, { token: world.tokens.admin, version: 'latest', body });
			assert.equal(refused.status, 413);
			assert.match(refused.text, /limit of 3000 bytes/);
		});
	}
});
