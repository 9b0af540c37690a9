import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Api } from '../../../src/api/http/route.ts';
import type { Access } from '../../../src/api/identity/access.ts';
import { identityServer, TestIdentity } from '../../support/identity-server.ts';

/** Who may call what: the whole table, so that a change of it is seen. */
const table: Record<Access, readonly string[]> = {
	public: ['GET /identity', 'GET /identity/v3', 'POST /identity/v3/auth/tokens'],
	token: [
		'GET /identity/v3/auth/tokens',
		'HEAD /identity/v3/auth/tokens',
		'DELETE /identity/v3/auth/tokens',
		'GET /identity/v3/auth/catalog',
		'GET /identity/v3/auth/projects',
		'GET /identity/v3/auth/domains',
		'GET /identity/v3/auth/system',
		'GET /identity/v3/domains',
		'GET /identity/v3/domains/:id',
		'GET /identity/v3/roles',
		'GET /identity/v3/roles/:id',
		'GET /identity/v3/regions',
		'GET /identity/v3/regions/:id',
		'GET /identity/v3/services',
		'GET /identity/v3/services/:id',
		'GET /identity/v3/endpoints',
		'GET /identity/v3/endpoints/:id',
		'GET /identity/v3/projects',
		'GET /identity/v3/projects/:projectId',
		'GET /identity/v3/users',
		'GET /identity/v3/users/:userId',
		'GET /identity/v3/role_assignments',
	],
	self: ['POST /identity/v3/users/:userId/password', 'POST /identity/v3/users/:userId/application_credentials'],
	'self-or-admin': [
		'GET /identity/v3/users/:userId/projects',
		'GET /identity/v3/projects/:projectId/users/:userId/roles',
		'GET /identity/v3/projects/:projectId/users/:userId/roles/:roleId',
		'HEAD /identity/v3/projects/:projectId/users/:userId/roles/:roleId',
		'GET /identity/v3/users/:userId/application_credentials',
		'GET /identity/v3/users/:userId/application_credentials/:credentialId',
		'DELETE /identity/v3/users/:userId/application_credentials/:credentialId',
	],
	admin: [
		'POST /identity/v3/projects',
		'PATCH /identity/v3/projects/:projectId',
		'DELETE /identity/v3/projects/:projectId',
		'POST /identity/v3/users',
		'PATCH /identity/v3/users/:userId',
		'DELETE /identity/v3/users/:userId',
		'PUT /identity/v3/projects/:projectId/users/:userId/roles/:roleId',
		'DELETE /identity/v3/projects/:projectId/users/:userId/roles/:roleId',
	],
};

/** Every caller against every route, on the caller's own things and on those of another. */
const callers = ['nobody', 'reader', 'member', 'admin', 'unscoped'] as const;
type Caller = (typeof callers)[number];

/** What a kind of access means for a caller. `allowed` = what the route answers then is its own affair. */
function expected(access: Access, caller: Caller, own: boolean): 'allowed' | 401 | 403 {
	if (access === 'public') return 'allowed';
	if (caller === 'nobody') return 401;
	switch (access) {
		case 'token':
			return 'allowed';
		case 'self':
			return own ? 'allowed' : 403;
		case 'self-or-admin':
			return own || caller === 'admin' ? 'allowed' : 403;
		case 'admin':
			return caller === 'admin' ? 'allowed' : 403;
	}
}

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;

interface Route {
	readonly method: (typeof methods)[number];
	readonly url: string;
	readonly access: Access;
}

/** The routes as they are registered, so that a new one is tested without being listed here. */
async function routesOf(app: Api): Promise<Route[]> {
	const routes: Route[] = [];
	app.addHook('onRoute', (route) => {
		for (const name of [route.method].flat()) {
			const method = methods.find((known) => known === name);
			assert.ok(method && route.config?.access, `${name} ${route.url} says who may call it`);
			routes.push({ method, url: route.url, access: route.config.access });
		}
	});
	await app.ready();
	return routes;
}

