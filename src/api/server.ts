import Fastify, { LogController } from 'fastify';
import type { TSchema } from 'typebox';
import { RegistryGuard } from '../control/registry-guard.ts';
import { newRequestId } from '../model/ids.ts';
import { containerRoutes } from './containers/routes.ts';
import { errorFormOf, renderError } from './errors.ts';
import { eventRoutes } from './events/routes.ts';
import { installBodyParser } from './http/body.ts';
import { answerClientError } from './http/client-error.ts';
import { installGracefulClose } from './http/graceful-close.ts';
import { installHooks } from './http/hooks.ts';
import { installNotFound } from './http/not-found.ts';
import { normalizeUrl } from './http/paths.ts';
import { RateLimiter } from './http/rate-limit.ts';
import { streamCounter } from './http/reply.ts';
import type { Api, TypeboxProvider } from './http/route.ts';
import { compileSchema } from './http/validate.ts';
import { openApiRoute } from './openapi/route.ts';
import { type ApiDeps, defaultApiOptions, type RouteContext } from './options.ts';
import { Policy } from './policy.ts';
import { rootRoutes } from './root.ts';
import { sandboxRoutes } from './sandboxes/routes.ts';
import { installStreamEndpoint, isStreamUpgrade } from './streams/endpoint.ts';
import { Terminals } from './streams/terminals.ts';

/**
 * The HTTP service, ready to `listen` or to be asked by `inject`. `close` ends streams and waits, lets running requests
 * finish and takes no new ones.
 */
export async function createApi(deps: ApiDeps): Promise<Api> {
	const options = { ...defaultApiOptions, ...deps.options };
	const policy = new Policy(options.policy);
	const stopping = new AbortController();
	const app: Api = Fastify({
		...(deps.logger === undefined ? {} : { loggerInstance: deps.logger }),
		logController: new LogController({ disableRequestLogging: true }),
		genReqId: newRequestId,
		requestIdHeader: false,
		trustProxy: options.trustProxy,
		bodyLimit: options.bodyLimit,
		exposeHeadRoutes: false,
		requestTimeout: options.requestTimeout,
		http: {
			shouldUpgradeCallback: (request) => isStreamUpgrade(request, options.pathPrefix),
			connectionsCheckingInterval: Math.min(options.requestTimeout, 30_000),
			headersTimeout: Math.min(options.requestTimeout, 60_000),
		},
		clientErrorHandler: answerClientError,
		forceCloseConnections: 'idle',
		routerOptions: { maxParamLength: 512 },
		rewriteUrl: (request) => normalizeUrl(request.url ?? '/', options.pathPrefix),
		frameworkErrors: (error, request, reply) => {
			const rendered = renderError(error, { form: errorFormOf(request.url), requestId: request.id, authUrl: '', helpUrl: '' });
			reply.hijack();
			reply.raw.writeHead(rendered.status, { 'content-type': 'application/json', 'x-openstack-request-id': request.id });
			reply.raw.end(JSON.stringify(rendered.body));
		},
	}).withTypeProvider<TypeboxProvider>();

	app.setValidatorCompiler<TSchema>(({ schema, httpPart }) => compileSchema(schema, httpPart ?? 'body'));
	app.setSerializerCompiler(() => (value) => JSON.stringify(value));
	app.setErrorHandler((error, request, reply) => {
		const limit = request.routeOptions.bodyLimit;
		const form = errorFormOf(request.url);
		const helpUrl = `${options.publicUrl ?? `${request.protocol}://${request.host}${options.pathPrefix}`}/openapi.json`;
		const rendered = renderError(error, { form, requestId: request.id, authUrl: deps.identity.authUrl, helpUrl, bodyLimit: limit });
		if (rendered.correlationId !== null) {
			request.log.error({ err: error, correlationId: rendered.correlationId, requestId: request.id }, 'request failed');
		}
		return reply
			.code(rendered.status)
			.headers(rendered.headers)
			.header('content-type', 'application/json')
			.send(JSON.stringify(rendered.body));
	});
	app.addHook('preClose', async () => stopping.abort());
	app.addHook('onSend', (_request, reply, payload, done) => {
		// A connection that became idle after the service began to stop would hold it until it times out.
		if (stopping.signal.aborted) reply.header('connection', 'close');
		done(null, payload);
	});
	app.addHook('onRoute', (route) => {
		if (route.config?.rule === undefined) throw new Error(`route ${String(route.method)} ${route.url} names no policy rule`);
	});
	installGracefulClose(app);
	installBodyParser(app);
	installNotFound(app);
	const limiter = options.rateLimit === null ? null : new RateLimiter(options.rateLimit);
	installHooks(app, { identity: deps.identity, policy, options, limiter });

	const terminals = new Terminals(deps.control, options, app.log, stopping.signal);
	const context: RouteContext = {
		control: deps.control,
		options,
		policy,
		stopping: stopping.signal,
		streams: streamCounter(options.maxStreams),
		registries: new RegistryGuard(options.forbiddenRegistries),
		terminals,
	};
	installStreamEndpoint(app, terminals, options);
	openApiRoute(app, options);
	rootRoutes(app, context);
	containerRoutes(app, context);
	sandboxRoutes(app, context);
	eventRoutes(app, context);
	for (const plugin of deps.plugins ?? []) {
		await app.register(async (scope) => plugin(scope.withTypeProvider<TypeboxProvider>(), context));
	}
	await app.ready();
	return app;
}
