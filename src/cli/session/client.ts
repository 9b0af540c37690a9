import type { IncomingMessage } from 'node:http';
import { isResource, type Resource, resourcesIn } from '../resource.ts';
import { apiError } from './api-error.ts';
import type { Credentials } from './credentials.ts';
import { readText, send } from './http.ts';
import { login, versioned } from './keystone.ts';
import type { Login, TokenCache } from './token-cache.ts';

/** Which API of the service. */
export type ApiName = 'container' | 'identity' | 'network';

export interface Call {
	readonly api?: ApiName;
	readonly query?: Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;
	readonly body?: unknown;
	readonly headers?: Readonly<Record<string, string>>;
	/** ms that the answer may take to begin. */
	readonly timeout?: number;
}

/** The service's API for one caller. Logs in when it must, and anew when a token is not taken any more. */
export class Client {
	readonly #credentials: Credentials;
	readonly #cache: TokenCache;
	readonly #signal: AbortSignal;
	#login: Login | null = null;

	constructor(credentials: Credentials, cache: TokenCache, signal: AbortSignal) {
		this.#credentials = credentials;
		this.#cache = cache;
		this.#signal = signal;
	}

	get credentials(): Credentials {
		return this.#credentials;
	}

	/** The login that is in use, made or taken from the cache. */
	async login(): Promise<Login> {
		this.#login ??= (await this.#cache.read()) ?? (await this.#logInAnew());
		return this.#login;
	}

	/** The parsed body of an answer; null when it has none. Throws an ApiError for every error. */
	async call(method: string, path: string, call: Call = {}): Promise<unknown> {
		const text = await readText(await this.stream(method, path, call));
		return text === '' ? null : JSON.parse(text);
	}

	/** `call` where one object is answered. */
	async resource(method: string, path: string, call: Call = {}): Promise<Resource> {
		const body = await this.call(method, path, call);
		return isResource(body) ? body : {};
	}

	/** An answer whose body is read while it comes. */
	async stream(method: string, path: string, call: Call = {}, signal: AbortSignal = this.#signal): Promise<IncomingMessage> {
		let answer = await this.#send(await this.login(), method, path, call, signal);
		if (answer.statusCode === 401) {
			answer.resume();
			this.#login = await this.#logInAnew();
			answer = await this.#send(this.#login, method, path, call, signal);
		}
		const { containerUrl } = await this.login();
		if ((answer.statusCode ?? 0) >= 400) throw await apiError(answer, new URL(containerUrl).origin);
		return answer;
	}

	/** All items of a list, page by page; at most `most` of them. */
	async list(path: string, name: string, query: Call['query'] = {}, most = Number.POSITIVE_INFINITY): Promise<readonly Resource[]> {
		const items: Resource[] = [];
		for (;;) {
			const marker = items.at(-1)?.['uuid'];
			const limit = Number.isFinite(most) ? most - items.length : undefined;
			const page = await this.resource('GET', path, {
				query: { ...query, limit, marker: marker === undefined ? undefined : String(marker) },
			});
			const found = resourcesIn(page, name);
			items.push(...found);
			if (typeof page['next'] !== 'string' || found.length === 0 || items.length >= most) return items;
		}
	}

	/** The next call logs in anew. */
	async forgetLogin(): Promise<void> {
		this.#login = null;
		await this.#cache.forget();
	}

	async #logInAnew(): Promise<Login> {
		await this.#cache.forget();
		const made = await login(this.#credentials, this.#signal);
		await this.#cache.write(made);
		return made;
	}

	async #send(current: Login, method: string, path: string, call: Call, signal: AbortSignal): Promise<IncomingMessage> {
		const bases: Record<ApiName, string> = {
			container: current.containerUrl,
			identity: versioned(this.#credentials.authUrl),
			network: `${current.networkUrl}/v2.0`,
		};
		return await send({
			method,
			url: `${bases[call.api ?? 'container']}${path}${queryText(call.query ?? {})}`,
			headers: { 'x-auth-token': current.token, 'openstack-api-version': 'container latest', ...call.headers },
			...(call.body === undefined ? {} : { body: call.body }),
			signal,
			timeout: call.timeout ?? 150_000,
			caFile: this.#credentials.caFile,
		});
	}
}

function queryText(query: NonNullable<Call['query']>): string {
	const parameters = new URLSearchParams();
	for (const [name, value] of Object.entries(query)) {
		if (value === undefined) continue;
		for (const one of typeof value === 'object' ? value : [value]) parameters.append(name, String(one));
	}
	const text = parameters.toString();
	return text === '' ? '' : `?${text}`;
}
