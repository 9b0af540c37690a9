import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, type TestContext, test } from 'node:test';
import { inspect } from 'node:util';
import { Secret } from '../../../src/model/secret.ts';
import { OpenStackError } from '../../../src/openstack/errors.ts';
import { asService, type Caller, type SessionOptions } from '../../../src/openstack/session.ts';
import { type Script, ScriptedCloud, serviceUser } from '../../support/openstack/scripted-cloud.ts';

const user: Caller = { type: 'user', token: new Secret('user-token-1'), projectId: 'user-project' };
const get = { method: 'GET', path: '/things' } as const;
const post = { method: 'POST', path: '/things', body: { a: 1 } } as const;
const never = new AbortController().signal;
const ok: Script = () => ({ status: 200, body: { fine: true } });

async function cloudWith(t: TestContext, options: Partial<SessionOptions> = {}) {
	const cloud = await new ScriptedCloud().start();
	const session = cloud.session(options);
	t.after(async () => {
		session.close();
		await cloud.stop();
	});
	return { cloud, session };
}

/** Answers in this order; the last one again and again. */
function inOrder(...scripts: readonly Script[]): Script {
	let next = 0;
	return (heard) => {
		const script = scripts[Math.min(next, scripts.length - 1)] ?? ok;
		next += 1;
		return script(heard);
	};
}

const status =
	(code: number, headers: Record<string, string> = {}): Script =>
	() => ({ status: code, headers, body: { error: { message: `no ${code}` } } });

async function failureOf(work: Promise<unknown>): Promise<OpenStackError> {
	const error = await work.then(
		() => null,
		(reason: unknown) => reason,
	);
	assert.ok(error instanceof OpenStackError, inspect(error));
	return error;
}

describe('tokens', () => {
	test('the service user logs in once for many requests at the same time', async (t) => {
		const { cloud, session } = await cloudWith(t);
		cloud.scripts['compute'] = ok;
		await Promise.all(Array.from({ length: 20 }, () => session.request(asService, 'compute', get, never)));
		assert.equal(cloud.loginCount, 1);
		assert.equal(cloud.asked('compute').length, 20);
		assert.ok(cloud.asked('compute').every((heard) => heard.headers['x-auth-token'] === cloud.tokens[0]));
		const [login] = cloud.heard;
		assert.deepEqual(login?.body, {
			auth: {
				identity: {
					methods: ['password'],
					password: { user: { name: serviceUser.name, password: serviceUser.password, domain: { name: 'Default' } } },
				},
				scope: { project: { name: 'service', domain: { name: 'Default' } } },
			},
		});
	});

	test('a user’s request carries both tokens, and the user’s project where the endpoint names one', async (t) => {
		const { cloud, session } = await cloudWith(t);
		cloud.scripts['volume'] = ok;
		await session.request(user, 'volume', get, never);
		const [heard] = cloud.asked('volume');
		assert.equal(heard?.path, '/v3/user-project/things');
		assert.equal(heard.headers['x-auth-token'], 'user-token-1');
		assert.equal(heard.headers['x-service-token'], cloud.tokens[0]);
		await session.request(asService, 'volume', get, never);
		assert.equal(cloud.asked('volume')[1]?.path, `/v3/${serviceUser.project}/things`);
		assert.equal(cloud.asked('volume')[1]?.headers['x-service-token'], undefined);
	});

	test('a token is renewed before it expires, and the old one goes on when Keystone is away', async (t) => {
		let now = Date.now();
		const { cloud, session } = await cloudWith(t, { now: () => now });
		cloud.scripts['compute'] = ok;
		await session.request(asService, 'compute', get, never);
		now += 3_600_000 - 250_000;
		cloud.logins.push(...Array.from({ length: 4 }, () => status(503)));
		await session.request(asService, 'compute', get, never);
		assert.equal(cloud.asked('compute')[1]?.headers['x-auth-token'], cloud.tokens[0]);
		assert.equal(cloud.loginCount, 5);
		await session.request(asService, 'compute', get, never);
		assert.equal(cloud.loginCount, 5, 'it is not tried at each request');
		now += 10_000;
		await session.request(asService, 'compute', get, never);
		assert.equal(cloud.asked('compute')[3]?.headers['x-auth-token'], cloud.tokens[1]);
	});

	test('after a 401 it logs in anew, once', async (t) => {
		const { cloud, session } = await cloudWith(t);
		cloud.scripts['compute'] = inOrder(status(401), ok);
		await session.request(asService, 'compute', get, never);
		assert.equal(cloud.loginCount, 2);
		assert.deepEqual(
			cloud.asked('compute').map((heard) => heard.headers['x-auth-token']),
			cloud.tokens,
		);
		cloud.scripts['compute'] = status(401);
		assert.equal((await failureOf(session.request(asService, 'compute', get, never))).status, 401);
		assert.equal(cloud.loginCount, 3);
	});

	test('a user’s bad token does not make the service user log in again', async (t) => {
		const { cloud, session } = await cloudWith(t);
		cloud.scripts['compute'] = status(401);
		assert.equal((await failureOf(session.request(user, 'compute', get, never))).status, 401);
		assert.equal(cloud.loginCount, 1);
	});

	test('wrong credentials are told without the password', async (t) => {
		const { cloud, session } = await cloudWith(t);
		cloud.logins.push(() => ({ status: 401, body: { error: { message: `no user with ${serviceUser.password}` } } }));
		const error = await failureOf(session.request(asService, 'compute', get, never));
		assert.equal(error.status, 401);
		assert.equal(error.service, 'identity');
		assert.match(error.message, /refuses user zunbox for project service/);
		assert.ok(!inspect(error, { depth: 9 }).includes(serviceUser.password));
	});
});

