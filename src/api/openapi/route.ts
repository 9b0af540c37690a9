import { Type } from 'typebox';
import { linkBase } from '../http/links.ts';
import type { Api, RouteFacts } from '../http/route.ts';
import type { ApiOptions } from '../options.ts';
import { openApiDocument } from './document.ts';

/** Collects every route that is registered from here on, and serves their document at `/openapi.json`. */
export function openApiRoute(app: Api, options: ApiOptions): void {
	const routes: RouteFacts[] = [];
	app.decorate('routes', routes);
	app.addHook('onRoute', (route) => {
		for (const method of [route.method].flat())
			routes.push({ method, url: route.url, schema: route.schema ?? {}, config: route.config ?? {} });
	});
	app.route({
		method: 'GET',
		url: '/openapi.json',
		config: { rule: 'public' },
		schema: { summary: 'This document', response: { 200: Type.Object({}) } },
		handler: (request, reply) => {
			const { base } = linkBase(request, options.publicUrl, options.pathPrefix);
			return reply.header('content-type', 'application/json').send(JSON.stringify(openApiDocument(routes, base)));
		},
	});
}
