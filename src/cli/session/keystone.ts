import type { IncomingMessage } from 'node:http';
import { CliError } from '../exit-code.ts';
import { isResource, type Resource, resourceIn, resourcesIn, textIn } from '../resource.ts';
import { apiError } from './api-error.ts';
import type { Credentials } from './credentials.ts';
import { readText, send } from './http.ts';
import type { Login } from './token-cache.ts';

const timeout = 30_000;

/** Gets a token at Keystone v3. Throws a CliError that says what was refused. */
export async function login(credentials: Credentials, signal: AbortSignal): Promise<Login> {
	const url = `${versioned(credentials.authUrl)}/auth/tokens`;
	const { token, caFile } = credentials;
	const answer =
		token === null
			? await send({ method: 'POST', url, body: { auth: authOf(credentials) }, signal, timeout, caFile })
			: await send({ method: 'GET', url, headers: { 'x-auth-token': token, 'x-subject-token': token }, signal, timeout, caFile });
	if (answer.statusCode === 401 || answer.statusCode === 404) {
		answer.resume();
		const where = credentials.source === 'environment' ? 'the OS_* variables' : credentials.source;
		throw new CliError(`the service refused the credentials in ${where}: check the user, password and project`);
	}
	if ((answer.statusCode ?? 0) >= 300) throw await apiError(answer, new URL(url).origin);
	return readLogin(answer, token, credentials);
}

/** Root of the v3 API, also where only Keystone's own root is given. */
export function versioned(authUrl: string): string {
	return /\/v3$/.test(authUrl) ? authUrl : `${authUrl}/v3`;
}

async function readLogin(answer: IncomingMessage, given: string | null, credentials: Credentials): Promise<Login> {
	const text = await readText(answer);
	const body: unknown = JSON.parse(text);
	const token = given ?? String(answer.headers['x-subject-token'] ?? '');
	const details = resourceIn(isResource(body) ? body : {}, 'token');
	const projectId = textIn(resourceIn(details, 'project'), 'id');
	if (projectId === '') throw new CliError(`the user has no project to work in: name one with OS_PROJECT_NAME`);
	const containerUrl = endpoint(details, ['container', 'application-container'], credentials);
	if (containerUrl === '') throw new CliError(`the catalog of ${credentials.authUrl} has no container service`);
	return {
		token,
		expiresAt: Date.parse(textIn(details, 'expires_at')) || 0,
		containerUrl,
		networkUrl: endpoint(details, ['network'], credentials),
		userId: textIn(resourceIn(details, 'user'), 'id'),
		projectId,
	};
}

function endpoint(details: Resource, types: readonly string[], choice: Pick<Credentials, 'region' | 'interface'>): string {
	for (const service of resourcesIn(details, 'catalog')) {
		if (!types.includes(textIn(service, 'type'))) continue;
		const found = resourcesIn(service, 'endpoints').find(
			(candidate) => candidate['interface'] === choice.interface && (choice.region === null || candidate['region'] === choice.region),
		);
		if (found !== undefined) return textIn(found, 'url').replace(/\/+$/, '');
	}
	return '';
}

function authOf(credentials: Credentials): Resource {
	const { applicationCredentialId, applicationCredentialSecret, username, userId, password, projectId, projectName } = credentials;
	if (applicationCredentialId !== null && applicationCredentialSecret !== null) {
		const credential = { id: applicationCredentialId, secret: applicationCredentialSecret };
		return { identity: { methods: ['application_credential'], application_credential: credential } };
	}
	if ((username === null && userId === null) || password === null) {
		throw new CliError(
			`${credentials.source === 'environment' ? 'the environment' : credentials.source} has no user and password: set OS_USERNAME and OS_PASSWORD`,
		);
	}
	const user = userId === null ? { name: username, password, domain: credentials.userDomain } : { id: userId, password };
	const project = projectId === null ? { name: projectName, domain: credentials.projectDomain } : { id: projectId };
	const scope = projectId === null && projectName === null ? {} : { scope: { project } };
	return { identity: { methods: ['password'], password: { user } }, ...scope };
}
