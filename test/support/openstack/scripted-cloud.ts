import { randomUUID } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import { Secret } from '../../../src/model/secret.ts';
import { Session, type SessionOptions } from '../../../src/openstack/session.ts';

/** A request as a scripted service got it. */
export interface Heard {
	readonly method: string;
	/** Below the root of the service, without the query. */
	readonly path: string;
	readonly query: URLSearchParams;
	readonly headers: IncomingHttpHeaders;
	readonly body: unknown;
	readonly text: string;
	/** The body as it came. */
	readonly bytes: Buffer;
}

export interface Scripted {
	readonly status: number;
	readonly headers?: Readonly<Record<string, string>>;
	readonly body?: unknown;
	/** Sent as it is, instead of `body`. */
	readonly text?: string | Uint8Array;
}

/** `hang` = no answer at all; `reset` = the connection is cut. */
export type Script = (heard: Heard) => Scripted | 'hang' | 'reset' | Promise<Scripted | 'hang' | 'reset'>;

export const serviceUser = { name: 'zunbox', password: 'service-password', project: 'service-project' } as const;

/**
 * A cloud in this process: one HTTP server that is Keystone under /identity, and other services under /compute,
 * /network, /volume, /image. What they answer is the test's to say; tokens of the service user are Keystone's own.
 */
export class ScriptedCloud {
	readonly heard: (Heard & { readonly service: string })[] = [];
	/** Answers by service; `identity` gets what is no login. */
	readonly scripts: Record<string, Script> = {};
	/** Answers to logins, first to last, before the usual one. */
	readonly logins: Script[] = [];
	/** Life of the tokens that a login gives, in ms. */
	tokenLifetime = 3_600_000;
	/** Roles of the service user. */
	roles: readonly string[] = ['admin', 'service'];
	/** Endpoints by service type; missing = all at this server. */
	catalog: readonly object[] | null = null;
	readonly tokens: string[] = [];
	readonly #server: Server;
	#port = 0;

	constructor() {
		this.#server = createServer((request, response) => {
			const parts: Buffer[] = [];
			request.on('data', (part: Buffer) => parts.push(part));
			request.on('error', () => {});
			request.on('end', async () => {
				const url = new URL(request.url ?? '/', 'http://cloud');
				const [, service = '', ...rest] = url.pathname.split('/');
				const bytes = Buffer.concat(parts);
				const text = bytes.toString();
				const heard: Heard = {
					method: request.method ?? '',
					path: `/${rest.join('/')}`,
					query: url.searchParams,
					headers: request.headers,
					body: parse(text),
					text,
					bytes,
				};
				this.heard.push({ ...heard, service });
				const answer = await this.#answer(service, heard);
				if (answer === 'reset') request.socket.destroy();
				if (answer === 'reset' || answer === 'hang') return;
				response.writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers });
				response.end(answer.text ?? (answer.body === undefined ? undefined : JSON.stringify(answer.body)));
			});
		});
	}

	async start(port = 0): Promise<this> {
		await new Promise<void>((resolve, reject) => {
			this.#server.once('error', reject);
			this.#server.listen(port, '127.0.0.1', resolve);
		});
		const address = this.#server.address();
		if (typeof address === 'object' && address !== null) this.#port = address.port;
		return this;
	}

	get url(): string {
		return `http://127.0.0.1:${this.#port}`;
	}

	get authUrl(): string {
		return `${this.url}/identity`;
	}

	/** Requests to a service, logins left out. */
	asked(service: string): readonly Heard[] {
		return this.heard.filter((one) => one.service === service && !isLogin(one));
	}

	get loginCount(): number {
		return this.heard.filter(isLogin).length;
	}

	session(options: Partial<SessionOptions> = {}): Session {
		return new Session({
			credentials: {
				authUrl: this.authUrl,
				username: serviceUser.name,
				password: new Secret(serviceUser.password),
				userDomainName: 'Default',
				projectName: 'service',
				projectDomainName: 'Default',
			},
			interface: 'public',
			region: null,
			retries: { attempts: 4, firstWait: 1, longestWait: 5000 },
			...options,
		});
	}

	async stop(): Promise<void> {
		this.#server.closeAllConnections();
		await new Promise<void>((resolve) => this.#server.close(() => resolve()));
	}

	async #answer(service: string, heard: Heard): Promise<Scripted | 'hang' | 'reset'> {
		if (service === 'identity' && isLogin(heard)) return (await this.logins.shift()?.(heard)) ?? this.#login();
		return (await this.scripts[service]?.(heard)) ?? { status: 404, body: { error: { message: 'no script' } } };
	}

	#login(): Scripted {
		const token = `service-token-${randomUUID()}`;
		this.tokens.push(token);
		return {
			status: 201,
			headers: { 'x-subject-token': token },
			body: {
				token: {
					user: { id: 'service-user', name: serviceUser.name },
					project: { id: serviceUser.project, name: 'service' },
					roles: this.roles.map((name) => ({ id: `role-${name}`, name })),
					expires_at: new Date(Date.now() + this.tokenLifetime).toISOString(),
					catalog: this.catalog ?? this.usualCatalog(),
				},
			},
		};
	}

	usualCatalog(): readonly object[] {
		const service = (type: string, path: string) => ({
			type,
			name: type,
			endpoints: ['public', 'internal', 'admin'].map((name) => ({ interface: name, region_id: 'one', url: `${this.url}${path}` })),
		});
		return [
			service('compute', '/compute/v2.1'),
			service('network', '/network'),
			service('volumev3', `/volume/v3/${serviceUser.project}`),
			service('image', '/image'),
		];
	}
}

function isLogin(heard: Heard): boolean {
	return heard.method === 'POST' && heard.path === '/v3/auth/tokens';
}

function parse(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch {
		return null;
	}
}
