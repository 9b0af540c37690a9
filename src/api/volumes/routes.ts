import type { FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import type { VolumeControl, VolumeView } from '../../control/volume-control.ts';
import { linkBase, nextLink } from '../http/links.ts';
import { accepted, sendJson } from '../http/reply.ts';
import { responses } from '../http/responses.ts';
import { type Api, principalOf } from '../http/route.ts';
import { type ApiOptions, defaultApiOptions } from '../options.ts';
import { flag } from '../parse/flag.ts';
import { Policy } from '../policy.ts';
import { Empty, IdParams } from '../schemas.ts';
import { renderVolume } from './render.ts';
import { AttachmentParams, ListParameters, SandboxVolumes, Volume, VolumeAttach, VolumeCreate, VolumeList } from './schemas.ts';

export interface VolumeRouteDeps {
	readonly volumes: VolumeControl;
	/** The same as the API's own. */
	readonly options?: Partial<Pick<ApiOptions, 'publicUrl' | 'pathPrefix' | 'maxLimit' | 'policy'>>;
}

/** Volumes as resources of their own, and those of a sandbox. */
export function volumeRoutes(app: Api, deps: VolumeRouteDeps): void {
	ownVolumeRoutes(app, deps);
	sandboxVolumeRoutes(app, deps);
}

/** What all routes of volumes answer with. */
function rendering(deps: VolumeRouteDeps) {
	const options = { ...defaultApiOptions, ...deps.options };
	const policy = new Policy(options.policy);
	const base = (request: FastifyRequest) => linkBase(request, options.publicUrl, options.pathPrefix);
	const isAdmin = (request: FastifyRequest) => policy.allows(principalOf(request), 'volume:get_one:host');
	return {
		options,
		policy,
		base,
		render: (request: FastifyRequest, view: VolumeView) => renderVolume(view, { links: base(request), admin: isAdmin(request) }),
		renderList: (request: FastifyRequest, views: readonly VolumeView[]) =>
			views.map((view) => renderVolume(view, { links: null, admin: isAdmin(request) })),
	};
}

/** Not served where volumes are another service's. */
function ownVolumeRoutes(app: Api, deps: VolumeRouteDeps): void {
	const { volumes } = deps;
	const { options, policy, base, render, renderList } = rendering(deps);

	app.route({
		method: 'POST',
		url: '/v1/volumes',
		config: { rule: 'volume:create', jsonOnly: true },
		schema: {
			summary: 'Create a volume',
			description: 'Its data is made on the host of the sandbox that it is first attached to, and stays on that host.',
			body: VolumeCreate,
			response: responses({ 201: Volume }),
		},
		handler: async (request, reply) => {
			const { name, size } = request.body;
			const view = await volumes.create(principalOf(request), { ...(name == null ? {} : { name }), size: Number(size) });
			reply.header('location', `${base(request).base}/v1/volumes/${view.id}`);
			return sendJson(reply, 201, render(request, view));
		},
	});

	app.route({
		method: 'GET',
		url: '/v1/volumes',
		config: { rule: 'volume:get_all' },
		schema: { summary: 'List volumes, the oldest first', querystring: ListParameters, response: responses({ 200: VolumeList }) },
		handler: async (request, reply) => {
			const principal = principalOf(request);
			const { limit: asked, marker, name, all_projects } = request.query;
			const allProjects = flag(all_projects);
			if (allProjects) policy.enforce(principal, 'volume:get_all_all_projects');
			const limit = Math.min(asked === undefined ? options.maxLimit : Number(asked), options.maxLimit);
			const query = { allProjects, limit, ...(marker === undefined ? {} : { marker }), ...(name === undefined ? {} : { name }) };
			const views = await volumes.list(principal, query);
			const last = views.length === limit ? views.at(-1) : undefined;
			const next = last === undefined ? null : nextLink(base(request), '/v1/volumes', request.query, last.id, limit);
			return sendJson(reply, 200, { volumes: renderList(request, views), next });
		},
	});

	app.route({
		method: 'GET',
		url: '/v1/volumes/:id',
		config: { rule: 'volume:get_one' },
		schema: { summary: 'Show a volume', params: IdParams, response: responses({ 200: Volume }) },
		handler: async (request, reply) => sendJson(reply, 200, render(request, await volumes.show(principalOf(request), request.params.id))),
	});

	app.route({
		method: 'DELETE',
		url: '/v1/volumes/:id',
		config: { rule: 'volume:delete' },
		schema: {
			summary: 'Delete a volume and its data',
			description: '409 while a sandbox has it.',
			params: IdParams,
			response: responses({ 204: Type.Null() }),
		},
		handler: async (request, reply) => {
			await volumes.delete(principalOf(request), request.params.id);
			return reply.code(204).send();
		},
	});
}

/** Volumes of a sandbox, whoever serves them. */
export function sandboxVolumeRoutes(app: Api, deps: VolumeRouteDeps): void {
	const { volumes } = deps;
	const { render, renderList } = rendering(deps);

	app.route({
		method: 'GET',
		url: '/v1/sandboxes/:id/volumes',
		config: { rule: 'sandbox:volumes' },
		schema: { summary: 'Volumes of the sandbox', params: IdParams, response: responses({ 200: SandboxVolumes }) },
		handler: async (request, reply) => {
			const views = await volumes.attached(principalOf(request), request.params.id);
			return sendJson(reply, 200, { volumes: renderList(request, views) });
		},
	});

	app.route({
		method: 'POST',
		url: '/v1/sandboxes/:id/volumes',
		config: { rule: 'sandbox:attach_volume', jsonOnly: true },
		schema: {
			summary: 'Attach a volume to the sandbox, for containers that are made from now on',
			params: IdParams,
			body: VolumeAttach,
			response: responses({ 202: Volume }),
		},
		handler: async (request, reply) => {
			const { volume, read_only } = request.body;
			const view = await volumes.attach(principalOf(request), request.params.id, volume, flag(read_only));
			return sendJson(reply, 202, render(request, view));
		},
	});

	app.route({
		method: 'DELETE',
		url: '/v1/sandboxes/:id/volumes/:volume',
		config: { rule: 'sandbox:detach_volume' },
		schema: {
			summary: 'Detach a volume from the sandbox',
			description: '409 while a container mounts it. Its data stays. It is available when its host has let go of it.',
			params: AttachmentParams,
			response: responses({ 202: Empty }),
		},
		handler: async (request, reply) => {
			await volumes.detach(principalOf(request), request.params.id, request.params.volume);
			return accepted(reply);
		},
	});
}
