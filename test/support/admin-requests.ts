import { commitId } from '../../src/control/commits.ts';
import type { AdminApi } from './admin-api.ts';
import { hostFacts } from './control.ts';

/** A request that a route of administration takes. */
export interface AdminRequest {
	readonly route: string;
	/** Made anew for each request where it is used up by it. */
	readonly url: () => string | Promise<string>;
	readonly body?: unknown;
	readonly status: number;
	/** Belongs to project-a: administrators aside, others do not find it. */
	readonly owned?: boolean;
}

const registry = { domain: 'r.example', username: 'x', password: 'y' };

/** One for every route of administration, in a world that has the host `h1`. `network` answers the id of its only network. */
export function adminRequests(world: () => AdminApi, network: () => string): readonly AdminRequest[] {
	const newRegistry = async () => {
		const owner = { userId: 'u', userName: 'u', projectId: 'project-a', projectName: 'a', roles: ['member'], requestId: 'req-1' } as const;
		return `/v1/registries/${(await world().registries.create(owner, registry)).id}`;
	};
	let made = 0;
	const newHost = async () => {
		made += 1;
		const name = `old-${made}`;
		await world().control.link.register(hostFacts(name));
		return `/v1/services?host=${name}&binary=zun-compute`;
	};
	const newImage = async () => {
		made += 1;
		const zed = { userId: 'u', userName: 'u', projectId: 'project-z', projectName: 'z', roles: ['admin'], requestId: 'req-2' } as const;
		return `/v1/images/${(await world().images.pull(zed, { repo: `app:${made}`, host: 'h1' })).id}`;
	};
	const newCommit = async () => {
		made += 1;
		const row = { project_id: 'project-a', reference: `docker.io/library/c:${made}`, host: 'gone', engine_reference: 'x', created_at: 0 };
		await world().control.store.transaction(async (tx) => {
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

	return [
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
		{ route: 'DELETE /v1/networks/:id', url: () => `/v1/networks/${network()}`, status: 204 },
	];
}
