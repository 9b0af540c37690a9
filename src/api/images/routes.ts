import type { FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import type { ImageSearch } from '../../control/image-search.ts';
import type { Images } from '../../control/images.ts';
import { pullPolicy } from '../containers/words.ts';
import { defined } from '../http/defined.ts';
import { linkBase } from '../http/links.ts';
import { nextOf } from '../http/page-of.ts';
import { pagingParameters, readListQuery } from '../http/paging.ts';
import { hostSignal, sendJson } from '../http/reply.ts';
import { responses } from '../http/responses.ts';
import { type Api, principalOf } from '../http/route.ts';
import type { RouteContext } from '../options.ts';
import { flag } from '../parse/flag.ts';
import { given } from '../parse/text.ts';
import { Empty, Flag, IdParams } from '../schemas.ts';
import { commitRoutes } from './commit-routes.ts';
import { renderFound, renderImage, renderStored } from './render.ts';
import { FoundImage, Image, ImageList, ImagePull, StoredImage } from './schemas.ts';

export interface ImageRouteDeps {
	readonly images: Images;
	readonly search: ImageSearch;
}

const ListParameters = Type.Object(pagingParameters, { additionalProperties: false });
const SearchParameters = Type.Object(
	{ image_driver: Type.Optional(Type.Enum(['docker', 'glance', 'None', ''])), exact_match: Type.Optional(Flag) },
	{ additionalProperties: false },
);

/** Stock clients put the name into the path as it is, slashes and all. */
const searchPaths = ['/v1/images/:name/search', '/v1/images/:first/:name/search', '/v1/images/:first/:second/:name/search'];

/** Zun's `/images`: what administrators bring to hosts, and the search for images by name. */
export function imageRoutes(app: Api, context: RouteContext, { images, search }: ImageRouteDeps): void {
	const { options } = context;
	const base = (request: FastifyRequest) => linkBase(request, options.publicUrl, options.pathPrefix);
	commitRoutes(app, context, images.commits);

	app.route({
		method: 'POST',
		url: '/v1/images',
		config: { rule: 'image:pull', merge: true, jsonOnly: true },
		schema: {
			summary: 'Pull an image to a host',
			description: 'Goes on by itself, also over a restart of the service: see status, progress, and the events image.pull.',
			body: ImagePull,
			response: responses({ 202: Image }),
		},
		handler: async (request, reply) => {
			const { repo, host, tag, image_id, size, image_pull_policy, registry } = request.body;
			const image = await images.pull(principalOf(request), {
				repo,
				host,
				...defined({
					tag: given(tag) ?? undefined,
					imageId: given(image_id) ?? undefined,
					size: size === undefined || size === null ? undefined : String(size),
					pullPolicy: image_pull_policy == null ? undefined : pullPolicy(image_pull_policy),
					registry: given(registry) ?? undefined,
				}),
			});
			reply.header('location', `${base(request).base}/v1/images/${image.id}`);
			return sendJson(reply, 202, renderImage(image, base(request)));
		},
	});

	app.route({
		method: 'GET',
		url: '/v1/images',
		config: { rule: 'image:get_all' },
		schema: {
			summary: 'List images on hosts: what was brought there first, then what else the engines hold',
			querystring: ListParameters,
			response: responses({ 200: ImageList }),
		},
		handler: async (request, reply) => {
			const query = readListQuery(request.query, options.maxLimit, []);
			const rows = await images.list(query, hostSignal(reply, context));
			const next = nextOf(base(request), '/v1/images', request.query, query.limit, rows, ({ id }) => id);
			return sendJson(reply, 200, { images: rows.map((image) => renderImage(image, base(request))), next });
		},
	});

	app.route({
		method: 'GET',
		url: '/v1/images/:id',
		config: { rule: 'image:get_one' },
		schema: { summary: 'Show an image', params: IdParams, response: responses({ 200: Image }) },
		handler: async (request, reply) =>
			sendJson(reply, 200, renderImage(await images.show(request.params.id, hostSignal(reply, context)), base(request))),
	});

	app.route({
		method: 'DELETE',
		url: '/v1/images/:id',
		config: { rule: 'image:delete' },
		schema: { summary: 'Remove an image from its host', params: IdParams, response: responses({ 200: Empty }) },
		handler: async (request, reply) => {
			await images.delete(principalOf(request), request.params.id, hostSignal(reply, context));
			return sendJson(reply, 200, null);
		},
	});

	const find = async (request: FastifyRequest, reply: FastifyReply, query: { image_driver?: string; exact_match?: string | boolean }) => {
		const parts = request.params;
		const name = typeof parts === 'object' && parts !== null ? Object.values(parts).join('/') : '';
		if (query.image_driver === 'glance') {
			const stored = await search.inService(principalOf(request), name, flag(query.exact_match), hostSignal(reply, context));
			return sendJson(reply, 200, stored.map(renderStored));
		}
		const found = await search.search(principalOf(request), name, flag(query.exact_match), hostSignal(reply, context));
		return sendJson(reply, 200, found.map(renderFound));
	};
	for (const url of searchPaths) {
		app.route({
			method: 'GET',
			url,
			config: { rule: 'image:search' },
			schema: {
				summary: 'Search for images by name, on the hosts and in the registries of the project, or in Glance',
				querystring: SearchParameters,
				response: responses({ 200: Type.Array(Type.Union([FoundImage, StoredImage])) }),
			},
			handler: (request, reply) => find(request, reply, request.query),
		});
	}
}
