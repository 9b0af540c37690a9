import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, describe, type TestContext, test } from 'node:test';
import type { Api } from '../../../src/api/http/route.ts';
import { DriverError } from '../../../src/drivers/driver.ts';
import { fail } from '../../../src/model/errors.ts';
import { ask, at, startApi } from '../../support/api-client.ts';
import { eventually } from '../../support/eventually.ts';
import { MemoryControl } from '../../support/memory-control.ts';

describe('transport', () => {
	const control = new MemoryControl();
	let api: Api;
	before(async () => {
		api = await startApi(control, { bodyLimit: 2000, corsOrigins: ['https://dash.test'] });
	});
	after(() => api.close());

	test('the root names one current version', async () => {
		const { status, body } = await ask(api, 'GET /', { token: null });
		assert.equal(status, 200);
		assert.deepEqual(at(body, 'versions', 0, 'status'), 'CURRENT');
		assert.deepEqual(at(body, 'versions', 0, 'max_version'), '1.42');
		assert.deepEqual(at(body, 'default_version'), at(body, 'versions', 0));
	});

	test('the health check says OK without a token', async () => {
		const { status, text } = await ask(api, 'GET /healthcheck', { token: null });
		assert.deepEqual([status, text], [200, 'OK']);
	});

	for (const path of [
		'/v1/containers',
		'/v1/containers/',
		'/containers',
		'/containers/',
		'//v1//containers//',
		'/v1/containers/?limit=5',
		'/containers/?limit=5',
	]) {
		test(`GET ${path} is the list`, async () => {
			const { status, body } = await ask(api, `GET ${path}`);
			assert.equal(status, 200);
			assert.ok(Array.isArray(at(body, 'containers')));
		});
	}

	test('the id of the request is that of its operation, and each has its own', async () => {
		const first = await ask(api, 'POST /v1/containers/web/start');
		assert.match(first.headers['x-openstack-request-id'] ?? '', /^req-[0-9a-f-]{36}$/);
		assert.equal(control.last('containers.start').principal.requestId, first.headers['x-openstack-request-id']);
		const second = await ask(api, 'POST /v1/containers/web/start', { headers: { 'x-openstack-request-id': 'mine' } });
		assert.notEqual(second.headers['x-openstack-request-id'], first.headers['x-openstack-request-id']);
		assert.notEqual(second.headers['x-openstack-request-id'], 'mine');
	});

	test('actions answer 202 with JSON null', async () => {
		const { status, text, headers } = await ask(api, 'POST /v1/containers//web/start');
		assert.deepEqual([status, text], [202, 'null']);
		assert.match(headers['content-type'] ?? '', /^application\/json/);
	});

	test('an empty body with a JSON content type is no body', async () => {
		const headers = { 'content-type': 'application/json', 'content-length': '0' };
		assert.equal((await ask(api, 'POST /v1/containers/web/pause', { headers })).status, 202);
	});

	test('DELETE comes with octet-stream', async () => {
		const headers = { 'content-type': 'application/octet-stream' };
		assert.equal((await ask(api, 'DELETE /v1/containers/web', { headers })).status, 204);
		assert.equal((await ask(api, 'DELETE /v1/containers/web', { headers, text: 'x' })).status, 204);
	});

	for (const text of ['[1]', '"x"', '{', 'null', '17']) {
		test(`a body of ${text} counts as none`, async () => {
			const headers = { 'content-type': 'application/json' };
			assert.equal((await ask(api, 'POST /v1/containers/web/stop?timeout=3', { headers, text })).status, 202);
			assert.deepEqual(control.last('containers.stop').args, ['web', { timeout: 3 }]);
			const create = await ask(api, 'POST /v1/containers', { headers, text });
			assert.equal(create.status, 400);
			assert.match(String(at(create.body, 'errors', 0, 'title')), /'image' is a required property/);
		});
	}

	test('query and body are merged, the body first', async () => {
		await ask(api, 'POST /v1/containers/web/stop?timeout=3', { body: { timeout: 5 } });
		assert.deepEqual(control.last('containers.stop').args, ['web', { timeout: 5 }]);
	});

	test('creates take JSON only', async () => {
		for (const path of ['/v1/containers', '/v1/sandboxes']) {
			const answer = await ask(api, `POST ${path}`, { headers: { 'content-type': 'text/plain' }, text: '{"image":"nginx"}' });
			assert.equal(answer.status, 415);
			assert.match(String(at(answer.body, 'errors', 0, 'title')), /Unsupported Media Type/);
		}
	});

	test('a body over the limit is 413 that says the limit', async () => {
		const { status, body } = await ask(api, 'POST /v1/containers', { body: { image: 'x'.repeat(3000) } });
		assert.equal(status, 413);
		assert.match(String(at(body, 'errors', 0, 'title')), /2000 bytes/);
	});

	test('an unknown path is 404 and a wrong method 405 with what is allowed', async () => {
		const missing = await ask(api, 'GET /v1/nothing');
		assert.equal(missing.status, 404);
		assert.ok(at(missing.body, 'errors', 0, 'title'));
		const wrong = await ask(api, 'PUT /v1/containers/web');
		assert.equal(wrong.status, 405);
		assert.equal(wrong.headers['allow'], 'DELETE, GET, PATCH');
	});

	test('a missing or bad token is 401 in the form of Keystone', async () => {
		for (const token of [null, 'nonsense']) {
			const { status, body, headers } = await ask(api, 'GET /v1/containers', { token });
			assert.equal(status, 401);
			assert.equal(at(body, 'error', 'code'), 401);
			assert.equal(at(body, 'error', 'title'), 'Unauthorized');
			assert.ok(at(body, 'error', 'message'));
			assert.match(headers['www-authenticate'] ?? '', /^Keystone uri=/);
		}
	});

	test('a path that is no UTF-8, and a NUL in a name, are 400', async () => {
		assert.equal((await ask(api, 'GET /v1/containers/%ff')).status, 400);
		assert.equal((await ask(api, 'GET /v1/containers/a%00b')).status, 400);
		const { status } = await ask(api, 'POST /v1/containers', { body: { image: 'nginx', labels: { a: 'x\0y' } } });
		assert.equal(status, 400);
	});

	test('keys that mean something to JavaScript are keys like others', async () => {
		const text = '{"image":"nginx","environment":{"__proto__":"a","constructor":"b"}}';
		const answer = await ask(api, 'POST /v1/containers', { headers: { 'content-type': 'application/json' }, text });
		assert.equal(answer.status, 202, answer.text);
		const [input] = control.last('containers.create').args;
		assert.equal(JSON.stringify(at(input, 'environment')), '{"__proto__":"a","constructor":"b"}');
	});

	test('pages of allowed origins may call, others are not told so', async () => {
		const preflight = { origin: 'https://dash.test', 'access-control-request-method': 'POST' };
		const allowed = await ask(api, 'OPTIONS /v1/containers', { token: null, headers: preflight });
		assert.equal(allowed.status, 204);
		assert.equal(allowed.headers['access-control-allow-origin'], 'https://dash.test');
		assert.match(allowed.headers['access-control-allow-headers'] ?? '', /X-Auth-Token/);
		const simple = await ask(api, 'GET /v1/containers', { headers: { origin: 'https://dash.test' } });
		assert.equal(simple.headers['access-control-allow-origin'], 'https://dash.test');
		const other = await ask(api, 'GET /v1/containers', { headers: { origin: 'https://evil.test' } });
		assert.equal(other.headers['access-control-allow-origin'], undefined);
	});

	describe('errors', () => {
		after(() => {
			control.failure = null;
		});

		for (const [error, status, code] of [
			[fail('container-not-found', 'Container x could not be found.'), 404, 'container.container-not-found'],
			[fail('host-not-up', 'Host host-7 is down.'), 503, 'container.host-not-up'],
			[fail('over-quota', 'Quota exceeded for resources: [cpu]'), 403, 'container.over-quota'],
			[new DriverError('not-running', 'it does not run'), 409, 'container.conflict'],
			[new DriverError('unavailable', 'engine away'), 503, 'container.service-unavailable'],
			[new DriverError('timeout', 'took too long'), 409, 'container.conflict'],
			[new DriverError('unsupported', 'cannot pause'), 501, 'container.not-implemented'],
			[new DriverError('path-not-found', 'no such file'), 400, 'container.invalid'],
			[new DriverError('failed', 'engine says no'), 502, 'container.engine-error'],
			[new DriverError('no-space', 'disk is full'), 503, 'container.service-unavailable'],
		] as const) {
			test(`${error.name} ${error.code} is ${status}`, async () => {
				control.failure = error;
				const answer = await ask(api, 'POST /v1/containers/web/start');
				assert.equal(answer.status, status);
				assert.equal(at(answer.body, 'errors', 0, 'code'), code);
				assert.equal(at(answer.body, 'errors', 0, 'title'), error.message);
				assert.equal(at(answer.body, 'errors', 0, 'detail'), error.message);
				assert.equal(at(answer.body, 'errors', 0, 'request_id'), answer.headers['x-openstack-request-id']);
			});
		}

		test('what nobody expected is 500 with an id and nothing else', async () => {
			control.failure = new Error('password is hunter2');
			const { status, body, text } = await ask(api, 'GET /v1/containers/web');
			assert.equal(status, 500);
			assert.equal(at(body, 'errors', 0, 'title'), 'Internal Server Error');
			assert.match(String(at(body, 'errors', 0, 'detail')), /[0-9a-f]{8}-[0-9a-f-]{27}/);
			assert.doesNotMatch(text, /hunter2/);
		});

		test('headers of an error are sent', async () => {
			control.failure = fail('too-many-requests', 'slow down', { headers: { 'retry-after': '3' } });
			const { status, headers } = await ask(api, 'GET /v1/containers/web');
			assert.deepEqual([status, headers['retry-after']], [429, '3']);
		});
	});
});