describe('retries', () => {
	test('what is repeatable is tried again after 502, 503, 504 and a cut connection', async (t) => {
		const { cloud, session } = await cloudWith(t);
		for (const failure of [status(502), status(503), status(504), (() => 'reset') satisfies Script]) {
			cloud.scripts['compute'] = inOrder(failure, failure, ok);
			assert.deepEqual((await session.request(asService, 'compute', get, never)).body, { fine: true });
		}
		assert.equal(cloud.asked('compute').length, 12);
	});

	test('a creation is not repeated, unless it was refused for the moment', async (t) => {
		const { cloud, session } = await cloudWith(t);
		cloud.scripts['compute'] = status(503);
		assert.equal((await failureOf(session.request(asService, 'compute', post, never))).status, 503);
		cloud.scripts['compute'] = () => 'reset';
		assert.equal((await failureOf(session.request(asService, 'compute', post, never))).status, null);
		assert.equal(cloud.asked('compute').length, 2);
		cloud.scripts['compute'] = inOrder(status(429, { 'retry-after': '0' }), ok);
		assert.equal((await session.request(asService, 'compute', post, never)).status, 200);
	});

	test('the number of tries has an end', async (t) => {
		const { cloud, session } = await cloudWith(t);
		cloud.scripts['compute'] = status(503);
		const error = await failureOf(session.request(asService, 'compute', get, never));
		assert.equal(error.status, 503);
		assert.ok(error.isPassing);
		assert.equal(cloud.asked('compute').length, 4);
	});

	test('a longer Retry-After than it may wait is handed on', async (t) => {
		const { cloud, session } = await cloudWith(t);
		cloud.scripts['compute'] = status(429, { 'retry-after': '90' });
		const error = await failureOf(session.request(asService, 'compute', get, never));
		assert.equal(error.retryAfter, 90_000);
		assert.equal(cloud.asked('compute').length, 1);
	});

	test('a service that is not there is tried again, a creation as well, and is told with its address', async (t) => {
		const { cloud, session } = await cloudWith(t);
		const gone = await new ScriptedCloud().start();
		await gone.stop();
		cloud.catalog = [{ type: 'network', name: 'n', endpoints: [{ interface: 'public', region_id: 'one', url: gone.url }] }];
		const error = await failureOf(session.request(asService, 'network', post, never));
		assert.equal(error.status, null);
		assert.ok(error.isPassing);
		assert.ok(error.message.startsWith(`the network service at ${gone.url} does not answer: `), error.message);
	});

	test('4xx is final', async (t) => {
		const { cloud, session } = await cloudWith(t);
		for (const code of [400, 403, 404, 409]) {
			cloud.scripts['compute'] = status(code);
			const error = await failureOf(session.request(asService, 'compute', get, never));
			assert.equal(error.status, code);
			assert.equal(error.message, `compute service: no ${code}`);
			assert.ok(!error.isPassing);
		}
		assert.equal(cloud.asked('compute').length, 4);
	});
});

