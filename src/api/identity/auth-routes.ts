import type { FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { fail } from '../../model/errors.ts';
import type { TokenDetails } from '../../providers/identity/management.ts';
import type { Api } from '../http/route.ts';
import { allow, isAdministrator, tokenOf } from './access.ts';
import { authRequest, toLoginRequest } from './auth-request.ts';
import { serviceCatalog } from './catalog.ts';
import { renderList, renderProject, renderToken } from './render.ts';
import type { IdentityContext } from './routes.ts';
import { isOn } from './schemas.ts';

const tokenQuery = Type.Object({ nocatalog: Type.Optional(Type.String()), allow_expired: Type.Optional(Type.String()) });
const tags = ['identity'];

/** Getting, looking at and giving back tokens, and what a token lets its holder reach. */
export function authRoutes(app: Api, { identity, publicUrl, base }: IdentityContext): void {
	const catalogFor = (query: { nocatalog?: string }) => (isOn(query.nocatalog) ? null : serviceCatalog(publicUrl()));

	app.post(
		'/identity/v3/auth/tokens',
		{ config: allow('public'), schema: { summary: 'Get a token', tags, body: authRequest, querystring: tokenQuery } },
		async (request, reply) => {
			const { token, details } = await identity.login(toLoginRequest(request.body.auth), request.ip);
			reply.code(201).header('x-subject-token', token);
			return { token: renderToken(details, catalogFor(request.query)) };
		},
	);

	app.route({
		method: ['GET', 'HEAD'],
		url: '/identity/v3/auth/tokens',
		config: allow('token'),
		schema: { summary: 'See what a token says', tags, querystring: tokenQuery },
		handler: async (request, reply) => {
			const subject = subjectOf(request);
			const details = await inspectSubject(subject);
			requireOwnToken(tokenOf(request), details);
			reply.header('x-subject-token', subject);
			return request.method === 'HEAD' ? reply.send() : { token: renderToken(details, catalogFor(request.query)) };
		},
	});

	app.delete(
		'/identity/v3/auth/tokens',
		{ config: allow('token'), schema: { summary: 'Revoke a token', tags } },
		async (request, reply) => {
			const subject = subjectOf(request);
			requireOwnToken(tokenOf(request), await inspectSubject(subject));
			await identity.revoke(subject);
			return reply.code(204).send();
		},
	);

	app.get('/identity/v3/auth/catalog', { config: allow('token'), schema: { summary: 'Where the services are', tags } }, () =>
		renderList('catalog', serviceCatalog(publicUrl()), base(), '/auth/catalog'),
	);

	app.get('/identity/v3/auth/projects', { config: allow('token'), schema: { summary: "The caller's projects", tags } }, async (request) => {
		const projects = await identity.projects.list({ userId: tokenOf(request).user.id, enabled: true });
		return renderList(
			'projects',
			projects.map((project) => renderProject(project, base())),
			base(),
			'/auth/projects',
		);
	});

	// Nobody has a role in a domain or the system, so there is no scope of these kinds to be had.
	app.get('/identity/v3/auth/domains', { config: allow('token'), schema: { summary: 'Domains that tokens can be for: none', tags } }, () =>
		renderList('domains', [], base(), '/auth/domains'),
	);
	app.get(
		'/identity/v3/auth/system',
		{ config: allow('token'), schema: { summary: 'System scopes that tokens can be for: none', tags } },
		() => ({
			system: [],
			links: { self: `${base()}/auth/system` },
		}),
	);

	/** Throws `not-found`, as Keystone does for a subject that is not valid. */
	async function inspectSubject(subject: string): Promise<TokenDetails> {
		try {
			return await identity.inspect(subject);
		} catch (error) {
			if (error instanceof Error && 'code' in error && error.code === 'unauthorized') {
				throw fail('not-found', 'Could not find the token: it is unknown, expired or revoked.');
			}
			throw error;
		}
	}
}

function subjectOf(request: FastifyRequest): string {
	const subject = request.headers['x-subject-token'];
	if (typeof subject !== 'string' || subject === '') throw fail('invalid-value', 'The header X-Subject-Token is missing.');
	return subject;
}

function requireOwnToken(caller: TokenDetails, subject: TokenDetails): void {
	if (caller.user.id !== subject.user.id && !isAdministrator(caller)) {
		throw fail('policy-not-authorized', 'You are not authorized to perform the requested action on the token of another user.');
	}
}
