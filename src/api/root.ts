import type { FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { type LinkBase, linkBase } from './http/links.ts';
import { sendJson } from './http/reply.ts';
import type { Api } from './http/route.ts';
import { maximumVersion, minimumVersion } from './microversion/version.ts';
import type { RouteContext } from './options.ts';

const resources = [
	'services',
	'containers',
	'images',
	'networks',
	'hosts',
	'availability_zones',
	'capsules',
	'quotas',
	'quota_classes',
	'registries',
	'sandboxes',
	'volumes',
	'events',
];

/** What is answered without a token: which versions there are, and whether the service is up. */
export function rootRoutes(app: Api, { options }: RouteContext): void {
	const base = (request: FastifyRequest) => linkBase(request, options.publicUrl, options.pathPrefix);
	const Document = Type.Object({});

	app.route({
		method: ['GET', 'HEAD'],
		url: '/',
		config: { rule: 'public' },
		schema: { summary: 'Versions of the API', response: { 200: Document } },
		handler: (request, reply) => sendJson(reply, 200, versions(base(request))),
	});
	app.route({
		method: ['GET', 'HEAD'],
		url: '/v1',
		config: { rule: 'public' },
		schema: { summary: 'Resources of version 1', response: { 200: Document } },
		handler: (request, reply) => sendJson(reply, 200, resourceList(base(request))),
	});
	app.route({
		method: ['GET', 'HEAD'],
		url: '/healthcheck',
		config: { rule: 'public' },
		schema: { summary: 'Whether the service is up', response: { 200: Type.String({ description: 'OK' }) } },
		handler: (_request, reply) => reply.code(200).header('content-type', 'text/plain; charset=utf-8').send('OK'),
	});
}

function versions({ base }: LinkBase) {
	const version = {
		id: 'v1',
		status: 'CURRENT',
		min_version: minimumVersion,
		max_version: maximumVersion,
		links: [{ rel: 'self', href: `${base}/v1/` }],
	};
	return {
		name: 'OpenStack Zun API',
		description: 'Containers in sandboxes, through the API of OpenStack Zun.',
		versions: [version],
		default_version: version,
	};
}

function resourceList({ base }: LinkBase) {
	const links = resources.map((name) => [
		name,
		[
			{ rel: 'self', href: `${base}/v1/${name}/` },
			{ rel: 'bookmark', href: `${base}/${name}/` },
		],
	]);
	return {
		id: 'v1',
		media_types: [{ base: 'application/json', type: 'application/vnd.openstack.zun.v1+json' }],
		links: [
			{ rel: 'self', href: `${base}/v1/` },
			{ rel: 'describedby', type: 'application/json', href: `${base}/openapi.json` },
		],
		...Object.fromEntries(links),
	};
}
