import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { RouteFacts } from '../../../../src/api/http/route.ts';
import { startAdminApi } from '../../../support/admin-api.ts';
import { ask } from '../../../support/api-client.ts';
import { hostFacts } from '../../../support/control.ts';
import { nearly } from '../../../support/garbage.ts';

/** What the hosts' own things are called here, so that some requests find them. */
const known = ['h1', 'mine', 'default', 'project-a', 'app'];

const text = (value: unknown) => encodeURIComponent((typeof value === 'string' ? value : (JSON.stringify(value) ?? '')).toWellFormed());

function requestOf(route: RouteFacts) {
	const segment = fc.oneof(
		{ weight: 2, arbitrary: fc.constantFrom(...known) },
		{ weight: 1, arbitrary: nearly({ type: 'string' }).map((value) => text(value) || 'x') },
	);
	return fc.record({
		segments: fc.array(segment, { minLength: 3, maxLength: 3 }),
		query: nearly((route.config.merge === true ? route.schema.body : route.schema.querystring) ?? {}),
		body: nearly(route.schema.body ?? {}),
		version: fc.constantFrom('latest', '1.1', '1.27'),
		token: fc.constantFrom('admin:project-a', 'admin:project-a', 'member:project-a', 'reader:project-b'),
	});
}

function lineOf({ method, url }: RouteFacts, segments: readonly string[], query: unknown): string {
	let index = 0;
	const path = url.replaceAll(/:\w+/g, () => segments[index++] ?? 'x');
	const pairs =
		typeof query === 'object' && query !== null ? Object.entries(query).map(([name, value]) => `${text(name)}=${text(value)}`) : [];
	return `${method} ${path}${pairs.length === 0 ? '' : `?${pairs.join('&')}`}`;
}

describe('bad input to administration', () => {
	test('never makes the service fail', async (t) => {
		const world = await startAdminApi();
		t.after(() => world.close());
		await world.control.link.register(hostFacts('h1'));
		const registry = { name: 'mine', domain: 'r.example', username: 'x', password: 'y' };
		assert.equal((await ask(world.api, 'POST /v1/registries', { body: { registry } })).status, 201);
		const routes = world.api.routes.filter(({ url }) => /^\/v1\/(hosts|services|avail|quota|regist|images|networks)/.test(url));
		assert.ok(routes.length > 20);
		for (const route of routes) {
			await fc.assert(
				fc.asyncProperty(requestOf(route), async ({ segments, query, body, version, token }) => {
					const isRead = route.method === 'GET';
					const answer = await ask(world.api, lineOf(route, segments, query), { token, version, ...(isRead ? {} : { body }) });
					// 501: the search of Glance.
					if (answer.status >= 500 && answer.status !== 501) assert.fail(`${answer.status}: ${answer.text}`);
					if (answer.status >= 400) assert.match(answer.text, /"(title|message)":"./);
				}),
				{ numRuns: 60 },
			);
		}
	});

	test('every route says what it is for, and what it takes and answers', async (t) => {
		const world = await startAdminApi();
		t.after(() => world.close());
		for (const { method, url, schema, config } of world.api.routes) {
			assert.ok(schema.summary, `${method} ${url}`);
			if (config.rule !== 'public') assert.ok(schema.response, `${method} ${url}`);
		}
	});
});
