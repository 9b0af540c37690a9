import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { ZunboxError } from '../../../src/model/errors.ts';
import type { EmbeddedIdentityOptions } from '../../../src/providers/identity/embedded/embedded-identity.ts';
import { standardCost } from '../../../src/providers/identity/embedded/password-hasher.ts';
import type { StoreTransaction } from '../../../src/store/store.ts';
import { TestIdentity } from '../../support/identity-server.ts';

const signal = AbortSignal.timeout(600_000);

async function open(t: TestContext, options: Partial<EmbeddedIdentityOptions> = {}): Promise<TestIdentity> {
	const made = await TestIdentity.open(options);
	t.after(() => made.close());
	return made;
}

function code(expected: string): (error: unknown) => boolean {
	return (error) => {
		assert.ok(error instanceof ZunboxError, String(error));
		assert.equal(error.code, expected, error.message);
		return true;
	};
}

describe('embedded identity: logging in', () => {
	test('a password gives a token for the default project, with the weaker roles too', async (t) => {
		const test = await open(t);
		const { userId, projectId } = await test.user('ann', 'member');
		const info = await test.identity.validate(await test.token('ann'), signal);
		assert.deepEqual(info, {
			userId,
			userName: 'ann',
			projectId,
			projectName: 'ann',
			roles: ['member', 'reader'],
			expiresAt: test.clock.now + 3_600_000,
		});
	});

	test('a wrong password, a user that is not there and one that is disabled get one and the same answer', async (t) => {
		const { identity } = await open(t);
		const off = await identity.users.create({
			name: 'off',
			password: 'secret',
			description: '',
			email: null,
			enabled: false,
			defaultProjectId: null,
		});
		const none = await identity.users.create({
			name: 'none',
			password: null,
			description: '',
			email: null,
			enabled: true,
			defaultProjectId: null,
		});
		const messages = new Set<string>();
		for (const [user, password] of [
			[{ name: off.name }, 'secret'],
			[{ name: 'nobody' }, 'secret'],
			[{ id: none.id }, 'secret'],
			[{ id: none.id }, '!'],
		] as const) {
			await assert.rejects(identity.login({ method: 'password', user, password, scope: { type: 'none' } }, 's'), (error) => {
				messages.add(error instanceof Error ? error.message : '');
				return code('unauthorized')(error);
			});
		}
		assert.equal(messages.size, 1);
	});

	test('a scope in which the user has no role is refused; no scope at all gives a token without a project', async (t) => {
		const test = await open(t);
		await test.user('ann', 'admin');
		const { projectId } = await test.user('bob', 'member');
		const login = { method: 'password', user: { name: 'ann' }, password: 'secret' } as const;
		await assert.rejects(test.identity.login({ ...login, scope: { type: 'project', id: projectId } }, 's'), code('unauthorized'));
		await assert.rejects(test.identity.login({ ...login, scope: { type: 'project', name: 'nowhere' } }, 's'), code('unauthorized'));
		const { token, details } = await test.identity.login({ ...login, scope: { type: 'none' } }, 's');
		assert.equal(details.project, null);
		await assert.rejects(test.identity.validate(token, signal), code('unauthorized'));
		assert.equal((await test.identity.inspect(token)).user.name, 'ann');
	});

	test('a token is exchanged for one of another project and lives no longer for it', async (t) => {
		const test = await open(t);
		const { userId } = await test.user('ann', 'member');
		const { projectId } = await test.user('bob', 'member');
		await test.identity.assignments.add({ userId, projectId, role: 'reader' });
		const first = await test.token('ann');
		test.clock.now += 1_000_000;
		const { details } = await test.identity.login({ method: 'token', token: first, scope: { type: 'project', name: 'bob' } }, 's');
		assert.deepEqual([details.project?.name, details.roles, details.methods], ['bob', ['reader'], ['password', 'token']]);
		assert.equal(details.expiresAt, (await test.identity.inspect(first)).expiresAt);
	});

	test('a token ends with its time, also when it was asked for a moment ago', async (t) => {
		const test = await open(t);
		await test.user('ann', 'member');
		const token = await test.token('ann');
		test.clock.now += 3_599_999;
		await test.identity.validate(token, signal);
		test.clock.now += 1;
		await assert.rejects(test.identity.validate(token, signal), code('unauthorized'));
	});

	test('expired tokens are removed from the database', async (t) => {
		const test = await open(t);
		await test.user('ann', 'member');
		await test.token('ann');
		test.clock.now += 3_700_000;
		await test.token('ann');
		assert.equal((await test.store.db.selectFrom('token').select('digest').execute()).length, 1);
	});

	test('neither passwords nor tokens nor secrets stand in the database', async (t) => {
		const test = await open(t);
		const { userId, projectId } = await test.user('ann', 'member');
		const token = await test.token('ann');
		const made = await test.identity.applicationCredentials.create({
			name: 'c',
			description: '',
			userId,
			projectId,
			roles: null,
			secret: null,
			expiresAt: null,
		});
		const tables = ['user', 'token', 'application_credential'] as const;
		const rows = await Promise.all(tables.map((table) => test.store.db.selectFrom(table).selectAll().execute()));
		const text = JSON.stringify(rows);
		for (const secret of ['"secret"', token, made.secret]) assert.ok(!text.includes(secret));
	});

	test('a hash of an older cost is renewed by the next login', async (t) => {
		const test = await open(t);
		await test.user('ann', 'member');
		const read = async () => (await test.store.db.selectFrom('user').select('password_hash').executeTakeFirstOrThrow()).password_hash;
		const before = await read();
		const { EmbeddedIdentity } = await import('../../../src/providers/identity/embedded/embedded-identity.ts');
		const newer = new EmbeddedIdentity({
			store: test.store,
			publicUrl: () => '',
			tokenLifetime: 1000,
			passwordHashesAtOnce: 1,
			failuresBeforeDelay: 5,
			maxDelay: 1000,
			hashCost: { cost: 32, blockSize: 1, parallelization: 1 },
		});
		await newer.login({ method: 'password', user: { name: 'ann' }, password: 'secret', scope: { type: 'none' } }, 's');
		assert.match(before, /^scrypt\$16\$/);
		assert.match(await read(), /^scrypt\$32\$/);
		assert.equal((await test.identity.inspect(await test.token('ann'))).user.name, 'ann');
	});
});

