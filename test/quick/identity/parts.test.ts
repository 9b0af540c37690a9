import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { parseOpenrc } from '../../../src/config/client.ts';
import { Limiter } from '../../../src/model/limiter.ts';
import { hasRole, type Role, roles } from '../../../src/model/principal.ts';
import { effectiveRoles, includedRoles } from '../../../src/providers/identity/embedded/effective-roles.ts';
import { forgetFirstAdministrator } from '../../../src/providers/identity/embedded/first-start.ts';
import { LoginThrottle } from '../../../src/providers/identity/embedded/login-throttle.ts';
import { PasswordHasher, standardCost } from '../../../src/providers/identity/embedded/password-hasher.ts';
import { TokenCache } from '../../../src/providers/identity/embedded/token-cache.ts';
import type { TokenDetails } from '../../../src/providers/identity/management.ts';
import { TestIdentity } from '../../support/identity-server.ts';

function details(expiresAt = 1000): TokenDetails {
	const user = { id: 'u', name: 'u' };
	return { auditId: 'a', user, project: null, roles: [], methods: [], applicationCredential: null, issuedAt: 0, expiresAt };
}

describe('token cache', () => {
	const open = (clock: { now: number }, capacity = 3) => new TokenCache({ capacity, maxAge: 100, now: () => clock.now });

	test('holds no more than its capacity, and forgets what was used longest ago', () => {
		const cache = open({ now: 0 });
		for (const digest of ['a', 'b', 'c']) cache.keep(digest, details(), cache.epoch);
		cache.get('a');
		cache.keep('d', details(), cache.epoch);
		assert.equal(cache.size, 3);
		assert.deepEqual(
			['a', 'b', 'c', 'd'].map((digest) => cache.get(digest) !== null),
			[true, false, true, true],
		);
	});

	test('does not keep what was read before a change', () => {
		const cache = open({ now: 0 });
		const epoch = cache.epoch;
		cache.clear();
		cache.keep('a', details(), epoch);
		assert.equal(cache.get('a'), null);
	});

	test('forgets with age, also what is used all the time, and with the token', () => {
		const clock = { now: 0 };
		const cache = open(clock);
		cache.keep('a', details(), cache.epoch);
		cache.keep('b', details(50), cache.epoch);
		clock.now = 50;
		assert.notEqual(cache.get('a'), null);
		assert.equal(cache.get('b'), null);
		clock.now = 100;
		assert.equal(cache.get('a'), null);
	});
});

describe('login throttle', () => {
	test('the wait doubles up to its limit, ends, and is forgotten', () => {
		const clock = { now: 0 };
		const options = { freeFailures: 2, maxDelay: 5000, forgetAfter: 60_000, capacity: 100, now: () => clock.now };
		const throttle = new LoginThrottle(options);
		const waits: number[] = [];
		for (let i = 0; i < 6; i++) {
			throttle.attempt('k');
			const from = clock.now;
			while (isRefused(throttle, 'k')) clock.now += 500;
			waits.push(clock.now - from);
		}
		assert.deepEqual(waits, [0, 1000, 2000, 4000, 5000, 5000]);
		clock.now += 60_001;
		throttle.attempt('k');
		assert.equal(isRefused(throttle, 'k'), false);
	});

	test('remembers no more keys than its capacity', () => {
		const throttle = new LoginThrottle({ freeFailures: 1, maxDelay: 5000, forgetAfter: 60_000, capacity: 10, now: () => 0 });
		for (let i = 0; i < 11; i++) throttle.attempt(`k${i}`);
		assert.equal(isRefused(throttle, 'k0'), false);
		assert.equal(isRefused(throttle, 'k1'), true);
	});

	function isRefused(throttle: LoginThrottle, key: string): boolean {
		try {
			throttle.check(key);
			return false;
		} catch {
			return true;
		}
	}
});