describe('deadlines', () => {
	test('a silent service is given up', async (t) => {
		const { cloud, session } = await cloudWith(t, { requestTimeout: 150, retries: { attempts: 1, firstWait: 1, longestWait: 1 } });
		cloud.scripts['compute'] = () => 'hang';
		const error = await failureOf(session.request(asService, 'compute', get, never));
		assert.equal(error.status, null);
		assert.match(error.message, /does not answer: no answer within 0.15 s/);
	});

	test('the caller’s signal ends a request and a wait, with its own reason', async (t) => {
		const { cloud, session } = await cloudWith(t, { retries: { attempts: 4, firstWait: 60_000, longestWait: 60_000 } });
		await session.own(never);
		for (const script of [(() => 'hang') satisfies Script, status(503)]) {
			const stop = new AbortController();
			cloud.scripts['compute'] = (heard) => {
				setImmediate(() => stop.abort(new Error('enough')));
				return script(heard);
			};
			await assert.rejects(session.request(asService, 'compute', get, stop.signal), /^Error: enough$/);
		}
		await assert.rejects(session.request(asService, 'compute', get, AbortSignal.abort(new Error('before'))), /^Error: before$/);
	});

	test('one who stops waiting for a login does not end it for others', async (t) => {
		const { cloud, session } = await cloudWith(t);
		const { promise: release, resolve } = Promise.withResolvers<void>();
		const stop = new AbortController();
		cloud.logins.push(async () => {
			stop.abort(new Error('enough'));
			await release;
			return status(503)({ method: '', path: '', query: new URLSearchParams(), headers: {}, body: null, text: '', bytes: Buffer.alloc(0) });
		});
		cloud.scripts['compute'] = ok;
		const first = session.request(asService, 'compute', get, stop.signal);
		const second = session.request(asService, 'compute', get, never);
		await assert.rejects(first, /^Error: enough$/);
		resolve();
		assert.equal((await second).status, 200);
		assert.equal(cloud.loginCount, 2);
	});
});