describe('embedded identity: what is taken away ends tokens at once', () => {
	const ways: Record<string, (test: TestIdentity, userId: string, projectId: string, token: string) => Promise<unknown>> = {
		'the token itself': (test, _userId, _projectId, token) => test.identity.revoke(token),
		'the user': (test, userId) => test.identity.users.delete(userId),
		'the user, disabled': (test, userId) => test.identity.users.update(userId, { enabled: false }),
		'the password': (test, userId) => test.identity.users.update(userId, { password: 'other' }),
		'the password, changed by the user': (test, userId) => test.identity.users.changePassword(userId, 'secret', 'other', 's'),
		'the role': (test, userId, projectId) => test.identity.assignments.remove({ userId, projectId, role: 'member' }),
		'the project': (test, _userId, projectId) => test.identity.projects.delete(projectId),
		'the project, disabled': (test, _userId, projectId) => test.identity.projects.update(projectId, { enabled: false }),
	};
	for (const [what, take] of Object.entries(ways)) {
		test(what, async (t) => {
			const test = await open(t);
			await test.user('root', 'admin');
			const { userId, projectId } = await test.user('ann', 'member');
			const token = await test.token('ann');
			const other = await test.token('root');
			await test.identity.validate(token, signal);
			await take(test, userId, projectId, token);
			await assert.rejects(test.identity.validate(token, signal), code('unauthorized'));
			await test.identity.validate(other, signal);
		});
	}

	test('a weaker role that is left limits new tokens to it, and old ones end', async (t) => {
		const test = await open(t);
		await test.user('root', 'admin');
		const { userId, projectId } = await test.user('ann', 'member');
		await test.identity.assignments.add({ userId, projectId, role: 'reader' });
		const token = await test.token('ann');
		await test.identity.assignments.remove({ userId, projectId, role: 'member' });
		await assert.rejects(test.identity.validate(token, signal), code('unauthorized'));
		assert.deepEqual((await test.identity.inspect(await test.token('ann'))).roles, ['reader']);
	});

	const elsewhere: Record<string, (tx: StoreTransaction) => Promise<unknown>> = {
		'the role': (tx: StoreTransaction) => tx.deleteFrom('role_assignment').execute(),
		'the user': (tx: StoreTransaction) => tx.updateTable('user').set({ enabled: 0 }).execute(),
		'the project': (tx: StoreTransaction) => tx.updateTable('project').set({ enabled: 0 }).execute(),
	};
	for (const [what, change] of Object.entries(elsewhere)) {
		test(`${what}, by another process: when the cached answer is old`, async (t) => {
			const test = await open(t);
			await test.user('ann', 'member');
			const token = await test.token('ann');
			await test.identity.validate(token, signal);
			await test.store.transaction(change);
			test.clock.now += 30_000;
			await assert.rejects(test.identity.validate(token, signal), code('unauthorized'));
		});
	}

	test('a password that is changed while it is checked gives no token', async (t) => {
		const test = await open(t, { hashCost: standardCost });
		await test.user('ann', 'member');
		const login = test.token('ann');
		await test.store.transaction((tx) => tx.updateTable('user').set({ password_hash: '!' }).execute());
		await assert.rejects(login, code('unauthorized'));
	});
});

