import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { keystoneTime, parseKeystoneTime } from '../../../src/api/identity/time.ts';
import { identityServer, TestIdentity } from '../../support/identity-server.ts';

const publicUrl = 'http://cloud.example:9517';

async function open(t: TestContext) {
	const identity = await TestIdentity.open();
	t.after(() => identity.close());
	const app = identityServer(identity.identity, () => publicUrl);
	t.after(() => app.close());
	const owner = await identity.user('root', 'admin', 'admin');
	const token = await identity.token('root');
	const call = async (method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE' | 'HEAD', path: string, payload?: object, as: string = token) => {
		const response = await app.inject({
			method,
			url: `/identity/v3${path}`,
			headers: { 'x-auth-token': as },
			...(payload ? { payload } : {}),
		});
		return { status: response.statusCode, headers: response.headers, body: response.body === '' ? null : response.json() };
	};
	const login = (identity: object, scope?: object | string) =>
		app.inject({ method: 'POST', url: '/identity/v3/auth/tokens', payload: { auth: { identity, scope } } });
	return { identity, app, owner, token, call, login };
}

function byPassword(password = 'secret', domain: object = { name: 'Default' }) {
	return { methods: ['password'], password: { user: { name: 'root', domain, password } } };
}

describe('Keystone v3: tokens', () => {
	test('a token has the form that clients read', async (t) => {
		const { login, owner } = await open(t);
		const response = await login(byPassword(), { project: { name: 'admin', domain: { id: 'default' } } });
		assert.equal(response.statusCode, 201);
		assert.match(String(response.headers['x-subject-token']), /^[\w-]{43}$/);
		const { catalog, audit_ids, ...token } = response.json().token;
		const domain = { id: 'default', name: 'Default' };
		assert.equal(audit_ids.length, 1);
		assert.deepEqual(token, {
			methods: ['password'],
			user: { id: owner.userId, name: 'root', domain, password_expires_at: null },
			project: { id: owner.projectId, name: 'admin', domain },
			is_domain: false,
			roles: ['admin', 'member', 'reader'].map((name) => ({ id: name, name })),
			issued_at: '2030-01-01T00:00:00.000000Z',
			expires_at: '2030-01-01T01:00:00.000000Z',
		});
		const urls = Object.fromEntries(
			catalog.map((service: { type: string; endpoints: { url: string }[] }) => [service.type, service.endpoints[0]?.url]),
		);
		assert.deepEqual(urls, {
			identity: `${publicUrl}/identity`,
			container: `${publicUrl}/v1`,
			'application-container': `${publicUrl}/v1`,
			network: `${publicUrl}/network`,
		});
		for (const { endpoints } of catalog) {
			assert.deepEqual(
				endpoints.map((endpoint: { interface: string; region: string }) => [endpoint.interface, endpoint.region]),
				[
					['public', 'RegionOne'],
					['internal', 'RegionOne'],
					['admin', 'RegionOne'],
				],
			);
		}
	});

	test('is seen, checked and revoked through X-Subject-Token', async (t) => {
		const { app, identity, token } = await open(t);
		const subject = await identity.token('root');
		const headers = { 'x-auth-token': token, 'x-subject-token': subject };
		const url = '/identity/v3/auth/tokens';
		const shown = await app.inject({ url: `${url}?nocatalog`, headers });
		assert.equal(shown.json().token.user.name, 'root');
		assert.equal('catalog' in shown.json().token, false);
		const head = await app.inject({ method: 'HEAD', url, headers });
		assert.deepEqual([head.statusCode, head.body, head.headers['x-subject-token']], [200, '', subject]);
		assert.equal((await app.inject({ method: 'DELETE', url, headers })).statusCode, 204);
		assert.equal((await app.inject({ method: 'HEAD', url, headers })).statusCode, 404);
		assert.equal((await app.inject({ url, headers })).statusCode, 404);
		assert.equal((await app.inject({ url, headers: { 'x-auth-token': subject, 'x-subject-token': token } })).statusCode, 401);
		assert.equal((await app.inject({ url, headers: { 'x-auth-token': token } })).statusCode, 400);
	});

	test('an unscoped token knows its projects and has no catalog of its own', async (t) => {
		const { login, call } = await open(t);
		for (const scope of ['unscoped', { unscoped: {} }]) {
			const response = await login(byPassword(), scope);
			assert.equal(response.statusCode, 201);
			assert.equal('project' in response.json().token, false);
			const { body } = await call('GET', '/auth/projects', undefined, String(response.headers['x-subject-token']));
			assert.deepEqual(
				body.projects.map((project: { name: string }) => project.name),
				['admin'],
			);
		}
	});

	test('what is wrong or not offered is said in Keystone’s form', async (t) => {
		const { login, app } = await open(t);
		const cases: [number, RegExp, object, (object | string)?][] = [
			[401, /requires authentication/, byPassword('wrong')],
			[401, /only one domain/, byPassword('secret', { name: 'Elsewhere' })],
			[401, /scope system are not offered/, byPassword(), { system: { all: true } }],
			[401, /scope domain are not offered/, byPassword(), { domain: { id: 'default' } }],
			[401, /scope OS-TRUST:trust are not offered/, byPassword(), { 'OS-TRUST:trust': { id: 'x' } }],
			[401, /method totp is not offered/, { methods: ['totp'] }],
			[401, /One authentication method/, { ...byPassword(), methods: ['password', 'totp'] }],
			[400, /auth.identity.password/, { methods: ['password'] }],
			[400, /password.user.name/, { methods: ['password'], password: { user: { password: 'x' } } }],
			[400, /auth.identity.token/, { methods: ['token'] }],
			[400, /application_credential.user/, { methods: ['application_credential'], application_credential: { name: 'x', secret: 'y' } }],
			[400, /methods/, { methods: [] }],
		];
		for (const [status, message, identity, scope] of cases) {
			const response = await login(identity, scope);
			const { error } = response.json();
			assert.equal(response.statusCode, status, response.body);
			assert.equal(error.code, status);
			assert.match(error.message, message);
			assert.ok(error.title);
			if (status === 401)
				assert.match(String(response.headers['www-authenticate']), /^Keystone uri="http:\/\/127.0.0.1:9517\/identity\/v3"$/);
		}
		const broken = await app.inject({
			method: 'POST',
			url: '/identity/v3/auth/tokens',
			headers: { 'content-type': 'application/json' },
			payload: '{',
		});
		assert.equal(broken.json().error.code, 400);
	});

	test('too many failures answer 429 with Retry-After', async (t) => {
		const { login } = await open(t);
		for (let i = 0; i < 5; i++) assert.equal((await login(byPassword('wrong'))).statusCode, 401);
		const response = await login(byPassword());
		assert.deepEqual([response.statusCode, response.headers['retry-after']], [429, '1']);
		assert.equal(response.json().error.title, 'Too Many Requests');
	});

	test('a valid token of a project says who it belongs to, and any other is refused', async (t) => {
		const { identity, token, owner } = await open(t);
		const signal = AbortSignal.timeout(60_000);
		const { userId, userName, projectId, projectName, roles } = await identity.identity.validate(token, signal);
		assert.deepEqual([userId, userName, projectId, projectName], [owner.userId, 'root', owner.projectId, 'admin']);
		assert.deepEqual(roles, ['admin', 'member', 'reader']);
		for (const text of ['', 'wrong', `${token} `]) {
			await assert.rejects(identity.identity.validate(text, signal), { code: 'unauthorized' });
		}
	});
});

