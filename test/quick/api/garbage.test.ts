import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { RouteFacts } from '../../../src/api/http/route.ts';
import { ask, startApi } from '../../support/api-client.ts';
import { hostFacts, startControl } from '../../support/control.ts';
import { nearly } from '../../support/garbage.ts';

/** Requests of every route, over the real control. */
const perRoute = 60;

/** A host that is registered and does not answer: what must be asked of it cannot be done. */
const expectedFailures: ReadonlySet<number> = new Set([501, 503]);

describe('bad input', () => {
	test('never makes the service fail, whatever comes', async (t) => {
		const control = await startControl();
		t.after(() => control.close());
		await control.link.register(hostFacts('host-1'));
		const api = await startApi(control.service, { rateLimit: null, waitLimit: 0, eventKeepAlive: 1000 });
		t.after(() => api.close());
		const shelf = await ask(api, 'POST /v1/sandboxes', { body: { name: 'shelf' } });
		assert.equal(shelf.status, 202, shelf.text);
		const web = await ask(api, 'POST /v1/containers', { body: { name: 'web', image: 'busybox', sandbox: 'shelf' } });
		assert.equal(web.status, 202, web.text);

		for (const route of api.routes.filter(({ url }) => url !== '/v1/events')) {
			await fc.assert(
				fc.asyncProperty(requestOf(route), async ({ url, version, token, body, raw }) => {
					const answer = await ask(api, `${route.method} ${url}`, {
						token,
						headers: { 'openstack-api-version': version, 'content-type': 'application/json' },
						text: raw ?? JSON.stringify(body),
					});
					if (answer.status >= 500 && !expectedFailures.has(answer.status)) assert.fail(`${answer.status}: ${answer.text}`);
					if (answer.status >= 400 && route.method !== 'HEAD') assert.match(answer.text, /"(title|message)":"./);
				}),
				{ numRuns: perRoute },
			);
		}
	});
});

function requestOf(route: RouteFacts) {
	const segment = nearly({ type: 'string' }).map((value) => encode(typeof value === 'string' ? value : JSON.stringify(value)) || 'web');
	const merged = route.config.merge === true;
	return fc.record({
		url: fc
			.tuple(
				fc.array(segment, { minLength: 2, maxLength: 2 }),
				fc.oneof({ weight: 3, arbitrary: fc.constant(['web', 'shelf']) }, { weight: 1, arbitrary: fc.constant(null) }),
				nearly(merged ? {} : (route.schema.querystring ?? {})),
			)
			.map(
				([odd, usual, query]) =>
					`${pathOf(route.url, usual === null ? odd : [route.url.includes('sandboxes') ? 'shelf' : 'web', 'req-1'])}${queryOf(query)}`,
			),
		version: fc.constantFrom('container latest', 'container 1.1', 'container 1.12', 'container 1.19', 'container 1.40', 'nonsense'),
		token: fc.constantFrom('member:project-a', 'admin:project-a', 'reader:project-b'),
		body: nearly(route.schema.body ?? {}),
		raw: fc.oneof({ weight: 8, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: fc.string({ unit: 'binary' }) }),
	});
}

function pathOf(pattern: string, values: readonly string[]): string {
	let index = 0;
	return pattern.replaceAll(/:\w+/g, () => values[index++] ?? 'x');
}

function queryOf(query: unknown): string {
	if (typeof query !== 'object' || query === null || Array.isArray(query)) return '';
	const pairs = Object.entries(query).map(
		([name, value]) => `${encode(name)}=${encode(typeof value === 'string' ? value : JSON.stringify(value))}`,
	);
	return pairs.length === 0 ? '' : `?${pairs.join('&')}`;
}

/** Percent-encoded; half a surrogate pair becomes the sign for it. */
function encode(text: string | undefined): string {
	return encodeURIComponent((text ?? '').toWellFormed());
}