test('beyond the rate a user gets 429 that says the limit, and others go on', async (t) => {
	const api = await startApi(new MemoryControl(), { rateLimit: { perSecond: 0.001, burst: 3 } });
	t.after(() => api.close());
	const statuses: number[] = [];
	for (let index = 0; index < 4; index += 1) statuses.push((await ask(api, 'GET /v1/containers')).status);
	assert.deepEqual(statuses, [200, 200, 200, 429]);
	const refused = await ask(api, 'GET /v1/containers');
	assert.match(refused.text, /3 at once/);
	assert.ok(Number(refused.headers['retry-after']) >= 1);
	assert.equal((await ask(api, 'GET /v1/containers', { token: 'member:project-b' })).status, 200);
});

test('links follow the public URL, and a prefix is taken off', async (t) => {
	const api = await startApi(new MemoryControl(), { publicUrl: 'https://cloud.test/container', pathPrefix: '/container' });
	t.after(() => api.close());
	const { body, headers } = await ask(api, 'POST /container/v1/containers', { body: { image: 'nginx' } });
	const id = String(at(body, 'uuid'));
	assert.equal(headers['location'], `https://cloud.test/container/v1/containers/${id}`);
	assert.deepEqual(at(body, 'links'), [
		{ rel: 'self', href: `https://cloud.test/container/v1/containers/${id}` },
		{ rel: 'bookmark', href: `https://cloud.test/container/containers/${id}` },
	]);
	const list = await ask(api, 'GET /container/containers?limit=1');
	assert.match(String(at(list.body, 'next')), /^https:\/\/cloud\.test\/container\/v1\/containers\?/);
	assert.equal((await ask(api, 'GET /container', { token: null })).status, 200);
});

