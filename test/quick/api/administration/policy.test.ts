import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type PolicyRule, policy } from '../../../../src/api/policy.ts';
import { commitId } from '../../../../src/control/commits.ts';
import { type Role, roles } from '../../../../src/model/principal.ts';
import { type AdminApi, startAdminApi } from '../../../support/admin-api.ts';
import { ask } from '../../../support/api-client.ts';
import { sampleRequests, testedElsewhere } from '../../../support/api-requests.ts';
import { hostFacts } from '../../../support/control.ts';

interface Sample {
	readonly route: string;
	/** Made anew for each request where it is used up by it. */
	readonly url: () => string | Promise<string>;
	readonly body?: unknown;
	readonly status: number;
	/** Belongs to project-a: administrators aside, others do not find it. */
	readonly owned?: boolean;
}

const registry = { domain: 'r.example', username: 'x', password: 'y' };

describe('who may what of administration', () => {
	let world: AdminApi;
	let network = '';
	before(async () => {
		world = await startAdminApi();
		await world.control.link.register(hostFacts('h1'));
		network = (await world.control.store.db.selectFrom('network').select('id').executeTakeFirstOrThrow()).id;
	});
	after(() => world?.close());

	const newRegistry = async () => {
		const owner = { userId: 'u', userName: 'u', projectId: 'project-a', projectName: 'a', roles: ['member'], requestId: 'req-1' } as const;
		return `/v1/registries/${(await world.registries.create(owner, registry)).id}`;
	};
	let made = 0;
	const newHost = async () => {
		made += 1;
		const name = `old-${made}`;
		await world.control.link.register(hostFacts(name));
		return `/v1/services?host=${name}&binary=zun-compute`;
	};
	const newImage = async () => {
		made += 1;
		const zed = { userId: 'u', userName: 'u', projectId: 'project-z', projectName: 'z', roles: ['admin'], requestId: 'req-2' } as const;
		return `/v1/images/${(await world.images.pull(zed, { repo: `app:${made}`, host: 'h1' })).id}`;
	};
	const newCommit = async () => {
		made += 1;
		const row = { project_id: 'project-a', reference: `docker.io/library/c:${made}`, host: 'gone', engine_reference: 'x', created_at: 0 };
		await world.control.store.transaction(async (tx) => {
			await tx.insertInto('committed_image').values(row).execute();
		});
		return `/v1/commits/${commitId(row)}`;
	};
	const service = (action: string) => ({
		route: `PUT /v1/services/${action}`,
		url: () => `/v1/services/${action}?host=h1&binary=zun-compute`,
		status: 200,
	});
	const search = (path: string) => ({
		route: `GET /v1/images/${path}/search`,
		url: () => `/v1/images/${path.replaceAll(':', '')}/search`,
		status: 200,
	});

	const samples: readonly Sample[] = [
		{ route: 'GET /v1/hosts', url: () => '/v1/hosts', status: 200 },
		{ route: 'GET /v1/hosts/:id', url: () => '/v1/hosts/h1', status: 200 },
		{ route: 'GET /v1/services', url: () => '/v1/services', status: 200 },
		{ route: 'DELETE /v1/services', url: newHost, status: 200 },
		service('disable'),
		service('enable'),
		{ ...service('force_down'), url: () => '/v1/services/force_down?host=h1&binary=zun-compute&forced_down=False' },
		{ route: 'GET /v1/availability_zones', url: () => '/v1/availability_zones', status: 200 },
		{ route: 'GET /v1/quotas/:project_id', url: () => '/v1/quotas/project-a', status: 200, owned: true },
		{ route: 'GET /v1/quotas/:project_id/defaults', url: () => '/v1/quotas/project-a/defaults', status: 200, owned: true },
		{ route: 'PUT /v1/quotas/:project_id', url: () => '/v1/quotas/project-a', body: { cpu: -1 }, status: 200 },
		{ route: 'DELETE /v1/quotas/:project_id', url: () => '/v1/quotas/project-a', status: 200 },
		{ route: 'GET /v1/quota_classes/:class_name', url: () => '/v1/quota_classes/default', status: 200 },
		{ route: 'PUT /v1/quota_classes/:class_name', url: () => '/v1/quota_classes/default', body: { cpu: -1 }, status: 200 },
		{ route: 'POST /v1/registries', url: () => '/v1/registries', body: { registry }, status: 201 },
		{ route: 'GET /v1/registries', url: () => '/v1/registries', status: 200 },
		{ route: 'GET /v1/registries/:id', url: newRegistry, status: 200, owned: true },
		{ route: 'PATCH /v1/registries/:id', url: newRegistry, body: { registry: { name: 'other' } }, status: 200, owned: true },
		{ route: 'DELETE /v1/registries/:id', url: newRegistry, status: 204, owned: true },
		{ route: 'POST /v1/images', url: () => '/v1/images', body: { repo: 'first', host: 'h1' }, status: 202 },
		{ route: 'GET /v1/images', url: () => '/v1/images', status: 200 },
		{ route: 'GET /v1/images/:id', url: newImage, status: 200 },
		{ route: 'DELETE /v1/images/:id', url: newImage, status: 200 },
		{ route: 'GET /v1/commits', url: () => '/v1/commits', status: 200 },
		{ route: 'DELETE /v1/commits/:id', url: newCommit, status: 204, owned: true },
		search(':name'),
		search(':first/:name'),
		search(':first/:second/:name'),
		{ route: 'POST /v1/networks', url: () => '/v1/networks', body: { name: 'n', neutron_net_id: 'default' }, status: 200 },
		{ route: 'DELETE /v1/networks/:id', url: () => `/v1/networks/${network}`, status: 204 },
	];

	test('every route has a sample', () => {
		const known = new Set([...sampleRequests, ...samples].map(({ route }) => route));
		const routes = world.api.routes.filter(({ url }) => url.startsWith('/v1')).map(({ method, url }) => `${method} ${url}`);
		assert.deepEqual(
			routes.filter((route) => !known.has(route) && !testedElsewhere.has(route)),
			[],
		);
	});

	const expected = (sample: Sample, role: Role, project: string): number => {
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
