import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { streamCounter } from '../../../../src/api/http/reply.ts';
import { Execs } from '../../../../src/api/streams/execs.ts';
import { InputWriter } from '../../../../src/api/streams/input.ts';
import { readStreamLink, streamLink } from '../../../../src/api/streams/link.ts';
import { isOriginAllowed } from '../../../../src/api/streams/origin.ts';
import { MessageSender } from '../../../../src/api/streams/output.ts';
import { StreamTickets } from '../../../../src/api/streams/tickets.ts';
import { Utf8Cutter } from '../../../../src/api/streams/utf8.ts';
import type { Principal } from '../../../../src/model/principal.ts';
import { eventually } from '../../../support/eventually.ts';

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function cut(pieces: readonly Uint8Array[]): Uint8Array[] {
	const cutter = new Utf8Cutter();
	return [...pieces.map((piece) => cutter.push(piece)), cutter.end()];
}

describe('UTF-8 in pieces', () => {
	const bytes = fc.oneof(
		fc.uint8Array({ maxLength: 40 }),
		fc.string({ unit: 'binary', maxLength: 20 }).map((text) => Uint8Array.from(Buffer.from(text))),
		// Lead bytes and continuation bytes, so that broken characters are frequent.
		fc
			.array(fc.constantFrom(0x41, 0x80, 0xa0, 0xbf, 0xc1, 0xc3, 0xe0, 0xed, 0xef, 0xf0, 0xf4, 0xf5), { maxLength: 20 })
			.map((list) => Uint8Array.from(list)),
	);

	test('each piece is valid by itself, and all together are what the whole would be', () => {
		fc.assert(
			fc.property(fc.array(bytes, { maxLength: 8 }), (pieces) => {
				const out = cut(pieces);
				for (const piece of out) strict.decode(piece);
				assert.equal(Buffer.concat(out).toString('utf8'), Buffer.concat(pieces).toString('utf8'));
			}),
			{ numRuns: 2000 },
		);
	});

	test('valid text comes through byte for byte, cut anywhere', () => {
		const text = Buffer.from('aé€😀\u{10ffff}\ufeffz'.repeat(3));
		for (let at = 0; at <= text.length; at += 1) {
			assert.deepEqual(Buffer.concat(cut([text.subarray(0, at), text.subarray(at)])), text);
		}
		assert.deepEqual(Buffer.concat(cut([...text].map((byte) => Uint8Array.of(byte)))), text);
	});

	test('at most three bytes are held back', () => {
		fc.assert(
			fc.property(bytes, (piece) => {
				const cutter = new Utf8Cutter();
				cutter.push(piece);
				assert.ok(Buffer.from(cutter.end()).toString('utf8').length <= 3);
			}),
		);
	});
});

describe('origins', () => {
	const own = { ownHosts: ['zun.example:9517'], secure: false, allowed: [] };
	for (const [origin, secure, expected] of [
		[undefined, false, true],
		['http://zun.example:9517', false, true],
		['http://ZUN.example', false, true],
		['http://zun.example:None', false, true],
		['https://zun.example:443', false, true],
		['https://zun.example:None', true, true],
		['http://zun.example:9517', true, false],
		['http://evil.example', false, false],
		['http://zun.example.evil.example', false, false],
		['http://evil.example/zun.example', false, false],
		['http://zun.example@evil.example', false, false],
		['ftp://zun.example', false, false],
		['null', false, false],
		['', false, false],
	] as const) {
		test(`${origin} is ${expected ? 'taken' : 'refused'} by ${secure ? 'https' : 'http'}`, () => {
			assert.equal(isOriginAllowed({ ...own, origin, secure }), expected);
		});
	}

	test('others can be allowed', () => {
		assert.ok(isOriginAllowed({ ...own, origin: 'https://ui.example', allowed: ['https://ui.example'] }));
		assert.ok(!isOriginAllowed({ ...own, origin: 'https://ui.example:444', allowed: ['https://ui.example'] }));
		assert.ok(isOriginAllowed({ ...own, origin: 'null', allowed: ['*'] }));
		assert.ok(isOriginAllowed({ ...own, origin: 'http://[::1]:80', ownHosts: ['[::1]:9517'] }));
	});

	test('nothing that a header may hold breaks it', () => {
		fc.assert(fc.property(fc.string(), (origin) => isOriginAllowed({ ...own, origin }) === false));
	});
});

