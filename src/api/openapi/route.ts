import { Type } from 'typebox';
import { linkBase } from '../http/links.ts';
import { sendJson } from '../http/reply.ts';
import type { Api, RouteFacts } from '../http/route.ts';
import type { ApiOptions } from '../options.ts';
import { openApiDocument } from './document.ts';

/** Collects every route that is registered from here on, and serves their document at `/openapi.json`. */
export function openApiRoute(app: Api, options: ApiOptions): void {
	const routes: RouteFacts[] = [];
	// Whoever asks needs no token, so asking must be cheap: all but the address of the server is made once.
	let document: object | null = null;
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
			document ??= openApiDocument(routes, base);
			return sendJson(reply, 200, { ...document, servers: [{ url: base }] });
		},
	});
}