describe('requests', () => {
	test('they carry ids, and the service’s own id is kept for the error', async (t) => {
		const { cloud, session } = await cloudWith(t);
		cloud.scripts['compute'] = status(404, { 'x-openstack-request-id': 'req-theirs' });
		assert.equal((await failureOf(session.request(asService, 'compute', get, never))).requestId, 'req-theirs');
		assert.match(String(cloud.asked('compute')[0]?.headers['x-openstack-request-id']), /^req-[0-9a-f-]{36}$/);
		await failureOf(session.request(asService, 'compute', { ...get, requestId: 'req-ours' }, never));
		assert.equal(cloud.asked('compute')[1]?.headers['x-openstack-request-id'], 'req-ours');
	});

	test('microversion, query and headers are sent', async (t) => {
		const { cloud, session } = await cloudWith(t);
		cloud.scripts['compute'] = ok;
		await session.request(
			asService,
			'compute',
			{ ...get, microversion: '2.79', query: { a: 'x y', b: ['1', '2'], c: undefined, d: true }, headers: { 'x-more': '1' } },
			never,
		);
		const [heard] = cloud.asked('compute');
		assert.equal(heard?.headers['openstack-api-version'], 'compute 2.79');
		assert.equal(heard.headers['x-more'], '1');
		assert.equal(heard.query.toString(), 'a=x+y&b=1&b=2&d=true');
	});

	test('interface and region choose the endpoint; none is told', async (t) => {
		const { cloud, session } = await cloudWith(t, { interface: 'internal', region: 'two' });
		const endpoint = (name: string, region: string) => ({ interface: name, region_id: region, url: `${cloud.url}/${name}-${region}/v2.1` });
		cloud.catalog = [
			{ type: 'compute', name: 'nova', endpoints: [endpoint('public', 'two'), endpoint('internal', 'one'), endpoint('internal', 'two')] },
		];
		cloud.scripts['internal-two'] = ok;
		assert.equal((await session.request(asService, 'compute', get, never)).status, 200);
		const error = await failureOf(session.request(asService, 'image', get, never));
		assert.match(error.message, /has no internal endpoint of the image service in region two/);
	});

	test('tokens never get into an error, also when a service repeats them', async (t) => {
		const { cloud, session } = await cloudWith(t);
		cloud.scripts['compute'] = (heard) => ({
			status: 400,
			body: { badRequest: { message: `${heard.headers['x-auth-token']} ${heard.headers['x-service-token']} ${'x'.repeat(5000)}` } },
		});
		const error = await failureOf(session.request(user, 'compute', get, never));
		assert.ok(error.message.startsWith('compute service: [secret] [secret] xxx'), error.message);
		assert.ok(error.message.length < 600);
	});

	test('an answer that is no JSON is an error without its text', async (t) => {
		const { cloud, session } = await cloudWith(t);
		cloud.scripts['compute'] = () => ({ status: 500, headers: { 'content-type': 'text/html' }, text: '<html>oh</html>' });
		assert.equal((await failureOf(session.request(asService, 'compute', get, never))).message, 'compute service: it answered 500');
	});
});

describe('streams', () => {
	test('a download is read while it comes; its error is read as any other', async (t) => {
		const { cloud, session } = await cloudWith(t);
		cloud.scripts['image'] = () => ({ status: 200, text: 'y'.repeat(1_000_000) });
		const { body } = await session.download(asService, 'image', get, never);
		assert.equal((await text(body)).length, 1_000_000);
		cloud.scripts['image'] = status(403);
		assert.equal((await failureOf(session.download(asService, 'image', get, never))).message, 'image service: no 403');
	});

	test('an upload is sent once, as it comes', async (t) => {
		const { cloud, session } = await cloudWith(t);
		cloud.scripts['image'] = () => ({ status: 204 });
		const facts = { method: 'PUT', path: '/file', headers: { 'content-type': 'application/octet-stream' } } as const;
		await session.upload(asService, 'image', { ...facts, stream: Readable.from(['one', 'two']) }, never);
		assert.equal(cloud.asked('image')[0]?.text, 'onetwo');
		cloud.scripts['image'] = status(503);
		const error = await failureOf(session.upload(asService, 'image', { ...facts, stream: Readable.from(['one']) }, never));
		assert.equal(error.status, 503);
		assert.equal(cloud.asked('image').length, 2);
	});

	test('an upload whose connection breaks says which service', async (t) => {
		const { cloud, session } = await cloudWith(t);
		cloud.scripts['image'] = () => 'reset';
		const endless = Readable.from(
			(async function* () {
				for (let count = 0; count < 3; count += 1) yield Buffer.alloc(100_000);
			})(),
		);
		const error = await failureOf(session.upload(asService, 'image', { method: 'PUT', path: '/file', stream: endless }, never));
		assert.match(error.message, /^the image service at http:\S+ does not answer: /);
	});

	test('an upload whose source fails fails, and nothing is left open', async (t) => {
		const { cloud, session } = await cloudWith(t);
		cloud.scripts['image'] = () => ({ status: 204 });
		const source = Readable.from(
			(async function* () {
				yield 'one';
				throw new Error('the source broke');
			})(),
		);
		await assert.rejects(
			session.upload(asService, 'image', { method: 'PUT', path: '/file', stream: source }, never),
			/^Error: the source broke$/,
		);
	});
});