describe('embedded identity: application credentials', () => {
	async function withCredential(t: TestContext, secret: string | null, expiresIn: number | null = null) {
		const test = await open(t);
		await test.user('root', 'admin');
		const owner = await test.user('ann', 'member');
		const made = await test.identity.applicationCredentials.create({
			name: 'ci',
			description: '',
			...owner,
			roles: ['reader'],
			secret,
			expiresAt: expiresIn === null ? null : test.clock.now + expiresIn,
		});
		const login = (given: string) =>
			test.identity.login({ method: 'application_credential', credential: { id: made.credential.id }, secret: given }, 's');
		return { test, owner, ...made, login };
	}

	for (const chosen of [null, 'my own secret']) {
		test(`${chosen === null ? 'a generated' : 'a chosen'} secret gives its roles in its project`, async (t) => {
			const { test, owner, secret, login } = await withCredential(t, chosen);
			const { details, token } = await login(secret);
			assert.deepEqual([details.project?.id, details.roles, details.methods], [owner.projectId, ['reader'], ['application_credential']]);
			await assert.rejects(login(`${secret}x`), code('unauthorized'));
			const byName = { name: 'ci', user: { name: 'ann' } };
			await test.identity.login({ method: 'application_credential', credential: byName, secret }, 's');
			await assert.rejects(test.identity.login({ method: 'token', token, scope: { type: 'default' } }, 's'), code('unauthorized'));
		});
	}

	test('a user has so many, and no more', async (t) => {
		const test = await open(t);
		const owner = await test.user('ann', 'member');
		const make = (name: string) =>
			test.identity.applicationCredentials.create({ name, description: '', ...owner, roles: null, secret: null, expiresAt: null });
		for (let n = 0; n < 100; n += 1) await make(`c${n}`);
		await assert.rejects(make('more'), code('over-quota'));
		const [first] = await test.identity.applicationCredentials.list(owner.userId, {});
		await test.identity.applicationCredentials.delete(owner.userId, first?.id ?? '');
		await make('more');
	});

	test('its tokens end with it, and no later than it', async (t) => {
		const { test, owner, secret, credential, login } = await withCredential(t, null, 5000);
		const { token, details } = await login(secret);
		assert.equal(details.expiresAt, test.clock.now + 5000);
		await test.identity.validate(token, signal);
		await test.identity.applicationCredentials.delete(owner.userId, credential.id);
		await assert.rejects(test.identity.validate(token, signal), code('unauthorized'));
		await assert.rejects(login(secret), code('unauthorized'));
	});

	test('an expired one is refused', async (t) => {
		const { test, secret, login } = await withCredential(t, null, 5000);
		test.clock.now += 5000;
		await assert.rejects(login(secret), code('unauthorized'));
	});

	test('it goes with the role, and does not come back with it', async (t) => {
		const { test, owner, secret, login } = await withCredential(t, null);
		await test.identity.assignments.remove({ ...owner, role: 'member' });
		await test.identity.assignments.add({ ...owner, role: 'member' });
		await assert.rejects(login(secret), code('unauthorized'));
	});

	test('it cannot have a role that its user has not', async (t) => {
		const { test, owner } = await withCredential(t, null);
		const input = { name: 'x', description: '', ...owner, secret: null, expiresAt: null };
		await assert.rejects(test.identity.applicationCredentials.create({ ...input, roles: ['admin'] }), code('policy-not-authorized'));
		await assert.rejects(test.identity.applicationCredentials.create({ ...input, name: 'ci', roles: null }), code('conflict'));
	});
});