describe('Keystone v3: discovery and what is fixed', () => {
	test('versions are told without a token', async (t) => {
		const { app } = await open(t);
		const versions = await app.inject('/identity');
		assert.equal(versions.statusCode, 300);
		assert.equal(versions.json().versions.values[0].links[0].href, `${publicUrl}/identity/v3/`);
		assert.equal((await app.inject('/identity/v3/')).json().version.status, 'stable');
	});

	test('domains, roles, regions, services and endpoints are listed, filtered and shown', async (t) => {
		const { call } = await open(t);
		for (const [plural, singular, count] of [
			['domains', 'domain', 1],
			['roles', 'role', 3],
			['regions', 'region', 1],
			['services', 'service', 4],
			['endpoints', 'endpoint', 12],
		] as const) {
			const { body } = await call('GET', `/${plural}`);
			assert.equal(body[plural].length, count, plural);
			for (const thing of body[plural]) assert.deepEqual((await call('GET', `/${plural}/${thing.id}`)).body[singular], thing);
			assert.equal((await call('GET', `/${plural}/nothing`)).status, 404);
		}
		assert.deepEqual(
			(await call('GET', '/roles?name=member')).body.roles.map((role: { id: string }) => role.id),
			['member'],
		);
		assert.equal((await call('GET', '/services?type=network')).body.services.length, 1);
		const services = (await call('GET', '/services')).body.services.map((service: { id: string }) => service.id);
		for (const { service_id } of (await call('GET', '/endpoints')).body.endpoints) assert.ok(services.includes(service_id));
	});
});

