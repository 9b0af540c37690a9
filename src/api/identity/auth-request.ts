import { type Static, Type } from 'typebox';
import { fail } from '../../model/errors.ts';
import { defaultDomain } from '../../model/identity.ts';
import type { CredentialReference, LoginRequest, Named, TokenScope } from '../../providers/identity/management.ts';

/** The body of a request for a token. Keystone lets more stand in it; what is not known here is not looked at. */

const text = Type.String({ maxLength: 1024 });
const domain = Type.Object({ id: Type.Optional(text), name: Type.Optional(text) });
const named = { id: Type.Optional(text), name: Type.Optional(text), domain: Type.Optional(domain) };

export const authRequest = Type.Object({
	auth: Type.Object({
		identity: Type.Object({
			methods: Type.Array(text, { minItems: 1, maxItems: 10 }),
			password: Type.Optional(Type.Object({ user: Type.Object({ ...named, password: text }) })),
			token: Type.Optional(Type.Object({ id: text })),
			application_credential: Type.Optional(
				Type.Object({ id: Type.Optional(text), name: Type.Optional(text), secret: text, user: Type.Optional(Type.Object(named)) }),
			),
		}),
		scope: Type.Optional(
			Type.Union([
				Type.Literal('unscoped'),
				Type.Object({
					project: Type.Optional(Type.Object(named)),
					unscoped: Type.Optional(Type.Unknown()),
					domain: Type.Optional(Type.Unknown()),
					system: Type.Optional(Type.Unknown()),
					'OS-TRUST:trust': Type.Optional(Type.Unknown()),
				}),
			]),
		),
	}),
});

type Auth = Static<typeof authRequest>['auth'];
type NamedInput = Static<Type.TObject<typeof named>>;

/** Throws `schema-validation-error` for what is missing, `unauthorized` for ways and scopes that are not offered. */
export function toLoginRequest(auth: Auth): LoginRequest {
	const { methods, password, token, application_credential: credential } = auth.identity;
	const [method] = methods;
	if (new Set(methods).size > 1) throw fail('unauthorized', 'One authentication method at a time is offered.');
	switch (method) {
		case 'password': {
			if (password === undefined) throw missing('auth.identity.password');
			const user = toNamed(password.user, 'auth.identity.password.user');
			return { method, user, password: password.user.password, scope: toScope(auth) };
		}
		case 'token':
			if (token === undefined) throw missing('auth.identity.token');
			return { method, token: token.id, scope: toScope(auth) };
		case 'application_credential':
			if (credential === undefined) throw missing('auth.identity.application_credential');
			if (auth.scope !== undefined && auth.scope !== 'unscoped') {
				throw fail('unauthorized', 'An application credential has its own project: leave the scope out.');
			}
			return { method, credential: toCredentialReference(credential), secret: credential.secret };
		default:
			throw fail('unauthorized', `The authentication method ${method} is not offered; password, token and application_credential are.`);
	}
}

function toScope({ scope }: Auth): TokenScope {
	if (scope === undefined) return { type: 'default' };
	if (scope === 'unscoped' || 'unscoped' in scope) return { type: 'none' };
	for (const other of ['system', 'domain', 'OS-TRUST:trust'] as const) {
		if (other in scope) throw fail('unauthorized', `Tokens for the scope ${other} are not offered: ask for one for a project.`);
	}
	if (scope.project === undefined) throw missing('auth.scope.project');
	return { type: 'project', ...toNamed(scope.project, 'auth.scope.project') };
}

function toCredentialReference({ id, name, user }: { id?: string; name?: string; user?: NamedInput }): CredentialReference {
	if (id !== undefined) return { id };
	if (name === undefined) throw missing('auth.identity.application_credential.id');
	if (user === undefined) throw missing('auth.identity.application_credential.user');
	return { name, user: toNamed(user, 'auth.identity.application_credential.user') };
}

function toNamed({ id, name, domain: given }: NamedInput, where: string): Named {
	const foreign = given !== undefined && ((given.id ?? defaultDomain.id) !== defaultDomain.id || !isDefaultName(given.name));
	if (foreign) throw fail('unauthorized', `There is only one domain, ${defaultDomain.name}.`);
	if (id !== undefined) return { id };
	if (name !== undefined) return { name };
	throw missing(`${where}.name`);
}

/** Names of domains are the same in any case, as in Keystone; some clients give the id as the name. */
function isDefaultName(name: string | undefined): boolean {
	return name === undefined || name.toLowerCase() === defaultDomain.id;
}

function missing(where: string): Error {
	return fail('schema-validation-error', `Expecting to find ${where} in the request body.`);
}
