import type { Api } from '../../src/api/http/route.ts';
import type { ApiOptions, ApiPlugin } from '../../src/api/options.ts';
import { createApi } from '../../src/api/server.ts';
import type { Control } from '../../src/control/control.ts';
import { fail } from '../../src/model/errors.ts';
import type { Role } from '../../src/model/principal.ts';
import type { Identity, TokenInfo } from '../../src/providers/identity/identity.ts';

/** Tokens say who they are for: `<role>:<project>`, such as `member:project-a`. */
export const memoryIdentity: Identity = {
	authUrl: 'http://identity.test/identity/v3',
	async validate(token): Promise<TokenInfo> {
		const [role, project] = token.split(':');
		if (!isRole(role) || project === undefined) throw fail('unauthorized', 'The token is not valid.');
		const userId = `user-${project.slice(-1)}`;
		return { userId, userName: userId, projectId: project, projectName: project, roles: [role], expiresAt: Date.now() + 60_000 };
	},
};

function isRole(word: string | undefined): word is Role {
	return word === 'reader' || word === 'member' || word === 'admin';
}

export function startApi(control: Control, options: Partial<ApiOptions> = {}, plugins: readonly ApiPlugin[] = []): Promise<Api> {
	return createApi({ control, identity: memoryIdentity, options, plugins });
}

export interface Answer {
	readonly status: number;
	readonly headers: Readonly<Record<string, string>>;
	/** The parsed body; undefined when there is none. */
	readonly body: unknown;
	readonly text: string;
}

export interface Ask {
	/** null = no token. */
	readonly token?: string | null;
	readonly version?: string;
	readonly headers?: Readonly<Record<string, string>>;
	readonly body?: unknown;
	/** A body as it stands, with whatever content type the headers say. */
	readonly text?: string;
}

/** One request, as `POST /v1/containers`. */
export async function ask(api: Api, line: string, options: Ask = {}): Promise<Answer> {
	const [method, url = '/'] = line.split(' ');
	if (!isMethod(method)) throw new Error(`${line} does not begin with a method`);
	const { token = 'member:project-a', version, headers = {}, body, text } = options;
	const response = await api.inject({
		method,
		url,
		headers: {
			...(token === null ? {} : { 'x-auth-token': token }),
			...(version === undefined ? {} : { 'openstack-api-version': `container ${version}` }),
			...(body === undefined ? {} : { 'content-type': 'application/json' }),
			...headers,
		},
		...(body === undefined ? {} : { payload: JSON.stringify(body) }),
		...(text === undefined ? {} : { payload: text }),
	});
	const answered = Object.fromEntries(Object.entries(response.headers).map(([name, value]) => [name, String(value)]));
	const isJson = answered['content-type']?.startsWith('application/json') ?? false;
	return {
		status: response.statusCode,
		headers: answered,
		text: response.body,
		body: isJson && response.body !== '' ? JSON.parse(response.body) : undefined,
	};
}

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;

function isMethod(word: string | undefined): word is (typeof methods)[number] {
	return methods.some((method) => method === word);
}

/** A property of something that was answered, by its path. */
export function at(value: unknown, ...path: readonly (string | number)[]): unknown {
	return path.reduce<unknown>(
		(current, key) => (typeof current === 'object' && current !== null ? Reflect.get(current, key) : undefined),
		value,
	);
}
