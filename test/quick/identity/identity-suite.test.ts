import type { IdentityWorld } from '../../support/identity/identity-suite.ts';
import { identitySuite } from '../../support/identity/identity-suite.ts';
import { ScriptedKeystone } from '../../support/identity/scripted-keystone.ts';
import { TestIdentity } from '../../support/identity-server.ts';

identitySuite('keystone', () => ScriptedKeystone.open());

identitySuite('embedded', async (): Promise<IdentityWorld> => {
	const made = await TestIdentity.open();
	const { identity } = made;
	let users = 0;
	return {
		identity,
		async token(role) {
			users += 1;
			const name = `user-${users}`;
			const { userId, projectId } = await made.user(name, role);
			return { token: await made.token(name), userId, projectId };
		},
		async unscopedToken() {
			await made.user('nowhere', 'member');
			const login = { method: 'password', user: { name: 'nowhere' }, password: 'secret', scope: { type: 'none' } } as const;
			return (await identity.login(login, 'test')).token;
		},
		revoke: (token) => identity.revoke(token),
		afterRevocation: async () => {},
		close: async () => made.close(),
	};
});
