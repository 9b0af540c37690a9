import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { inspect } from 'node:util';
import { ZunboxError } from '../../../src/model/errors.ts';
import type { KeystoneIdentityOptions } from '../../../src/providers/identity/keystone/keystone-identity.ts';
import { rolesOf } from '../../../src/providers/identity/keystone/role-names.ts';
import { TokenMemory } from '../../../src/providers/identity/keystone/token-memory.ts';
import { codeOf } from '../../support/identity/identity-suite.ts';
import { ScriptedKeystone } from '../../support/identity/scripted-keystone.ts';

const signal = new AbortController().signal;

async function open(t: TestContext, options: Partial<KeystoneIdentityOptions> = {}): Promise<ScriptedKeystone> {
	const world = await ScriptedKeystone.open(options);
	t.after(() => world.close());
	return world;
}

async function refusalOf(work: Promise<unknown>): Promise<ZunboxError> {
	const error = await work.then(
		() => null,
		(reason: unknown) => reason,
	);
	assert.ok(error instanceof ZunboxError, inspect(error));
	return error;
}

describe('keystone: what is remembered', () => {
	test('many at once ask once, and later ones not at all until the time is over', async (t) => {
		const world = await open(t);
		const { token } = world.give(['member']);
		await Promise.all(Array.from({ length: 50 }, () => world.identity.validate(token, signal)));
		world.clock.now += 59_999;
		await world.identity.validate(token, signal);
		assert.equal(world.asked, 1);
		world.clock.now += 1;
		await world.identity.validate(token, signal);
		assert.equal(world.asked, 2);
	});

	test('a bad token is asked about once in a while', async (t) => {
		const world = await open(t);
		for (let count = 0; count < 10; count += 1) assert.equal(await codeOf(world.identity.validate('bad', signal)), 'unauthorized');
		assert.equal(world.asked, 1);
		world.clock.now += 5000;
		await codeOf(world.identity.validate('bad', signal));
		assert.equal(world.asked, 2);
	});

	test('a token is asked about when it expires, and then ends', async (t) => {
		const world = await open(t);
		const { token } = world.give(['member'], 'p', 10_000);
		await world.identity.validate(token, signal);
		world.clock.now += 10_000;
		assert.equal(await codeOf(world.identity.validate(token, signal)), 'unauthorized');
		assert.equal(world.asked, 2);
	});

	test('without a time nothing is remembered', async (t) => {
		const world = await open(t, { cacheTime: 0 });
		const { token } = world.give(['member']);
		for (let count = 0; count < 3; count += 1) await world.identity.validate(token, signal);
		assert.equal(world.asked, 3);
	});

	test('the memory is bounded, and forgets what was not used', () => {
		const memory = new TokenMemory(2);
		const entry = { verdict: { kind: 'refused', message: '' }, since: 0 } as const;
		memory.set('a', entry);
		memory.set('b', entry);
		memory.get('a');
		memory.set('c', entry);
		assert.equal(memory.size, 2);
		assert.equal(memory.get('b'), null);
		assert.notEqual(memory.get('a'), null);
	});

	test('no token stands in what is remembered', async (t) => {
		const world = await open(t);
		const { token } = world.give(['member']);
		await world.identity.validate(token, signal);
		assert.ok(!TokenMemory.digest(token).includes(token));
		assert.ok(!inspect(world.identity, { depth: 9, showHidden: true }).includes(token));
	});
});

describe('keystone: when it is away', () => {
	for (const failure of ['reset', 503, 500, 401] as const) {
		test(`(${failure}) a token that it took goes on until it expires; of another nothing is said`, async (t) => {
			const world = await open(t);
			const { token, userId } = world.give(['member'], 'p', 600_000);
			const { token: other } = world.give(['member']);
			await world.identity.validate(token, signal);
			world.failure = failure;
			world.clock.now += 120_000;
			assert.equal((await world.identity.validate(token, signal)).userId, userId);
			const refusal = await refusalOf(world.identity.validate(other, signal));
			assert.equal(refusal.code, 'service-unavailable');
			assert.match(refusal.headers['retry-after'] ?? '', /^[1-9]\d*$/);
			assert.equal(world.warnings.length, 1, 'told once');
			world.clock.now += 480_000;
			assert.equal(await codeOf(world.identity.validate(token, signal)), 'service-unavailable');
			world.failure = null;
			assert.equal(await codeOf(world.identity.validate(token, signal)), 'unauthorized');
			assert.equal(await codeOf(world.identity.validate(other, signal)), 'no error');
		});
	}

	test('it is not asked at each request, and is found again', async (t) => {
		const world = await open(t);
		const { token } = world.give(['member']);
		await world.identity.validate(token, signal);
		world.failure = 503;
		world.clock.now += 60_000;
		await world.identity.validate(token, signal);
		const { asked } = world;
		for (let count = 0; count < 10; count += 1) await world.identity.validate(token, signal);
		assert.equal(world.asked, asked);
		world.failure = null;
		world.tokens.delete(token);
		world.clock.now += 3000;
		assert.equal(await codeOf(world.identity.validate(token, signal)), 'unauthorized');
	});

	test('one that is silent does not hold a token that it took', async (t) => {
		const world = await open(t, { askTimeout: 100 });
		const { token } = world.give(['member']);
		const { token: other } = world.give(['member']);
		await world.identity.validate(token, signal);
		world.failure = 'hang';
		world.clock.now += 60_000;
		assert.equal(await codeOf(world.identity.validate(token, signal)), 'no error');
		assert.equal(await codeOf(world.identity.validate(other, signal)), 'service-unavailable');
	});
});

test('keystone: roles are ours by their names; others give nothing', async (t) => {
	const known = { admin: ['admin', 'cloud-admin'], member: ['member', '_member_'], reader: ['reader'] };
	assert.deepEqual(rolesOf(['Cloud-Admin'], known), ['admin']);
	assert.deepEqual(rolesOf(['reader', '_member_'], known), ['member', 'reader']);
	assert.deepEqual(rolesOf(['service', 'creator'], known), []);
	const world = await open(t);
	const { token } = world.give(['service']);
	assert.deepEqual((await world.identity.validate(token, signal)).roles, []);
});