test('a limiter keeps its limits and its order whatever tasks do', async () => {
	await fc.assert(
		fc.asyncProperty(fc.integer({ min: 1, max: 4 }), fc.array(fc.boolean(), { maxLength: 30 }), async (atOnce, fails) => {
			const limiter = new Limiter({ atOnce, waiting: 10, refuse: () => new Error('refused') });
			let running = 0;
			const started: number[] = [];
			const results = await Promise.allSettled(
				fails.map((failing, index) =>
					limiter.run(async () => {
						running += 1;
						started.push(index);
						assert.ok(running <= atOnce);
						await new Promise((resolve) => setImmediate(resolve));
						running -= 1;
						if (failing) throw new Error('task');
					}),
				),
			);
			const accepted = Math.min(fails.length, atOnce + 10);
			assert.deepEqual(
				started,
				fails.slice(0, accepted).map((_, index) => index),
			);
			results.forEach((result, index) => {
				const want = index >= accepted ? 'refused' : fails[index] ? 'task' : null;
				assert.equal(result.status === 'rejected' ? result.reason.message : null, want);
			});
			await limiter.run(async () => undefined);
		}),
		{ numRuns: 50 },
	);
});

describe('password hashes', () => {
	const admit = () => undefined;

	test('hold salt and parameters, and match their password alone', async () => {
		const hasher = new PasswordHasher({ cost: standardCost, atOnce: 2 });
		const [one, other] = await Promise.all([hasher.hash('pässword'), hasher.hash('pässword')]);
		assert.match(one, /^scrypt\$16384\$8\$5\$[\w-]{22}\$[\w-]{43}$/);
		assert.notEqual(one, other);
		assert.equal(await hasher.verify('pässword'.normalize('NFD'), one, admit), true);
		assert.equal(await hasher.verify('passwort', one, admit), false);
	});

	test('nothing matches a missing user, a user without password, or what is no hash', async () => {
		const hasher = new PasswordHasher({ cost: { cost: 16, blockSize: 1, parallelization: 1 }, atOnce: 2 });
		for (const stored of [null, '!', '', 'scrypt$16$1$1$$', 'scrypt$16$1$1$AAAA$AAAA']) {
			for (const password of ['', '!', 'x']) assert.equal(await hasher.verify(password, stored, admit), false);
		}
	});
});

test('effective roles are those that hasRole says', () => {
	const anyRoles = fc.subarray<Role>([...roles]);
	fc.assert(
		fc.property(anyRoles, anyRoles, (held, wanted) => {
			const principal = { userId: '', userName: '', projectId: '', projectName: '', requestId: '', roles: held };
			assert.deepEqual(new Set(effectiveRoles(held)), new Set(roles.filter((role) => hasRole(principal, role))));
			assert.deepEqual(
				includedRoles(wanted, held),
				wanted.filter((role) => hasRole(principal, role)),
			);
		}),
	);
});

test('a lost administrator comes back with a new password', async (t) => {
	const directory = await mkdtemp(path.join(os.tmpdir(), 'zunbox-reset-'));
	t.after(() => rm(directory, { recursive: true }));
	const test = await TestIdentity.open();
	t.after(() => test.close());
	const password = async () => parseOpenrc(await readFile(path.join(directory, 'openrc'), 'utf8'))['OS_PASSWORD'] ?? '';
	const login = async () =>
		test.identity.login(
			{ method: 'password', user: { name: 'admin' }, password: await password(), scope: { type: 'project', name: 'admin' } },
			's',
		);
	await test.identity.ensureFirstAdministrator(directory);
	const first = await password();
	await test.user('second', 'admin');
	const { details } = await login();
	await test.identity.users.update(details.user.id, { enabled: false });
	await assert.rejects(login(), { code: 'unauthorized' });
	await forgetFirstAdministrator(test.store);
	await test.identity.ensureFirstAdministrator(directory);
	assert.notEqual(await password(), first);
	assert.deepEqual((await login()).details.user, details.user);
});
