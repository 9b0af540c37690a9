import { fail } from '../../model/errors.ts';
import type { TokenDetails } from '../../providers/identity/management.ts';
import type { Api } from '../http/route.ts';
import { allow, tokenOf } from './access.ts';
import { roleNamed } from './assignment-routes.ts';
import { renderCredential, renderList } from './render.ts';
import type { IdentityContext } from './routes.ts';
import { createCredential, credentialPath, listFilter, userPath } from './schemas.ts';
import { parseKeystoneTime } from './time.ts';

const tags = ['identity'];
const path = '/identity/v3/users/:userId/application_credentials';

/** Application credentials: secrets for programs, with a part of a user's roles in one project. */
export function credentialRoutes(app: Api, { identity, base }: IdentityContext): void {
	app.get(
		path,
		{
			config: allow('self-or-admin'),
			schema: { summary: 'List application credentials', tags, params: userPath, querystring: listFilter },
		},
		async (request) => {
			const { userId } = request.params;
			const { name } = request.query;
			const found = await identity.applicationCredentials.list(userId, name === undefined ? {} : { name });
			const rendered = found.map((credential) => renderCredential(credential, base()));
			return renderList('application_credentials', rendered, base(), `/users/${userId}/application_credentials`);
		},
	);

	app.get(
		`${path}/:credentialId`,
		{ config: allow('self-or-admin'), schema: { summary: 'Show an application credential', tags, params: credentialPath } },
		async (request) => {
			const { userId, credentialId } = request.params;
			return { application_credential: renderCredential(await identity.applicationCredentials.get(userId, credentialId), base()) };
		},
	);

	app.post(
		path,
		{
			config: allow('self'),
			schema: { summary: 'Create an application credential for the project of the token', tags, params: userPath, body: createCredential },
		},
		async (request, reply) => {
			const { name, description, secret, expires_at, roles, project_id } = request.body.application_credential;
			const token = tokenOf(request);
			requireUnrestricted(token);
			if (token.project === null)
				throw fail('invalid-value', 'The token is not for a project, so the application credential would have none.');
			if (project_id !== undefined && project_id !== token.project.id) {
				throw fail('policy-not-authorized', 'An application credential is for the project of the token that makes it.');
			}
			const created = await identity.applicationCredentials.create({
				userId: request.params.userId,
				projectId: token.project.id,
				name,
				description: description ?? '',
				secret: secret ?? null,
				roles: roles === undefined || roles.length === 0 ? null : roles.map((role) => roleNamed(role.id ?? role.name ?? '')),
				expiresAt: typeof expires_at === 'string' ? parseKeystoneTime(expires_at) : null,
			});
			reply.code(201);
			return { application_credential: { ...renderCredential(created.credential, base()), secret: created.secret } };
		},
	);

	app.delete(
		`${path}/:credentialId`,
		{ config: allow('self-or-admin'), schema: { summary: 'Delete an application credential', tags, params: credentialPath } },
		async (request, reply) => {
			requireUnrestricted(tokenOf(request));
			await identity.applicationCredentials.delete(request.params.userId, request.params.credentialId);
			return reply.code(204).send();
		},
	);
}

/** A stolen one must not be able to make itself a successor. */
function requireUnrestricted(token: TokenDetails): void {
	if (token.applicationCredential !== null) {
		throw fail('policy-not-authorized', 'Application credentials cannot make or delete application credentials. Log in with a password.');
	}
}
