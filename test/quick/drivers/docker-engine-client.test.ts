import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import http from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { EngineClient, type EngineRequest } from '../../../src/drivers/docker/engine/engine-client.ts';
import { answerError, startError } from '../../../src/drivers/docker/engine/errors.ts';
import { negotiate } from '../../../src/drivers/docker/engine/version.ts';
import { DriverError } from '../../../src/drivers/driver.ts';

interface Served {
	readonly client: EngineClient;
	/** Method and path of each request beside those for the version. */
	readonly requests: string[];
	readonly socketPath: string;
	readonly server: http.Server;
}

type Handler = (request: http.IncomingMessage, response: http.ServerResponse) => void;

/** An engine of our own on a socket of its own. */
async function serve(t: TestContext, handler: Handler): Promise<Served> {
	const folder = await mkdtemp(path.join(tmpdir(), 'zunbox-engine-'));
	const socketPath = path.join(folder, 'engine.sock');
	const requests: string[] = [];
	const server = http.createServer((request, response) => {
		if (request.url === '/version') return void response.end(JSON.stringify({ ApiVersion: '1.41' }));
		requests.push(`${request.method} ${request.url}`);
		handler(request, response);
	});
	server.on('checkContinue', (request, response) => {
		requests.push(`${request.method} ${request.url}`);
		handler(request, response);
	});
	server.listen(socketPath);
	await once(server, 'listening');
	const client = new EngineClient(socketPath);
	t.after(async () => {
		client.close();
		server.closeAllConnections();
		server.close();
		await rm(folder, { recursive: true });
	});
	return { client, requests, socketPath, server };
}

function get(url: string, more: Partial<EngineRequest> = {}): EngineRequest {
	return { method: 'GET', path: url, signal: AbortSignal.timeout(20_000), ...more };
}

const hasCode =
	(code: string) =>
	(error: unknown): boolean =>
		error instanceof DriverError && error.code === code;

describe('the engine client', () => {
	test('speaks the negotiated version and encodes the query', async (t) => {
		const { client, requests } = await serve(t, (_, response) => void response.end('{"a":1}'));
		const answer = await client.json(get('/info', { query: { name: 'a b', none: undefined } }));
		assert.deepEqual(answer, { status: 200, body: { a: 1 } });
		assert.deepEqual(requests, ['GET /v1.41/info?name=a+b']);
	});

	test('tries a lost connection again only where twice does no harm', async (t) => {
		let lost = 0;
		const { client, requests } = await serve(t, (request, response) => {
			lost += 1;
			if (lost === 1) request.socket.destroy();
			else response.end('{}');
		});
		await client.json(get('/once'));
		assert.equal(requests.length, 2);
		lost = 0;
		await assert.rejects(client.json(get('/commit', { method: 'POST', idempotent: false })), hasCode('unavailable'));
		assert.equal(requests.length, 3);
	});

	test('gives up after a few tries and says that the engine is away', async (t) => {
		const { client, requests } = await serve(t, (request) => void request.socket.destroy());
		await assert.rejects(client.json(get('/x')), hasCode('unavailable'));
		assert.equal(requests.length, 3);
		const nobody = new EngineClient('/nonexistent/engine.sock');
		await assert.rejects(nobody.json(get('/x')), /nonexistent\/engine\.sock cannot be reached/);
		nobody.close();
	});

	test('works again once the engine is back', async (t) => {
		const { client, server, socketPath } = await serve(t, (_, response) => void response.end('{}'));
		await client.json(get('/a'));
		server.closeAllConnections();
		await new Promise((resolve) => server.close(resolve));
		await assert.rejects(client.json(get('/b')), hasCode('unavailable'));
		server.listen(socketPath);
		await once(server, 'listening');
		assert.equal((await client.json(get('/c'))).status, 200);
	});

	test('ends with the reason of the signal, before and during an answer', async (t) => {
		const { client } = await serve(t, (request, response) => {
			if (request.url?.endsWith('/begun') === true) response.write('{"a":');
		});
		for (const url of ['/silent', '/begun']) {
			const controller = new AbortController();
			const asked = client.json(get(url, { signal: controller.signal }));
			setImmediate(() => controller.abort(new Error('enough')));
			await assert.rejects(asked, /enough/);
		}
	});

	test('long requests, however many, hold up no other', async (t) => {
		const { client, requests } = await serve(t, (request, response) => {
			if (request.url?.endsWith('/short') === true) response.end('{"a":1}');
		});
		const ended = new AbortController();
		const stop = { method: 'POST', signal: ended.signal, timeout: 60_000, long: true } as const;
		const stops = Array.from({ length: 200 }, () => client.json(get('/stop', stop)).catch(() => null));
		assert.deepEqual((await client.json(get('/short'))).body, { a: 1 });
		ended.abort();
		await Promise.all(stops);
		assert.ok(requests.includes('GET /v1.41/short'));
	});

	test('has a deadline for the head and for the body', async (t) => {
		const { client } = await serve(t, (request, response) => {
			if (request.url?.endsWith('/begun') === true) response.write('{"a":');
		});
		for (const url of ['/silent', '/begun']) await assert.rejects(client.json(get(url, { timeout: 50 })), hasCode('timeout'));
	});

	test('a stream is not bound by the deadline once it has begun, and tells of a broken connection', async (t) => {
		const { client } = await serve(t, (request, response) => {
			response.write('one');
			setTimeout(() => response.write('two'), 150);
			setTimeout(() => request.socket.destroy(), 200);
		});
		const { body } = await client.stream(get('/logs', { timeout: 100 }));
		const seen: string[] = [];
		const reading = (async () => {
			for await (const chunk of body) seen.push(Buffer.from(chunk).toString());
		})();
		await assert.rejects(reading, hasCode('unavailable'));
		assert.equal(seen.join(''), 'onetwo');
	});

	test('shows why an upload is refused, and does not read its source then', async (t) => {
		const { client } = await serve(t, (_, response) => {
			response.writeHead(404, { 'Content-Type': 'application/json' });
			response.end('{"message":"Could not find the file /x in container c"}');
		});
		let taken = 0;
		async function* endless(): AsyncGenerator<Uint8Array> {
			for (;;) {
				taken += 1;
				yield Buffer.alloc(65_536);
			}
		}
		await assert.rejects(client.stream(get('/archive', { method: 'PUT', tar: endless() })), hasCode('path-not-found'));
		assert.equal(taken, 0);
	});

	test('uploads what the engine reads, and fails with what its source throws', async (t) => {
		let size = 0;
		const { client } = await serve(t, (request, response) => {
			response.writeContinue();
			request.on('data', (chunk: Buffer) => {
				size += chunk.length;
			});
			request.on('end', () => response.end('{}'));
		});
		async function* source(broken: boolean): AsyncGenerator<Uint8Array> {
			for (let at = 0; at < 20; at += 1) yield Buffer.alloc(65_536);
			if (broken) throw new Error('the source broke');
		}
		await client.stream(get('/load', { method: 'POST', tar: source(false) }));
		assert.equal(size, 20 * 65_536);
		await assert.rejects(client.stream(get('/load', { method: 'POST', tar: source(true) })), /the source broke/);
	});
});