describe('embedded identity: guessing is slow', () => {
	const wrong = (test: TestIdentity, name: string, source: string) =>
		test.identity.login({ method: 'password', user: { name }, password: 'wrong', scope: { type: 'none' } }, source);

	test('after some failures a user must wait, longer each time, from everywhere; others need not', async (t) => {
		const test = await open(t);
		await test.user('ann', 'member');
		await test.user('bob', 'member');
		for (let i = 0; i < 5; i++) await assert.rejects(wrong(test, 'ann', `s${i}`), code('unauthorized'));
		await assert.rejects(test.token('ann'), (error) => {
			assert.ok(error instanceof ZunboxError);
			assert.deepEqual([error.status, error.headers['Retry-After']], [429, '1']);
			return true;
		});
		await test.token('bob');
		test.clock.now += 1000;
		await assert.rejects(wrong(test, 'ann', 's'), code('unauthorized'));
		test.clock.now += 1999;
		await assert.rejects(test.token('ann'), code('too-many-requests'));
		test.clock.now += 1;
		await test.token('ann');
		await assert.rejects(wrong(test, 'ann', 's'), code('unauthorized'));
	});

	test('guesses at once are counted at once', async (t) => {
		const test = await open(t);
		await test.user('ann', 'member');
		const results = await Promise.allSettled(Array.from({ length: 50 }, () => wrong(test, 'ann', 's')));
		const checked = results.filter(
			({ status, ...rest }) => 'reason' in rest && rest.reason instanceof ZunboxError && rest.reason.status === 401,
		);
		assert.equal(checked.length, 5);
	});

	test('many right logins at once all succeed', async (t) => {
		const test = await open(t);
		await test.user('ann', 'member');
		await Promise.all(Array.from({ length: 50 }, () => test.token('ann')));
	});

	test('a source that guesses at many users must wait', async (t) => {
		const test = await open(t);
		await test.user('ann', 'member');
		for (let i = 0; i < 25; i++) await assert.rejects(wrong(test, `user${i}`, '192.0.2.1'), code('unauthorized'));
		await assert.rejects(wrong(test, 'ann', '192.0.2.1'), code('too-many-requests'));
		await test.token('ann');
	});

	test('a flood of logins is refused instead of piling up', async (t) => {
		const test = await open(t, { failuresBeforeDelay: 1000 });
		const results = await Promise.allSettled(Array.from({ length: 300 }, (_, i) => wrong(test, `u${i}`, 's')));
		const statuses = results.map((result) => ('reason' in result && result.reason instanceof ZunboxError ? result.reason.status : 0));
		assert.ok(statuses.filter((status) => status === 401).length >= 100);
		assert.ok(statuses.filter((status) => status === 429).length >= 100);
	});

	test('guesses at the original password are counted too', async (t) => {
		const test = await open(t);
		const { userId } = await test.user('ann', 'member');
		for (let i = 0; i < 5; i++) await assert.rejects(test.identity.users.changePassword(userId, 'wrong', 'new', 's'), code('unauthorized'));
		await assert.rejects(test.identity.users.changePassword(userId, 'secret', 'new', 's'), code('too-many-requests'));
	});
});

