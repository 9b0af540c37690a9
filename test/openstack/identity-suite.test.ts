/** What every identity must do, with Keystone itself behind ours. */
import { randomUUID } from 'node:crypto';
import { Secret } from '../../src/model/secret.ts';
import { KeystoneClient } from '../../src/openstack/keystone.ts';
import { Session } from '../../src/openstack/session.ts';
import { KeystoneIdentity } from '../../src/providers/identity/keystone/keystone-identity.ts';
import { type IdentityWorld, identitySuite } from '../support/identity/identity-suite.ts';
import { Account } from './cloud/account.ts';
import { password, urls } from './cloud/settings.ts';

const names = { userDomainName: 'Default', projectName: 'service', projectDomainName: 'Default' };
const cacheTime = 60_000;

async function open(): Promise<IdentityWorld> {
	let now = Date.now();
	const credentials = { authUrl: urls.keystone, username: 'zun', password: new Secret(password), ...names };
	const session = new Session({ credentials, interface: 'internal', region: null });
	const identity = new KeystoneIdentity({
		keystone: new KeystoneClient(session),
		authUrl: urls.keystone,
		cacheTime,
		roleNames: { admin: ['admin'], member: ['member'], reader: ['reader'] },
		now: () => now,
	});
	const admin = new Account('admin', 'admin');
	const made: string[] = [];

	/** A user, without a role anywhere. */
	const makeUser = async () => {
		const name = `suite-${randomUUID()}`;
		const id = idIn(await admin.ok('keystone', 'POST /users', { user: { name, password, domain_id: 'default' } }), 'user');
		made.push(`/users/${id}`);
		return { id, name };
	};

	return {
		identity,
		async token(role) {
			const user = await makeUser();
			const name = `suite-${randomUUID()}`;
			const projectId = idIn(await admin.ok('keystone', 'POST /projects', { project: { name, domain_id: 'default' } }), 'project');
			made.push(`/projects/${projectId}`);
			const roles = await admin.list('keystone', `GET /roles?name=${role}`, 'roles');
			await admin.ok('keystone', `PUT /projects/${projectId}/users/${user.id}/roles/${String(roles[0]?.['id'])}`);
			return { token: await new Account(user.name, name).newToken(), userId: user.id, projectId };
		},
		async unscopedToken() {
			const { id } = await makeUser();
			const answer = await fetch(`${urls.keystone}/auth/tokens`, {
				method: 'POST',
				headers: { 'content-type': 'application/json' },
				body: JSON.stringify({ auth: { identity: { methods: ['password'], password: { user: { id, password } } } } }),
				signal: AbortSignal.timeout(60_000),
			});
			return answer.headers.get('x-subject-token') ?? '';
		},
		async revoke(token) {
			const headers = { 'x-auth-token': token, 'x-subject-token': token };
			await fetch(`${urls.keystone}/auth/tokens`, { method: 'DELETE', headers, signal: AbortSignal.timeout(60_000) });
		},
		async afterRevocation() {
			now += cacheTime;
		},
		async close() {
			session.close();
			for (const path of made.reverse()) await admin.ok('keystone', `DELETE ${path}`);
		},
	};
}

function idIn(body: Readonly<Record<string, unknown>>, name: string): string {
	const inner = body[name];
	return typeof inner === 'object' && inner !== null && 'id' in inner ? String(inner.id) : '';
}

identitySuite('Keystone itself', open);