test('versions are negotiated: the newest that both know', () => {
	assert.equal(negotiate({ ApiVersion: '1.41' }), '1.41');
	assert.equal(negotiate({ ApiVersion: '1.47', MinAPIVersion: '1.24' }), '1.47');
	assert.equal(negotiate({ ApiVersion: '1.60', MinAPIVersion: '1.44' }), '1.47');
	assert.equal(negotiate({ ApiVersion: '1.99', MinAPIVersion: '1.50' }), '1.50');
	assert.throws(() => negotiate({ ApiVersion: '1.40', Version: '19.03' }), hasCode('unsupported'));
	assert.throws(() => negotiate('<html>'), hasCode('failed'));
});

test('answers are errors of the kind that their words say', () => {
	const rows: readonly (readonly [number, string, string])[] = [
		[404, 'No such image: busybox:9', 'image-not-found'],
		[404, 'No such container: abc', 'not-found'],
		[404, 'Could not find the file /x in container abc', 'path-not-found'],
		[409, 'Container abc is not running', 'not-running'],
		[409, 'Conflict. The container name "/a" is already in use by container "b".', 'conflict'],
		[500, 'mkdir /var/lib/docker/overlay2/x: no space left on device', 'no-space'],
		[500, "--storage-opt is supported only for overlay over xfs with 'pquota' mount option", 'unsupported'],
		[0, 'manifest for 127.0.0.1:5000/a:b not found: manifest unknown: manifest unknown', 'image-not-found'],
		[0, "pull access denied for x, repository does not exist or may require 'docker login'", 'image-not-found'],
		[0, 'Get "http://127.0.0.1:1/v2/": dial tcp 127.0.0.1:1: connect: connection refused', 'unavailable'],
		[500, 'Get "http://127.0.0.1:5000/v2/a/manifests/b": no basic auth credentials', 'unauthorized'],
		[400, 'OCI runtime create failed: exec: "nosuch": executable file not found in $PATH: unknown', 'invalid'],
		[503, '', 'unavailable'],
		[500, 'something else', 'failed'],
	];
	for (const [status, words, code] of rows) assert.equal(answerError(status, words).code, code, words);
	assert.equal(startError('cannot join network of a non running container: abc').code, 'not-running');
	assert.equal(startError('No such container: abc').code, 'not-running');
	assert.equal(answerError(409, 'container is marked for removal and cannot be started').code, 'not-found');
});
