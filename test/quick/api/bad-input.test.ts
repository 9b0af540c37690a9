/** What nobody should send, to every route of the whole service over its own port. */
import assert from 'node:assert/strict';
import http from 'node:http';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { ask } from '../../support/api-client.ts';
import { Audit, type Change } from '../../support/bad-input/audit.ts';
import { furnish } from '../../support/bad-input/furnish.ts';
import { heapInUse } from '../../support/bad-input/heap.ts';
import { type OddRequest, oddRequests, operationsOf } from '../../support/bad-input/requests.ts';
import { type OddAnswer, send } from '../../support/bad-input/send.ts';
import { startWholeWorld, type WholeWorld } from '../../support/bad-input/world.ts';

const total = 10_000;
/** Bytes that may be held beyond what a quarter of the requests left: caches fill, and histories grow by what is accepted. */
const growth = 12 * 1024 * 1024;
/** Failures that are part of the contract: not offered here, the engine's own, the host does not answer. */
const documented: ReadonlySet<number> = new Set([501, 502, 503]);

describe('bad input', () => {
	test('changes are seen, so that none can hide', async (t) => {
		const world = await startWholeWorld();
		t.after(() => world.close());
		const audit = await Audit.open(world.control.store);
		assert.deepEqual(await audit.take(), []);
		const made = await ask(world.api, 'POST /v1/volumes', {
			token: world.tokens.member,
			version: 'latest',
			body: { name: 'data', size: 1 },
		});
		assert.equal(made.status, 201, made.text);
		assert.ok((await audit.take()).some(({ tbl, op, row }) => tbl === 'volume' && op === 'insert' && row.includes('data')));
		assert.deepEqual(await audit.take(), []);
	});

	describe('objects that seem to know how they are written', () => {
		let world: WholeWorld;
		before(async () => {
			world = await startWholeWorld();
		});
		after(() => world.close());
		const odd = { toString: 1, valueOf: 2, toJSON: 3, length: 4 };
		for (const [line, body] of [
			['POST /network/v2.0/networks', { network: { name: 'n', admin_state_up: odd } }],
			['POST /v1/containers', { image: 'busybox', auto_remove: odd }],
			['POST /v1/containers', { image: 'busybox', privileged: [odd] }],
			['POST /v1/containers', { image: 'busybox', hints: { same_host: odd } }],
			['POST /v1/sandboxes', { labels: { a: odd } }],
			['POST /v1/capsules', { template: odd }],
			['POST /identity/v3/users', { user: { name: 'u', enabled: odd } }],
		] as const) {
			test(`${line} with ${Object.keys(body)} is refused, not failed`, async () => {
				const answer = await ask(world.api, line, { token: world.tokens.admin, version: '1.5', body });
				assert.ok(answer.status >= 400 && answer.status < 500, answer.text);
			});
		}
	});

	test('logs that are followed answer at once, also of a container that writes nothing', { timeout: 60_000 }, async (t) => {
		const world = await startWholeWorld();
		t.after(() => world.close());
		const { '/v1/containers': [id] = [] } = await furnish(world);
		const gone = new AbortController();
		const answer = await fetch(`${world.url}/v1/containers/${id}/logs?follow=true`, {
			headers: { 'x-auth-token': world.tokens.member },
			signal: gone.signal,
		});
		assert.equal(answer.status, 200);
		gone.abort();
	});

	test('is refused without failure, hang, growth, or any change', async (t) => {
		const world = await startWholeWorld();
		const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
		t.after(async () => {
			agent.destroy();
			await world.close();
		});
		const audit = await Audit.open(world.control.store);
		const { body: document } = await ask(world.api, 'GET /openapi.json', { token: null });
		const operations = operationsOf(document);
		assert.ok(operations.length > 120, `${operations.length} operations`);
		const perOperation = Math.ceil(total / operations.length);

		const seen = new Map<number, number>();
		const good = new Set<unknown>();
		let early: number | null = null;
		for (const [index, operation] of operations.entries()) {
			if (index === Math.floor(operations.length / 4)) early = await heapInUse();
			const names = await furnish(world);
			await audit.take();
			await fc.assert(
				fc.asyncProperty(oddRequests(operation, names), async (request) => {
					const answer = await send(world, agent, request);
					if (answer.status < 300) good.add(operation);
					seen.set(answer.status, (seen.get(answer.status) ?? 0) + 1);
					checkAnswer(request, answer);
					const changes = await audit.take();
					if (answer.status >= 400) await checkUnchanged(audit, () => send(world, agent, request), answer, changes);
					if (answer.status === 401 && request.who !== 'nobody') await world.logIn();
				}),
				{ numRuns: perOperation, endOnFailure: true },
			);
		}
		const grown = (await heapInUse()) - (early ?? 0);
		assert.ok(grown < growth, `the heap grew by ${grown} bytes`);
		const count = (from: number, to: number) =>
			[...seen].reduce((sum, [status, times]) => (status >= from && status < to ? sum + times : sum), 0);
		t.diagnostic(`answers: ${JSON.stringify(Object.fromEntries([...seen].sort(([one], [other]) => one - other)))}; heap +${grown}`);
		// Otherwise it would prove little: many are refused, many are good, and most operations are done by some.
		assert.ok(good.size > operations.length / 2, `${good.size} of ${operations.length} operations succeeded at all`);
		assert.ok(count(0, 600) >= total);
		assert.ok(count(200, 300) > total / 20 && count(400, 500) > total / 4);
	});
});

function checkAnswer(request: OddRequest, { status, text }: OddAnswer): void {
	if (status >= 500 && !documented.has(status)) assert.fail(`${status}: ${text}`);
	if (status >= 400 && request.method !== 'HEAD') assert.match(text, /"(title|message)":"./);
}

/** What a host reports at the same time is no work of the request's: that ends, and the request sent again changes nothing. */
async function checkUnchanged(audit: Audit, again: () => Promise<OddAnswer>, answer: OddAnswer, changes: readonly Change[]): Promise<void> {
	let found = changes;
	for (let attempt = 0; found.length > 0; attempt += 1) {
		const made = found.filter(({ tbl, op }) => op === 'insert' && tbl !== 'event');
		if (made.length > 0 || attempt === 20) assert.fail(`refused with ${answer.status}, but changed: ${JSON.stringify(found)}`);
		while ((await audit.take()).length > 0) await new Promise((resolve) => setTimeout(resolve, 20));
		const { status } = await again();
		found = status < 400 ? [] : await audit.take();
	}
	await audit.take();
}