describe('Keystone v3: projects, users and roles', () => {
	test('a project is made, found, changed and deleted', async (t) => {
		const { call } = await open(t);
		const made = await call('POST', '/projects', { project: { name: 'blue', domain_id: 'default', enabled: true, tags: [], options: {} } });
		assert.equal(made.status, 201);
		const { id } = made.body.project;
		assert.deepEqual((await call('GET', '/projects?name=blue&domain_id=default')).body.projects, [made.body.project]);
		assert.deepEqual((await call('GET', '/projects?domain_id=other')).body.projects, []);
		assert.equal((await call('POST', '/projects', { project: { name: 'blue' } })).status, 409);
		const changed = await call('PATCH', `/projects/${id}`, { project: { description: 'sky', enabled: false } });
		assert.deepEqual([changed.body.project.description, changed.body.project.enabled, changed.body.project.name], ['sky', false, 'blue']);
		assert.deepEqual((await call('GET', '/projects?enabled=false')).body.projects.length, 1);
		assert.equal((await call('DELETE', `/projects/${id}`)).status, 204);
		assert.equal((await call('GET', `/projects/${id}`)).status, 404);
	});

	test('a user is made, changes its password and is deleted', async (t) => {
		const { call, login, owner } = await open(t);
		const made = await call('POST', '/users', {
			user: { name: 'ann', password: 'one', email: 'ann@cloud.example', description: 'A', default_project_id: owner.projectId },
		});
		assert.equal(made.status, 201);
		const { id } = made.body.user;
		assert.equal('password' in made.body.user, false);
		assert.equal(made.body.user.email, 'ann@cloud.example');
		assert.equal((await call('PUT', `/projects/${owner.projectId}/users/${id}/roles/reader`)).status, 204);
		const own = (password: string) => login({ methods: ['password'], password: { user: { id, password } } });
		const token = String((await own('one')).headers['x-subject-token']);
		const change = { user: { original_password: 'one', password: 'two' } };
		assert.equal((await call('POST', `/users/${id}/password`, change, token)).status, 204);
		assert.equal((await call('GET', '/auth/projects', undefined, token)).status, 401);
		assert.equal((await own('one')).statusCode, 401);
		assert.equal((await own('two')).statusCode, 201);
		assert.equal((await call('PATCH', `/users/${id}`, { user: { enabled: false } })).body.user.enabled, false);
		assert.equal((await own('two')).statusCode, 401);
		assert.equal((await call('DELETE', `/users/${id}`)).status, 204);
		assert.equal((await call('GET', `/users/${id}`)).status, 404);
	});

	test('what is not offered is refused with the field’s name', async (t) => {
		const { call } = await open(t);
		for (const [path, body, field] of [
			['/projects', { project: { name: 'x', tags: ['a'] } }, /tags/],
			['/projects', { project: { name: 'x', domain_id: 'other' } }, /domain_id/],
			['/projects', { project: { name: 'x', is_domain: true } }, /is_domain/],
			['/projects', { project: { name: ' ' } }, /name/],
			['/users', { user: { name: 'x', options: { ignore_password_expiry: true } } }, /ignore_password_expiry/],
			['/users', { user: {} }, /name/],
		] as const) {
			const response = await call('POST', path, body);
			assert.equal(response.status, 400);
			assert.match(response.body.error.message, field);
		}
	});

	test('roles are given, seen and taken', async (t) => {
		const { call, owner, identity } = await open(t);
		const { userId } = await identity.user('ann', 'member');
		const path = `/projects/${owner.projectId}/users/${userId}/roles`;
		assert.equal((await call('HEAD', `${path}/reader`)).status, 404);
		for (const _twice of [1, 2]) assert.equal((await call('PUT', `${path}/reader`)).status, 204);
		assert.equal((await call('HEAD', `${path}/reader`)).status, 204);
		assert.deepEqual(
			(await call('GET', path)).body.roles.map((role: { name: string }) => role.name),
			['reader'],
		);
		const named = await call('GET', `/role_assignments?include_names=true&user.id=${userId}&scope.project.id=${owner.projectId}`);
		const [assignment] = named.body.role_assignments;
		assert.deepEqual([assignment.user.name, assignment.scope.project.name, assignment.role.name], ['ann', 'admin', 'reader']);
		assert.equal((await call('DELETE', `${path}/reader`)).status, 204);
		assert.equal((await call('DELETE', `${path}/reader`)).status, 404);
		assert.equal((await call('PUT', `${path}/king`)).status, 404);
		assert.equal((await call('PUT', `/projects/${owner.projectId}/users/nobody/roles/reader`)).status, 404);
	});
});

