import type { FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import type { Hosts } from '../../control/hosts.ts';
import { linkBase } from '../http/links.ts';
import { nextOf, pageOf } from '../http/page-of.ts';
import { pagingParameters, readListQuery } from '../http/paging.ts';
import { sendJson } from '../http/reply.ts';
import { responses } from '../http/responses.ts';
import type { Api } from '../http/route.ts';
import type { RouteContext } from '../options.ts';
import { IdParams } from '../schemas.ts';
import { renderHost } from './render.ts';
import { Host, HostList, ZoneList } from './schemas.ts';
import { serviceRoutes } from './service-routes.ts';

const ListParameters = Type.Object(pagingParameters, { additionalProperties: false });

/** Zun's `/hosts`, `/services` and `/availability_zones`. */
export function hostRoutes(app: Api, context: RouteContext, hosts: Hosts): void {
	const { options } = context;
	const base = (request: FastifyRequest) => linkBase(request, options.publicUrl, options.pathPrefix);

	app.route({
		method: 'GET',
		url: '/v1/hosts',
		config: { rule: 'host:get_all', versions: { from: 4 } },
		schema: { summary: 'List hosts', querystring: ListParameters, response: responses({ 200: HostList }) },
		handler: async (request, reply) => {
			const query = readListQuery(request.query, options.maxLimit, []);
			const all = (await hosts.list()).map((host) => renderHost(host, base(request)));
			const rows = pageOf(all, query, 'uuid', 'hostname');
			const next = nextOf(base(request), '/v1/hosts', request.query, query.limit, rows, ({ uuid }) => uuid);
			return sendJson(reply, 200, { hosts: rows, next });
		},
	});

	app.route({
		method: 'GET',
		url: '/v1/hosts/:id',
		config: { rule: 'host:get', versions: { from: 4 } },
		schema: { summary: 'Show a host', params: IdParams, response: responses({ 200: Host }) },
		handler: async (request, reply) => sendJson(reply, 200, renderHost(await hosts.show(request.params.id), base(request))),
	});

	app.route({
		method: 'GET',
		url: '/v1/availability_zones',
		config: { rule: 'availability_zones:get_all' },
		schema: { summary: 'List the zones that hosts are in', querystring: ListParameters, response: responses({ 200: ZoneList }) },
		handler: async (request, reply) => {
			const query = readListQuery(request.query, options.maxLimit, []);
			const all = (await hosts.availabilityZones()).map((availability_zone) => ({ availability_zone }));
			const rows = pageOf(all, query, 'availability_zone', 'availability_zone');
			const path = '/v1/availability_zones';
			const next = nextOf(base(request), path, request.query, query.limit, rows, (row) => row.availability_zone);
			return sendJson(reply, 200, { availability_zones: rows, next });
		},
	});

	serviceRoutes(app, hosts);
}
