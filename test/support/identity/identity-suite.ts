import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { ZunboxError } from '../../../src/model/errors.ts';
import type { Role } from '../../../src/model/principal.ts';
import type { Identity } from '../../../src/providers/identity/identity.ts';

/** An identity with its users, as the suite needs them. */
export interface IdentityWorld {
	readonly identity: Identity;
	/** A token of a user of its own, in a project of its own, with one role (and those that it includes). */
	token(role: Role): Promise<{ readonly token: string; readonly userId: string; readonly projectId: string }>;
	/** A token that is for no project. */
	unscopedToken(): Promise<string>;
	revoke(token: string): Promise<void>;
	/** Lets the time pass in which a revoked token may still be taken. */
	afterRevocation(): Promise<void>;
	close(): Promise<void>;
}

export async function codeOf(work: Promise<unknown>): Promise<string> {
	try {
		await work;
		return 'no error';
	} catch (error) {
		return error instanceof ZunboxError ? error.code : String(error);
	}
}

/** What every identity must do, whatever stands behind it. */
export function identitySuite(name: string, open: () => Promise<IdentityWorld>): void {
	const signal = new AbortController().signal;
	const world = async (t: TestContext): Promise<IdentityWorld> => {
		const made = await open();
		t.after(() => made.close());
		return made;
	};

	describe(`${name}: as every identity`, () => {
		test('a token says who, for which project, with which roles and until when', async (t) => {
			const { identity, token } = await world(t);
			for (const [role, roles] of [
				['reader', ['reader']],
				['member', ['member', 'reader']],
				['admin', ['admin', 'member', 'reader']],
			] as const) {
				const given = await token(role);
				const info = await identity.validate(given.token, signal);
				assert.deepEqual([info.userId, info.projectId, [...info.roles].sort()], [given.userId, given.projectId, roles]);
				assert.notEqual(info.userName, '');
				assert.notEqual(info.projectName, '');
				assert.ok(info.expiresAt > 0);
				assert.deepEqual(await identity.validate(given.token, signal), info, 'asked again');
			}
		});

		test('many questions at once have the same answer', async (t) => {
			const { identity, token } = await world(t);
			const given = await token('member');
			const infos = await Promise.all(Array.from({ length: 50 }, () => identity.validate(given.token, signal)));
			assert.ok(infos.every((info) => info.userId === given.userId));
		});

		test('what is no token is unauthorized, whatever it looks like', async (t) => {
			const { identity, token } = await world(t);
			const { token: good } = await token('member');
			const bad = ['x', good.slice(0, -1), `${good}x`, 'a'.repeat(10_000), 'with space', 'line\r\nbreak', 'é', "' or 1=1 --", '../../etc'];
			for (const text of bad) assert.equal(await codeOf(identity.validate(text, signal)), 'unauthorized', JSON.stringify(text));
		});

		test('a token without a project is unauthorized', async (t) => {
			const { identity, unscopedToken } = await world(t);
			const token = await unscopedToken();
			await assert.rejects(identity.validate(token, signal), /not for a project/);
			assert.equal(await codeOf(identity.validate(token, signal)), 'unauthorized');
		});

		test('a revoked token ends', async (t) => {
			const { identity, token, revoke, afterRevocation } = await world(t);
			const given = await token('member');
			const other = await token('member');
			await identity.validate(given.token, signal);
			await revoke(given.token);
			await afterRevocation();
			assert.equal(await codeOf(identity.validate(given.token, signal)), 'unauthorized');
			assert.equal(await codeOf(identity.validate(other.token, signal)), 'no error');
		});

		test('nothing is asked for one who has gone', async (t) => {
			const { identity, token } = await world(t);
			const given = await token('member');
			await assert.rejects(identity.validate(given.token, AbortSignal.abort(new Error('gone'))), /^Error: gone$/);
		});

		test('it says where tokens are to be had', async (t) => {
			const { identity } = await world(t);
			assert.match(identity.authUrl, /^https?:\/\/.+\/v3$/);
		});
	});
}
