import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Api } from '../../../src/api/http/route.ts';
import { type PolicyRule, policy } from '../../../src/api/policy.ts';
import { type Role, roles } from '../../../src/model/principal.ts';
import { ask, startApi } from '../../support/api-client.ts';
import { type SampleRequest, sampleRequests, testedElsewhere } from '../../support/api-requests.ts';
import { MemoryControl } from '../../support/memory-control.ts';

function isRule(rule: string | undefined): rule is PolicyRule {
	return rule !== undefined && Object.hasOwn(policy, rule);
}

describe('policy', () => {
	let api: Api;
	before(async () => {
		api = await startApi(new MemoryControl());
	});
	after(() => api.close());

	test('every route of /v1 has a sample request', () => {
		const routes = api.routes.filter(({ url }) => url.startsWith('/v1')).map(({ method, url }) => `${method} ${url}`);
		const sampled = new Set([...sampleRequests.map(({ route }) => route), ...testedElsewhere]);
		assert.deepEqual(
			routes.filter((route) => !sampled.has(route)),
			[],
		);
		assert.deepEqual(
			[...sampled].filter((route) => !routes.includes(route)),
			[],
		);
	});

	for (const request of sampleRequests) {
		for (const role of roles) {
			for (const project of ['project-a', 'project-b']) {
				test(`${request.route} as ${role} of ${project === 'project-a' ? 'its own' : 'another'} project`, async () => {
					const { status } = await send(api, request, `${role}:${project}`);
					assert.equal(status, expected(api, request, role, project));
				});
			}
		}
		test(`${request.route} without a token`, async () => {
			const answer = await send(api, request, null);
			assert.equal(answer.status, 401);
			assert.equal(answer.headers['www-authenticate'], 'Keystone uri="http://identity.test/identity/v3"');
		});
	}

	for (const [line, rule] of [
		['GET /v1/containers?all_projects=True', 'container:get_all_all_projects'],
		['GET /v1/containers?host=host-1', 'container:get_all:host'],
		['GET /v1/containers/web?all_projects=1', 'container:get_one_all_projects'],
		['DELETE /v1/containers/web?force=True', 'container:delete_force'],
		['DELETE /v1/containers/web?force=True&stop=True', 'container:delete_force'],
		['DELETE /v1/containers/web?all_projects=yes', 'container:delete_all_projects'],
		['GET /v1/sandboxes?all_projects=True', 'sandbox:get_all_all_projects'],
		['GET /v1/sandboxes?host=host-1', 'sandbox:get_all:host'],
		['GET /v1/sandboxes/shelf?all_projects=on', 'sandbox:get_one_all_projects'],
		['GET /v1/events?all_projects=True', 'event:watch_all_projects'],
	] as const) {
		test(`${line} is an administrator's`, async () => {
			assert.equal(policy[rule].least, 'admin');
			const { status, text } = await ask(api, line, { version: 'latest' });
			assert.equal(status, 403);
			assert.match(text, new RegExp(`Policy doesn't allow ${rule} to be performed`));
			if (line.includes('events')) return;
			const allowed = await ask(api, line, { version: 'latest', token: 'admin:project-a' });
			assert.ok(allowed.status < 300, allowed.text);
		});
	}

	for (const [field, value, rule] of [
		['host', 'host-1', 'container:create:requested_destination'],
		['runtime', 'kata', 'container:create:runtime'],
		['privileged', true, 'container:create:privileged'],
	] as const) {
		test(`creating with ${field} is not a member's`, async () => {
			const body = { image: 'nginx', [field]: value };
			const { status, text } = await ask(api, 'POST /v1/containers', { version: 'latest', body });
			assert.equal(status, 403);
			assert.match(text, new RegExp(rule));
			const admin = await ask(api, 'POST /v1/containers', { version: 'latest', body, token: 'admin:project-a' });
			assert.equal(admin.status, policy[rule].least === 'admin' ? 202 : 403);
		});
	}

	test('settings forbid registries, also to who names them in other places; administrators may', async (t) => {
		const closed = await startApi(new MemoryControl(), { forbiddenRegistries: ['127.0.0.0/8'] });
		t.after(() => closed.close());
		const call = (line: string, body: object, token?: string) =>
			ask(closed, line, { version: 'latest', body, ...(token ? { token } : {}) });
		const image = '127.0.0.1:5000/app';
		for (const [line, body] of [
			['POST /v1/containers', { image }],
			['POST /v1/containers/web/rebuild', { image }],
			['POST /v1/containers/web/commit', { repository: image }],
		] as const) {
			const { status, text } = await call(line, body);
			assert.equal(status, 403, line);
			assert.match(text, /Policy doesn't allow the registry 127\.0\.0\.1:5000 to be used/);
			assert.equal((await call(line, body, 'admin:project-a')).status, 202, line);
		}
		assert.equal((await call('POST /v1/containers', { image: 'nginx' })).status, 202);
	});

	test('settings can open a rule, and runtimes one by one', async (t) => {
		const open = await startApi(new MemoryControl(), { policy: { 'container:create:privileged': 'admin' }, allowedRuntimes: ['kata'] });
		t.after(() => open.close());
		const privileged = { version: 'latest', body: { image: 'nginx', privileged: true } };
		assert.equal((await ask(open, 'POST /v1/containers', { ...privileged, token: 'admin:project-a' })).status, 202);
		assert.equal((await ask(open, 'POST /v1/containers', privileged)).status, 403);
		const runtime = (name: string) => ask(open, 'POST /v1/containers', { version: 'latest', body: { image: 'nginx', runtime: name } });
		assert.equal((await runtime('kata')).status, 202);
		const refused = await runtime('runsc');
		assert.equal(refused.status, 403);
		assert.match(refused.text, /Runtimes that can be chosen: kata/);
	});
});

function send(api: Api, { route, url, body, from, to }: SampleRequest, token: string | null) {
	const version = `1.${to ?? from ?? 41}`;
	return ask(api, `${route.split(' ')[0]} ${url}`, { token, version, ...(body === undefined ? {} : { body }) });
}

function expected(api: Api, request: SampleRequest, role: Role, project: string): number {
	const facts = api.routes.find(({ method, url }) => `${method} ${url}` === request.route);
	const rule = facts?.config.rule;
	assert.ok(isRule(rule), `${request.route} has no rule`);
	const { least } = policy[rule];
	if (least === null || roles.indexOf(role) < roles.indexOf(least)) return 403;
	const foreign = request.owned && project !== 'project-a' && role !== 'admin';
	// What answers without looking for the thing says that it cannot be served.
	return foreign && request.status !== 501 ? 404 : request.status;
}