describe('links', () => {
	const address = { token: 'secret_-', containerId: 'c1', execId: null };
	for (const [base, expected] of [
		['http://zun.example', 'ws://zun.example:80/v1/streams'],
		['https://zun.example', 'wss://zun.example:443/v1/streams'],
		['http://127.0.0.1:9517', 'ws://127.0.0.1:9517/v1/streams'],
		['http://[::1]:9517/container', 'ws://[::1]:9517/container/v1/streams'],
	] as const) {
		test(`at ${base}`, () => {
			assert.equal(streamLink(base, address), `${expected}?token=secret_-&uuid=c1`);
			const exec = { ...address, execId: 'e1' };
			assert.deepEqual(readStreamLink(streamLink(base, exec).split('?')[1] ?? ''), exec);
		});
	}

	test('without token or uuid it is none', () => {
		for (const query of ['', 'token=a', 'uuid=a', 'token=&uuid=a']) assert.equal(readStreamLink(query), null);
	});
});

const principal: Principal = { userId: 'u', userName: 'u', projectId: 'p', projectName: 'p', roles: ['member'], requestId: 'req-1' };

describe('tokens', () => {
	function tickets(limit = 100) {
		let now = 0;
		const made = new StreamTickets(60_000, streamCounter(limit), () => now);
		return { made, advance: (ms: number) => (now += ms) };
	}
	const grant = { principal, containerId: 'c1', exec: null };
	const address = { containerId: 'c1', execId: null };

	test('are taken once', () => {
		const { made } = tickets();
		const token = made.issue(grant);
		assert.deepEqual(made.redeem({ ...address, token }), grant);
		assert.equal(made.redeem({ ...address, token }), null);
	});

	test('are gone after a minute', () => {
		const { made, advance } = tickets();
		const [first, second] = [made.issue(grant), made.issue(grant)];
		advance(59_999);
		assert.ok(made.redeem({ ...address, token: first }));
		advance(1);
		assert.equal(made.redeem({ ...address, token: second }), null);
	});

	test('belong to one process of one container, and a wrong try uses them up', () => {
		const { made } = tickets();
		for (const wrong of [{ containerId: 'c2' }, { execId: 'e' }]) {
			const token = made.issue(grant);
			assert.equal(made.redeem({ ...address, token, ...wrong }), null);
			assert.equal(made.redeem({ ...address, token }), null);
		}
		assert.equal(made.redeem({ ...address, token: 'guess' }), null);
	});

	test('are bounded, and places come back', () => {
		const { made, advance } = tickets(4);
		const token = made.issue(grant);
		assert.throws(() => made.issue(grant), { code: 'too-many-requests' });
		made.redeem({ ...address, token });
		made.issue(grant);
		advance(60_000);
		made.issue(grant);
	});
});

describe('execs', () => {
	const what = { projectId: 'p', containerId: 'c', command: ['sh'], tty: true };

	test('the exit code stays for a time', () => {
		let now = 0;
		const execs = new Execs({ waiting: 10, kept: 100, keptOfProject: 2 }, () => now);
		const first = execs.create(what);
		execs.ended(first.id, 3);
		assert.equal(execs.find('c', first.id)?.exitCode, 3);
		assert.equal(execs.find('other', first.id), null);
		now = 101;
		execs.create(what);
		assert.equal(execs.find('c', first.id), null);
	});

	test('a project keeps the newest ones only, and one that was never started goes', () => {
		let now = 0;
		const execs = new Execs({ waiting: 10, kept: 100, keptOfProject: 2 }, () => now);
		const made = [0, 1, 2].map(() => {
			const exec = execs.create(what);
			execs.ended(exec.id, 0);
			return exec.id;
		});
		assert.deepEqual(
			made.map((id) => execs.find('c', id) !== null),
			[false, true, true],
		);
		const waiting = execs.create(what);
		assert.equal(execs.find('c', waiting.id)?.state, 'waiting');
		now = 11;
		assert.equal(execs.find('c', waiting.id), null);
	});
});