describe('embedded identity: what must stay consistent', () => {
	test('names are unique', async (t) => {
		const test = await open(t);
		const { userId, projectId } = await test.user('ann', 'member');
		const bob = await test.user('bob', 'member');
		await assert.rejects(test.user('ann', 'member'), code('conflict'));
		await assert.rejects(test.identity.users.update(bob.userId, { name: 'ann' }), code('conflict'));
		await assert.rejects(test.identity.projects.update(bob.projectId, { name: 'ann' }), code('conflict'));
		await test.identity.users.update(userId, { name: 'ann' });
		await test.identity.projects.update(projectId, { name: 'ann' });
	});

	test('the last administrator cannot be taken away in any way', async (t) => {
		const test = await open(t);
		const { userId, projectId } = await test.user('root', 'admin');
		const { identity } = test;
		await assert.rejects(identity.users.delete(userId), code('conflict'));
		await assert.rejects(identity.users.update(userId, { enabled: false }), code('conflict'));
		await assert.rejects(identity.projects.update(projectId, { enabled: false }), code('conflict'));
		await assert.rejects(identity.projects.delete(projectId), code('conflict'));
		await assert.rejects(identity.assignments.remove({ userId, projectId, role: 'admin' }), code('conflict'));
		await test.user('second', 'admin');
		await identity.users.delete(userId);
	});

	test('a project that owns something is not deleted, and the answer says what', async (t) => {
		const test = await open(t);
		await test.user('root', 'admin');
		const { projectId } = await test.user('ann', 'member');
		const network = { id: 'n', name: 'n', project_id: projectId, description: '', shared: 0, is_default: 0, external: 0, mtu: 1500 };
		const values = { ...network, admin_state_up: 1, port_security_enabled: 1, created_at: 0, updated_at: 0 };
		await test.store.transaction((tx) => tx.insertInto('network').values(values).execute());
		await assert.rejects(test.identity.projects.delete(projectId), /1 networks/);
		await test.store.transaction((tx) => tx.deleteFrom('network').execute());
		await test.identity.projects.delete(projectId);
		assert.equal((await test.identity.users.list({ name: 'ann' }))[0]?.defaultProjectId, null);
	});

	test('with a project go its security groups, also those that refer to one another', async (t) => {
		const test = await open(t);
		await test.user('root', 'admin');
		const { projectId } = await test.user('ann', 'member');
		const common = { project_id: projectId, description: '', created_at: 0 };
		await test.store.transaction(async (tx) => {
			for (const id of ['g1', 'g2']) {
				await tx
					.insertInto('security_group')
					.values({ ...common, id, name: id, owner_container_id: null, updated_at: 0 })
					.execute();
			}
			const rule = {
				...common,
				id: 'r',
				direction: 'ingress',
				ethertype: 'IPv4',
				protocol: null,
				port_range_min: null,
				port_range_max: null,
			};
			await tx
				.insertInto('security_group_rule')
				.values({ ...rule, security_group_id: 'g1', remote_ip_prefix: null, remote_group_id: 'g2' })
				.execute();
		});
		await test.identity.projects.delete(projectId);
		assert.deepEqual(await test.store.db.selectFrom('security_group').select('id').execute(), []);
	});
});
