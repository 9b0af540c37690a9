import type { FastifyRequest } from 'fastify';
import { fail } from '../../model/errors.ts';
import type { IdentityManagement, TokenDetails } from '../../providers/identity/management.ts';
import type { Api } from '../http/route.ts';

/**
 * Who may call a route of the identity API: `public`; `token` = whoever has a valid token, with or without a project, and
 * the answer holds what is theirs; `self` = the user that the path names; `self-or-admin`; `admin`.
 */
export type Access = 'public' | 'token' | 'self' | 'self-or-admin' | 'admin';

declare module 'fastify' {
	interface FastifyContextConfig {
		/** Only on the identity API's routes, where it is asked in addition to `rule`. */
		access?: Access;
	}
	interface FastifyRequest {
		/** What the token says; null on public routes and outside of the identity API. */
		token: TokenDetails | null;
	}
}

/** The route's configuration. Tokens without a project are known to this API alone, so it checks them itself. */
export function allow(access: Access) {
	return { access, rule: access === 'admin' ? ('identity:write' as const) : ('public' as const) };
}

/** Checks the token of every request of this part of the API. */
export function installAccess(app: Api, identity: IdentityManagement): void {
	if (!app.hasRequestDecorator('token')) app.decorateRequest('token', null);
	app.addHook('onRequest', async (request, reply) => {
		reply.header('vary', reply.hasHeader('vary') ? `${reply.getHeader('vary')}, X-Auth-Token` : 'X-Auth-Token');
		const { access } = request.routeOptions.config;
		if (access === 'public' || request.is404) return;
		const token = request.headers['x-auth-token'];
		if (typeof token !== 'string' || token === '') throw fail('unauthorized', 'The request you have made requires authentication.');
		request.token = await identity.inspect(token);
		requireAccess(access ?? 'admin', request.token, pathUser(request.params));
	});
}

/** Throws `policy-not-authorized`. `userId` is the user that the path names. */
function requireAccess(access: Access, token: TokenDetails, userId: string | null): void {
	const self = userId === token.user.id;
	switch (access) {
		case 'public':
		case 'token':
			return;
		case 'self':
			if (self) return;
			break;
		case 'self-or-admin':
			if (self || isAdministrator(token)) return;
			break;
		case 'admin':
			if (isAdministrator(token)) return;
	}
	throw fail('policy-not-authorized', 'You are not authorized to perform the requested action.');
}

/** The token of a request to a route that is not public. */
export function tokenOf(request: Pick<FastifyRequest, 'token'>): TokenDetails {
	if (request.token === null) throw new Error('a route that needs a token is public');
	return request.token;
}

function pathUser(params: unknown): string | null {
	return typeof params === 'object' && params !== null && 'userId' in params && typeof params.userId === 'string' ? params.userId : null;
}

/** Whether the token is an administrator's: the role admin in any project is for the whole service. */
export function isAdministrator(token: TokenDetails): boolean {
	return token.roles.includes('admin');
}
