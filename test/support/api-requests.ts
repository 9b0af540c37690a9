import { sampleIds } from './api-samples.ts';

/** A request that a route takes: one for every route of /v1, so that no route goes without a test. */
export interface SampleRequest {
	/** Method and pattern, as the router has them. */
	readonly route: string;
	/** What is put in the place of `:id` and the like; and the query. */
	readonly url: string;
	readonly body?: unknown;
	/** Status of the answer to a member of the project. */
	readonly status: number;
	/** Versions that have the route: minor numbers, both ends included. */
	readonly from?: number;
	readonly to?: number;
	/** Whether the thing that it is about belongs to a project; others do not find it. */
	readonly owned: boolean;
}

const container = `/v1/containers/${sampleIds.container}`;
const sandbox = `/v1/sandboxes/${sampleIds.sandbox}`;
const empty = { body: {}, status: 202, owned: true } as const;

function onContainer(
	method: 'GET' | 'POST',
	action: string,
	rest: Omit<SampleRequest, 'route' | 'url' | 'owned'> & { query?: string },
): SampleRequest {
	const { query = '', ...request } = rest;
	return { route: `${method} /v1/containers/:id/${action}`, url: `${container}/${action}${query}`, owned: true, ...request };
}

export const sampleRequests: readonly SampleRequest[] = [
	{ route: 'POST /v1/containers', url: '/v1/containers', body: { image: 'nginx' }, status: 202, owned: false },
	{ route: 'GET /v1/containers', url: '/v1/containers', status: 200, owned: false },
	{ route: 'GET /v1/containers/:id', url: container, status: 200, owned: true },
	{ route: 'PATCH /v1/containers/:id', url: container, body: { cpu: 1 }, status: 200, owned: true },
	{ route: 'DELETE /v1/containers/:id', url: container, status: 204, owned: true },
	onContainer('POST', 'start', empty),
	onContainer('POST', 'pause', empty),
	onContainer('POST', 'unpause', empty),
	onContainer('POST', 'stop', empty),
	onContainer('POST', 'reboot', empty),
	onContainer('POST', 'kill', empty),
	onContainer('POST', 'rebuild', empty),
	onContainer('POST', 'rename', { body: { name: 'other' }, status: 200, to: 13 }),
	onContainer('POST', 'resize_container', { body: { cpu: 1 }, status: 202, from: 19 }),
	onContainer('GET', 'logs', { status: 200 }),
	onContainer('GET', 'top', { status: 200 }),
	onContainer('GET', 'stats', { status: 200 }),
	onContainer('POST', 'execute', { body: { command: 'true' }, status: 200 }),
	onContainer('POST', 'execute_resize', { body: { exec_id: 'a'.repeat(64), h: 1, w: 1 }, status: 400 }),
	{ route: 'GET /v1/containers/:id/execs/:exec_id', url: `${container}/execs/${'a'.repeat(64)}`, status: 404, owned: true },
	onContainer('GET', 'attach', { status: 400 }),
	onContainer('POST', 'resize', { body: { h: 1, w: 1 }, status: 200 }),
	onContainer('GET', 'get_archive', { query: '?path=/etc', status: 200 }),
	onContainer('POST', 'put_archive', { query: '?path=/etc', body: { data: '' }, status: 200 }),
	onContainer('POST', 'commit', { body: { repository: 'mine' }, status: 202 }),
	onContainer('POST', 'network_attach', { body: { network: 'n' }, status: 200, from: 8 }),
	onContainer('POST', 'network_detach', { body: { network: 'n' }, status: 202, from: 6 }),
	onContainer('GET', 'network_list', { status: 200, from: 13 }),
	onContainer('POST', 'add_security_group', { body: { name: 'web' }, status: 202, to: 14 }),
	onContainer('POST', 'remove_security_group', { body: { name: 'web' }, status: 202, to: 14 }),
	onContainer('GET', 'container_actions', { status: 200 }),
	{
		route: 'GET /v1/containers/:id/container_actions/:request_id',
		url: `${container}/container_actions/req-88888888-8888-4888-8888-888888888888`,
		status: 200,
		owned: true,
	},
	{ route: 'POST /v1/sandboxes', url: '/v1/sandboxes', body: {}, status: 202, owned: false },
	{ route: 'GET /v1/sandboxes', url: '/v1/sandboxes', status: 200, owned: false },
	{ route: 'GET /v1/sandboxes/:id', url: sandbox, status: 200, owned: true },
	{ route: 'PATCH /v1/sandboxes/:id', url: sandbox, body: { name: 'other' }, status: 200, owned: true },
	{ route: 'DELETE /v1/sandboxes/:id', url: sandbox, status: 204, owned: true },
	{ route: 'POST /v1/sandboxes/:id/start', url: `${sandbox}/start`, ...empty },
	{ route: 'POST /v1/sandboxes/:id/pause', url: `${sandbox}/pause`, ...empty },
	{ route: 'POST /v1/sandboxes/:id/unpause', url: `${sandbox}/unpause`, ...empty },
	{ route: 'POST /v1/sandboxes/:id/stop', url: `${sandbox}/stop`, ...empty },
	{ route: 'POST /v1/sandboxes/:id/network_attach', url: `${sandbox}/network_attach`, body: { network: 'n' }, status: 200, owned: true },
	{ route: 'POST /v1/sandboxes/:id/network_detach', url: `${sandbox}/network_detach`, body: { network: 'n' }, status: 202, owned: true },
	{ route: 'GET /v1/sandboxes/:id/network_list', url: `${sandbox}/network_list`, status: 200, owned: true },
	{ route: 'GET /v1/sandboxes/:id/containers', url: `${sandbox}/containers`, status: 200, owned: true },
	{ route: 'GET /v1/sandboxes/:id/actions', url: `${sandbox}/actions`, status: 200, owned: true },
];

/** Routes of /v1 that are tested by files of their own: an answer that goes on, and what needs no token. */
export const testedElsewhere: ReadonlySet<string> = new Set(['GET /v1/events', 'GET /v1', 'HEAD /v1']);