describe('identity API: role × route × own or foreign', () => {
	test('every cell of the matrix is as the table says', async (t) => {
		const identity = await TestIdentity.open({ failuresBeforeDelay: 1000 });
		t.after(() => identity.close());
		const app = identityServer(identity.identity, () => 'http://localhost');
		t.after(() => app.close());
		const routes = await routesOf(app);
		for (const [access, expectedRoutes] of Object.entries(table)) {
			const found = routes.filter((route) => route.access === access).map(({ method, url }) => `${method} ${url}`);
			assert.deepEqual(found.sort(), [...expectedRoutes].sort(), access);
		}
		await identity.user('root', 'admin');
		const foreign = await identity.user('foreign', 'member');
		const checked = new Set<string>();
		for (const route of routes) {
			for (const caller of callers) {
				for (const own of [true, false]) {
					// Made anew for each cell, since some calls end tokens or users.
					const name = `${caller}-${route.method}-${route.url}-${own}`;
					const role = caller === 'admin' || caller === 'member' ? caller : 'reader';
					const self = await identity.user(name, role);
					const token = caller === 'unscoped' ? await unscoped(identity, name) : await identity.token(name);
					const target = own ? self : foreign;
					const url = route.url
						.replace(':projectId', target.projectId)
						.replace(':userId', target.userId)
						.replace(':roleId', 'nothing')
						.replace(':credentialId', 'nothing')
						.replace(':id', 'nothing');
					// A body that no route takes, and ids of things that are not there: what is allowed changes nothing of the foreign user.
					const destructive = route.method === 'DELETE' && !own;
					const response = await app.inject({
						method: route.method,
						url: destructive ? url.replaceAll(foreign.projectId, 'absent') : url,
						headers: caller === 'nobody' ? {} : { 'x-auth-token': token },
						...(['POST', 'PATCH'].includes(route.method) ? { payload: { wrong: true } } : {}),
					});
					const want = expected(route.access, caller, own);
					const cell = `${route.method} ${route.url} by ${caller}, ${own ? 'own' : 'foreign'}: ${response.statusCode} ${response.body}`;
					if (want === 'allowed') assert.ok(![401, 403].includes(response.statusCode) && response.statusCode < 500, cell);
					else assert.equal(response.statusCode, want, cell);
					checked.add(`${route.access}/${caller}/${own}`);
				}
			}
			if (route.method === 'DELETE' && route.url.endsWith('/users/:userId'))
				Object.assign(foreign, await identity.user('foreign-2', 'member'));
		}
		assert.equal(checked.size, 5 * callers.length * 2, 'every kind of access, caller and owner was met');
	});

	test('what belongs to others is neither listed nor shown', async (t) => {
		const identity = await TestIdentity.open();
		t.after(() => identity.close());
		const app = identityServer(identity.identity, () => 'http://localhost');
		t.after(() => app.close());
		const root = await identity.user('root', 'admin');
		const ann = await identity.user('ann', 'member');
		const headers = { 'x-auth-token': await identity.token('ann') };
		const get = async (path: string) => (await app.inject({ url: `/identity/v3${path}`, headers })).json();
		assert.deepEqual(
			(await get('/projects')).projects.map((project: { name: string }) => project.name),
			['ann'],
		);
		assert.deepEqual((await get('/projects?name=root')).projects, []);
		assert.deepEqual(
			(await get('/users')).users.map((user: { name: string }) => user.name),
			['ann'],
		);
		assert.equal((await get(`/projects/${root.projectId}`)).error.code, 404);
		assert.equal((await get(`/users/${root.userId}`)).error.code, 404);
		assert.equal((await get(`/projects/${ann.projectId}`)).project.name, 'ann');
		assert.deepEqual(
			(await get('/role_assignments')).role_assignments.map((assignment: { user: object }) => assignment.user),
			[{ id: ann.userId }],
		);
		assert.equal((await get(`/role_assignments?user.id=${root.userId}`)).error.code, 403);
		const foreign = await app.inject({
			url: '/identity/v3/auth/tokens',
			headers: { ...headers, 'x-subject-token': await identity.token('root') },
		});
		assert.equal(foreign.statusCode, 403);
	});
});

async function unscoped(identity: TestIdentity, name: string): Promise<string> {
	const { token } = await identity.identity.login({ method: 'password', user: { name }, password: 'secret', scope: { type: 'none' } }, 's');
	return token;
}