describe('messages to the client', () => {
	function sender() {
		const sent: { readonly text: string; readonly done: () => void; readonly failed: (error: Error) => void }[] = [];
		const made = new MessageSender(
			(message) => new Promise((resolve, reject) => sent.push({ text: Buffer.from(message).toString(), done: resolve, failed: reject })),
		);
		return { made, sent };
	}

	test('pieces that come while a message is on its way are one message', async () => {
		const { made, sent } = sender();
		await made.push(Buffer.from('a'));
		await eventually('the first message', () => sent[0]);
		for (const piece of ['b', 'c', '', 'd']) await made.push(Buffer.from(piece));
		assert.equal(sent.length, 1);
		sent[0]?.done();
		await eventually('the second message', () => sent[1]);
		const flushed = made.flush();
		sent[1]?.done();
		await flushed;
		assert.deepEqual(
			sent.map(({ text }) => text),
			['a', 'bcd'],
		);
	});

	test('the source waits while the client is slow', async () => {
		const { made, sent } = sender();
		await made.push(Buffer.alloc(40_000));
		await eventually('the first message', () => sent[0]);
		await made.push(Buffer.alloc(40_000));
		let taken = false;
		const pushing = made.push(Buffer.alloc(40_000)).then(() => {
			taken = true;
		});
		await new Promise((resolve) => setImmediate(resolve));
		assert.ok(!taken);
		sent[0]?.done();
		await pushing;
		assert.equal(sent[1]?.text.length, 80_000);
	});

	test('a connection that is gone is told to the source', async () => {
		const { made, sent } = sender();
		await made.push(Buffer.alloc(70_000)).catch(() => undefined);
		await eventually('the first message', () => sent[0]);
		const pushing = made.push(Buffer.alloc(70_000));
		sent[0]?.failed(new Error('gone'));
		await assert.rejects(pushing, /gone/);
		await assert.rejects(made.push(Buffer.from('x')), /gone/);
		await assert.rejects(made.flush(), /gone/);
	});
});

describe('what the client types', () => {
	test('waits for the stream, comes in order, and holds up the client', async () => {
		const calls: string[] = [];
		const input = new InputWriter({ pause: () => calls.push('pause'), resume: () => calls.push('resume') });
		input.push(Buffer.alloc(60_000, 'a'));
		input.push(Buffer.alloc(60_000, 'b'));
		input.push(Buffer.alloc(0));
		assert.deepEqual(calls, ['pause']);
		input.open({
			write: async (bytes) => void calls.push(Buffer.from(bytes).toString().slice(0, 1)),
			end: async () => void calls.push('end'),
		});
		await eventually('the end', () => calls.includes('end'));
		assert.deepEqual(calls, ['pause', 'a', 'b', 'resume', 'end']);
	});

	test('is thrown away once the process does not take it', async () => {
		const calls: string[] = [];
		const input = new InputWriter({ pause: () => calls.push('pause'), resume: () => calls.push('resume') });
		input.open({
			write: async () => {
				throw new Error('broken pipe');
			},
			end: async () => undefined,
		});
		input.push(Buffer.alloc(100_000));
		await eventually('the client is let go on', () => calls.includes('resume'));
		input.push(Buffer.alloc(100_000));
		assert.deepEqual(calls, ['pause', 'resume']);
	});
});