describe('Keystone v3: application credentials', () => {
	test('one is made, used, listed and deleted, and cannot make others', async (t) => {
		const { call, login, owner } = await open(t);
		const path = `/users/${owner.userId}/application_credentials`;
		const made = await call('POST', path, {
			application_credential: { name: 'ci', roles: [{ name: 'reader' }], expires_at: '2031-01-01T00:00:00.000000', unrestricted: false },
		});
		assert.equal(made.status, 201);
		const { secret, ...credential } = made.body.application_credential;
		assert.equal(credential.expires_at, '2031-01-01T00:00:00.000000Z');
		assert.deepEqual((await call('GET', path)).body.application_credentials, [credential]);
		const response = await login({ methods: ['application_credential'], application_credential: { id: credential.id, secret } });
		assert.equal(response.statusCode, 201);
		assert.deepEqual(response.json().token.application_credential, { id: credential.id, name: 'ci', restricted: true });
		assert.deepEqual(response.json().token.roles, [{ id: 'reader', name: 'reader' }]);
		const token = String(response.headers['x-subject-token']);
		assert.equal((await call('POST', path, { application_credential: { name: 'more' } }, token)).status, 403);
		assert.equal((await call('DELETE', `${path}/${credential.id}`, undefined, token)).status, 403);
		const scoped = await login(
			{ methods: ['application_credential'], application_credential: { id: credential.id, secret } },
			{ project: { id: 'x' } },
		);
		assert.match(scoped.json().error.message, /leave the scope out/);
		assert.equal((await call('DELETE', `${path}/${credential.id}`)).status, 204);
		assert.equal((await call('GET', `${path}/${credential.id}`)).status, 404);
		assert.equal((await call('POST', path, { application_credential: { name: 'x', unrestricted: true } })).status, 400);
		assert.equal((await call('POST', path, { application_credential: { name: 'x', expires_at: 'soon' } })).status, 400);
		assert.equal((await call('POST', path, { application_credential: { name: 'x', expires_at: '2020-01-01T00:00:00' } })).status, 400);
	});
});

test('times are read as clients write them', () => {
	const time = Date.UTC(2030, 11, 31, 23, 59, 59);
	for (const text of [
		'2030-12-31T23:59:59',
		'2030-12-31T23:59:59Z',
		'2030-12-31T23:59:59.000000',
		'2031-01-01T00:59:59+01:00',
		'2030-12-31 23:59:59',
	]) {
		assert.equal(parseKeystoneTime(text), time, text);
	}
	assert.equal(parseKeystoneTime(keystoneTime(time + 123)), time + 123);
	assert.throws(() => parseKeystoneTime('31.12.2030'), { code: 'schema-validation-error' });
});
