import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type PolicyRule, policy } from '../../../../src/api/policy.ts';
import { type Role, roles } from '../../../../src/model/principal.ts';
import { type AdminApi, startAdminApi } from '../../../support/admin-api.ts';
import { type AdminRequest, adminRequests } from '../../../support/admin-requests.ts';
import { ask } from '../../../support/api-client.ts';
import { sampleRequests, testedElsewhere } from '../../../support/api-requests.ts';
import { hostFacts } from '../../../support/control.ts';

describe('who may what of administration', () => {
	let world: AdminApi;
	let network = '';
	before(async () => {
		world = await startAdminApi();
		await world.control.link.register(hostFacts('h1'));
		network = (await world.control.store.db.selectFrom('network').select('id').executeTakeFirstOrThrow()).id;
	});
	after(() => world?.close());

	const samples = adminRequests(
		() => world,
		() => network,
	);

	test('every route has a sample', () => {
		const known = new Set([...sampleRequests, ...samples].map(({ route }) => route));
		const routes = world.api.routes.filter(({ url }) => url.startsWith('/v1')).map(({ method, url }) => `${method} ${url}`);
		assert.deepEqual(
			routes.filter((route) => !known.has(route) && !testedElsewhere.has(route)),
			[],
		);
	});

	const expected = (sample: AdminRequest, role: Role, project: string): number => {
		const rule = world.api.routes.find(({ method, url }) => `${method} ${url}` === sample.route)?.config.rule;
		assert.ok(rule !== undefined && isRule(rule), `${sample.route} has no rule`);
		const { least } = policy[rule];
		if (least === null || roles.indexOf(role) < roles.indexOf(least)) return 403;
		return sample.owned === true && project !== 'project-a' && role !== 'admin' ? 404 : sample.status;
	};

	for (const sample of samples) {
		test(`${sample.route} by role and project`, async () => {
			const line = async () => `${sample.route.split(' ')[0]} ${await sample.url()}`;
			const body = sample.body === undefined ? {} : { body: sample.body };
			for (const role of roles) {
				for (const project of ['project-a', 'project-b']) {
					if (sample.route === 'POST /v1/images') await world.control.store.db.deleteFrom('image').execute();
					const { status, text } = await ask(world.api, await line(), { ...body, token: `${role}:${project}`, version: 'latest' });
					assert.equal(status, expected(sample, role, project), `${role} of ${project}: ${text}`);
				}
			}
			assert.equal((await ask(world.api, await line(), { ...body, token: null })).status, 401);
		});
	}
});

function isRule(rule: string): rule is PolicyRule {
	return Object.hasOwn(policy, rule);
}
