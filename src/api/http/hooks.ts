import type { FastifyReply, FastifyRequest } from 'fastify';
import { fail } from '../../model/errors.ts';
import type { Principal } from '../../model/principal.ts';
import { Secret } from '../../model/secret.ts';
import type { Identity } from '../../providers/identity/identity.ts';
import { checkFields } from '../microversion/gates.ts';
import { isWithin, maximumVersion, minimumMinor, minimumVersion, negotiate } from '../microversion/version.ts';
import type { ApiOptions } from '../options.ts';
import type { Policy } from '../policy.ts';
import { checkContent, mergeParameters } from './body.ts';
import { corsHeaders } from './cors.ts';
import type { RateLimiter } from './rate-limit.ts';
import type { Api } from './route.ts';

export interface HookDeps {
	readonly identity: Identity;
	readonly policy: Policy;
	readonly options: ApiOptions;
	readonly limiter: RateLimiter | null;
}

/** What every request passes before its handler: ids, CORS, version, token, policy, limits, parameters. */
export function installHooks(app: Api, deps: HookDeps): void {
	app.decorateRequest('principal', null);
	app.decorateRequest('microversion', minimumMinor);
	app.addHook('onRequest', async (request, reply) => {
		reply.header('x-openstack-request-id', request.id);
		if (answerCors(request, reply, deps.options)) return reply;
		const versionProblem = readVersion(request, reply);
		const { rule, versions } = request.routeOptions.config;
		if (!request.is404 && rule !== 'public') request.principal = await authenticate(request, deps.identity);
		if (versionProblem !== null) throw fail('not-acceptable', versionProblem);
		if (request.is404 || rule === undefined) return;
		if (versions !== undefined && !isWithin(request.microversion, versions)) {
			throw fail('not-acceptable', `${request.method} ${request.routeOptions.url} is not in version 1.${request.microversion}.`);
		}
		if (rule === 'public' || request.principal === null) return;
		deps.limiter?.take(`${request.principal.projectId}/${request.principal.userId}`);
		deps.policy.enforce(request.principal, rule);
	});
	app.addHook('onResponse', (request, reply, done) => {
		// Without the query: it may hold what is nobody else's business.
		const path = request.url.split('?')[0];
		request.log.debug({ method: request.method, path, status: reply.statusCode, ms: reply.elapsedTime }, 'request');
		done();
	});
	app.addHook('preValidation', (request, _reply, done) => {
		try {
			readParameters(request);
			done();
		} catch (error) {
			done(error instanceof Error ? error : new Error(String(error)));
		}
	});
}

/** Adds what other origins need to see the answer; answers a preflight request right away. */
function answerCors(request: FastifyRequest, reply: FastifyReply, options: ApiOptions): boolean {
	const origin = request.headers.origin;
	if (origin === undefined || options.corsOrigins.length === 0) return false;
	const preflight = request.method === 'OPTIONS' && request.headers['access-control-request-method'] !== undefined;
	const headers = corsHeaders(origin, options.corsOrigins, preflight);
	reply.header('vary', 'Origin');
	if (headers === null) return false;
	reply.headers(headers);
	if (preflight) reply.code(204).send();
	return preflight;
}

/** Sets the version that the request is served at; answers what is wrong with the one it asks for. */
function readVersion(request: FastifyRequest, reply: FastifyReply): string | null {
	if (!request.url.startsWith('/v1')) return null;
	const asked = request.headers['openstack-api-version'];
	const result = negotiate(Array.isArray(asked) ? asked.join(' ') : asked);
	request.microversion = result.ok ? result.minor : minimumMinor;
	reply.header('openstack-api-minimum-version', `container ${minimumVersion}`);
	reply.header('openstack-api-maximum-version', `container ${maximumVersion}`);
	reply.header('openstack-api-version', `container 1.${request.microversion}`);
	reply.header('vary', reply.hasHeader('vary') ? 'Origin, OpenStack-API-Version' : 'OpenStack-API-Version');
	return result.ok ? null : result.reason;
}

async function authenticate(request: FastifyRequest, identity: Identity): Promise<Principal> {
	const token = request.headers['x-auth-token'];
	if (typeof token !== 'string' || token === '') throw fail('unauthorized', 'The request you have made requires authentication.');
	const info = await identity.validate(token, AbortSignal.timeout(10_000));
	return {
		userId: info.userId,
		userName: info.userName,
		projectId: info.projectId,
		projectName: info.projectName,
		roles: info.roles,
		requestId: request.id,
		token: new Secret(token),
	};
}

function readParameters(request: FastifyRequest): void {
	const { rule, merge, jsonOnly } = request.routeOptions.config;
	if (jsonOnly === true && !/^application\/json\s*(;|$)/i.test(request.headers['content-type'] ?? '')) {
		throw fail('unsupported-media-type', 'Unsupported Media Type: send application/json.');
	}
	if (merge === true) request.body = mergeParameters(request.query, request.body);
	for (const part of [request.params, request.query, request.body]) checkContent(part);
	if (rule !== undefined) checkFields(rule, request.microversion, request.body);
}