test('a route that names no rule is refused at the start', async () => {
	const forgetful = startApi(new MemoryControl(), {}, [
		(app) => {
			app.get('/v1/open', () => 'x');
		},
	]);
	await assert.rejects(forgetful, /names no policy rule/);
});

test('errors of the other APIs have their own form', async (t) => {
	const api = await startApi(new MemoryControl(), {}, [
		(app) => {
			app.route({ method: 'POST', url: '/identity/v3/thing', config: { rule: 'identity:write' }, handler: () => 'x' });
			app.route({
				method: 'GET',
				url: '/network/v2.0/things',
				config: { rule: 'network:read' },
				handler: () => {
					throw fail('network-not-found', 'Network n could not be found.');
				},
			});
		},
	]);
	t.after(() => api.close());
	const denied = await ask(api, 'POST /identity/v3/thing', { body: {} });
	assert.deepEqual([denied.status, at(denied.body, 'error', 'title')], [403, 'Forbidden']);
	const missing = await ask(api, 'GET /network/v2.0/things');
	assert.deepEqual([missing.status, at(missing.body, 'NeutronError', 'type')], [404, 'NetworkNotFound']);
	const bad = await ask(api, 'POST /identity/v3/thing', { token: 'admin:a', headers: { 'content-type': 'application/json' }, text: '{' });
	assert.equal(bad.status, 400);
	assert.equal(missing.headers['openstack-api-version'], undefined);
});

describe('a call to a host', () => {
	/** A service that listens and whose next execute is held until `release`; `started` answers its signal. */
	async function holding(t: TestContext) {
		const control = new MemoryControl();
		const started = Promise.withResolvers<AbortSignal>();
		const release = Promise.withResolvers<void>();
		control.beforeOutput = async (signal) => {
			started.resolve(signal);
			await release.promise;
		};
		const api = await startApi(control);
		const url = await api.listen({ host: '127.0.0.1', port: 0 });
		t.after(async () => {
			release.resolve();
			await api.close();
		});
		const client = new AbortController();
		const answer = fetch(`${url}/v1/containers/web/execute`, {
			method: 'POST',
			headers: { 'x-auth-token': 'member:project-a', 'content-type': 'application/json' },
			body: JSON.stringify({ command: 'true' }),
			signal: client.signal,
		});
		answer.catch(() => {});
		return { api, client, answer, release, signal: await started.promise };
	}

	test('goes on when the body of its request is read', async (t) => {
		const { answer, release, signal } = await holding(t);
		// Long enough for the request's own stream to have closed.
		for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
		assert.equal(signal.aborted, false);
		release.resolve();
		assert.equal((await answer).status, 200);
	});

	test('ends when the client goes', async (t) => {
		const { client, signal } = await holding(t);
		client.abort();
		await eventually('the call ends', () => signal.aborted);
	});

	test('ends when the service stops', async (t) => {
		const { api, release, signal } = await holding(t);
		const closed = api.close();
		await eventually('the call ends', () => signal.aborted);
		release.resolve();
		await closed;
	});
});

test('a connection that asks nothing does not hold a service that stops', async (t) => {
	const api = await startApi(new MemoryControl());
	const { port } = new URL(await api.listen({ host: '127.0.0.1', port: 0 }));
	const socket = connect(Number(port), '127.0.0.1');
	t.after(() => socket.destroy());
	await once(socket, 'connect');
	// The server has it when a second connection was answered.
	await fetch(`http://127.0.0.1:${port}/healthcheck`).then((answer) => answer.text());
	const ended = once(socket, 'close');
	await api.close();
	await ended;
});
