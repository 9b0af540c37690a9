import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { networkRoutes } from '../../../src/api/network/routes.ts';
import { createApi } from '../../../src/api/server.ts';
import { createNetworkControl } from '../../../src/control/networks/network-control.ts';
import { fail } from '../../../src/model/errors.ts';
import { type Role, roles } from '../../../src/model/principal.ts';
import { EmbeddedNetworkProvider } from '../../../src/providers/network/embedded/embedded-network-provider.ts';
import { startControl } from '../../support/control.ts';

/** The network API in the whole server, where a token is the name of a role. */
async function server(context: TestContext) {
	const control = await startControl({ quotas: { networks: 1 } });
	const provider = control.deps.network;
	assert.ok(provider instanceof EmbeddedNetworkProvider);
	const { store, quotas } = control;
	const networks = createNetworkControl({ store, provider, quotas, quotaLimits: (projectId) => quotas.limits(store.db, projectId) });
	const api = await createApi({
		control: control.service,
		identity: {
			authUrl: 'http://zunbox.test/identity/v3',
			validate: async (token) => {
				const role = roles.find((name) => name === token);
				if (role === undefined) throw fail('unauthorized', 'The token is not valid.');
				return { userId: 'u', userName: 'u', projectId: 'p', projectName: 'p', roles: [role], expiresAt: Date.now() + 60_000 };
			},
		},
		plugins: [(app) => networkRoutes(app, { networks, publicUrl: () => 'http://zunbox.test' })],
	});
	context.after(async () => {
		await api.close();
		await control.close();
	});
	return async (method: 'GET' | 'POST' | 'DELETE' | 'PATCH', path: string, token: Role | null, payload?: string | object) => {
		const headers = { 'content-type': 'application/json', ...(token === null ? {} : { 'x-auth-token': token }) };
		const answer = await api.inject({ method, url: `/network${path}`, headers, ...(payload === undefined ? {} : { payload }) });
		const body = answer.json();
		return { status: answer.statusCode, type: body.NeutronError?.type, headers: answer.headers, body };
	};
}

describe('the network API in the whole server', () => {
	test('versions are for everybody, all else needs a token', async (t) => {
		const ask = await server(t);
		assert.equal((await ask('GET', '', null)).status, 200);
		assert.equal((await ask('GET', '/', null)).status, 200);
		assert.equal((await ask('GET', '/v2.0/', null)).status, 200);
		const refused = await ask('GET', '/v2.0/networks', null);
		assert.deepEqual([refused.status, refused.type], [401, 'Unauthorized']);
		assert.match(String(refused.headers['www-authenticate']), /identity/);
	});

	test('readers read, members write, and both see Neutron errors', async (t) => {
		const ask = await server(t);
		const body = { network: { name: 'one' } };
		assert.equal((await ask('GET', '/v2.0/networks', 'reader')).status, 200);
		const forbidden = await ask('POST', '/v2.0/networks', 'reader', body);
		assert.deepEqual([forbidden.status, forbidden.type], [403, 'PolicyNotAuthorized']);
		assert.equal((await ask('POST', '/v2.0/networks', 'member', body)).status, 201);
		const over = await ask('POST', '/v2.0/networks', 'member', body);
		assert.deepEqual([over.status, over.type], [409, 'OverQuota']);
		const unknown = await ask('GET', '/v2.0/networks/none', 'member');
		assert.deepEqual([unknown.status, unknown.type], [404, 'NetworkNotFound']);
		assert.equal((await ask('GET', '/v2.0/routers', 'member')).status, 404);
		assert.equal((await ask('PATCH', '/v2.0/networks', 'member')).status, 405);
		assert.equal((await ask('POST', '/v2.0/networks', 'member', '{')).status, 400);
		assert.equal((await ask('POST', '/v2.0/networks', 'member', {})).type, 'BadRequest');
	});

	test('quotas are those of control', async (t) => {
		const ask = await server(t);
		assert.equal((await ask('GET', '/v2.0/quotas/p', 'reader')).body.quota.network, 1);
	});
});
