import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

export type Resource = Readonly<Record<string, unknown>>;

/** Calls `look` until it answers something else than undefined; an Error with `what` after `timeout` ms. */
export async function waitUntil<T>(what: string, timeout: number, look: () => Promise<T | undefined>): Promise<T> {
	const deadline = performance.now() + timeout;
	for (;;) {
		const answer = await look();
		if (answer !== undefined) return answer;
		if (performance.now() > deadline) throw new Error(`not within ${timeout / 1000} s: ${what}`);
		await delay(50);
	}
}

/** A field that must be text. */
export function text(resource: Resource, field: string): string {
	const value = resource[field];
	if (typeof value !== 'string') throw new Error(`the service answered without "${field}": ${JSON.stringify(resource)}`);
	return value;
}

function isResource(value: unknown): value is Resource {
	return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The service's API as a stranger with plain HTTP would use it: log in, then call. */
export class Service {
	/** Without a slash at its end, such as `http://127.0.0.1:9517`. */
	readonly url: string;
	readonly #token: string;

	private constructor(url: string, token: string) {
		this.url = url;
		this.#token = token;
	}

	/** Logs in with the credentials in an openrc file; undefined while the service does not answer. */
	static async open(openrc: string): Promise<Service | undefined> {
		const credentials = new Map(
			[...(await readFile(openrc, 'utf8')).matchAll(/^\s*export (OS_\w+)=(['"]?)(.*)\2\s*$/gm)].map((match) => [match[1], match[3] ?? '']),
		);
		const read = (name: string, otherwise: string): string => credentials.get(name) ?? otherwise;
		const authUrl = read('OS_AUTH_URL', 'http://127.0.0.1:9517/identity/v3').replace(/\/+$/, '');
		const domain = { name: read('OS_USER_DOMAIN_NAME', 'Default') };
		const project = { name: read('OS_PROJECT_NAME', 'admin'), domain: { name: read('OS_PROJECT_DOMAIN_NAME', 'Default') } };
		const user = { name: read('OS_USERNAME', 'admin'), password: read('OS_PASSWORD', ''), domain };
		const answer = await fetch(`${authUrl}/auth/tokens`, {
			method: 'POST',
			headers: { 'content-type': 'application/json' },
			body: JSON.stringify({ auth: { identity: { methods: ['password'], password: { user } }, scope: { project } } }),
			signal: AbortSignal.timeout(10_000),
		}).catch(() => undefined);
		if (answer === undefined || answer.status === 503) return undefined;
		const token = answer.headers.get('x-subject-token');
		if (token === null) throw new Error(`the service refused the credentials in ${openrc}: ${answer.status} ${await answer.text()}`);
		await answer.body?.cancel();
		return new Service(new URL(authUrl).origin, token);
	}

	async list(kind: 'sandboxes' | 'containers'): Promise<readonly unknown[]> {
		const answer = await this.#call('GET', kind);
		const found = isResource(answer) ? answer[kind] : undefined;
		if (!Array.isArray(found)) throw new Error(`the service answered without "${kind}"`);
		return found;
	}

	async create(what: string, body: Resource): Promise<Resource> {
		return this.#resource('POST', what, body);
	}

	async logs(container: string): Promise<string> {
		const answer = await this.#call('GET', `containers/${container}/logs`);
		return typeof answer === 'string' ? answer : JSON.stringify(answer);
	}

	/** Waits until it runs; an Error with the reason when it cannot, or does not in two minutes. */
	async untilRunning(container: string): Promise<Resource> {
		let standing = '';
		const running = waitUntil(`container ${container} runs`, 120_000, async () => {
			const seen = await this.#resource('GET', `containers/${container}`);
			const status = text(seen, 'status');
			standing = `it is ${status}${seen['status_reason'] ? `: ${seen['status_reason']}` : ''}`;
			if (status === 'Error' || status === 'Dead') throw new Error(`container ${container} does not run`);
			return status === 'Running' ? seen : undefined;
		});
		return running.catch((error: unknown) => {
			throw new Error(`${error instanceof Error ? error.message : String(error)}; ${standing}`, { cause: error });
		});
	}

	/** All addresses of a container, which are its sandbox's. */
	addressesOf(container: Resource): readonly string[] {
		const networks = container['addresses'];
		if (!isResource(networks)) return [];
		return Object.values(networks)
			.flat()
			.filter(isResource)
			.map((address) => String(address['addr']));
	}

	async #resource(method: string, what: string, body?: Resource): Promise<Resource> {
		const answer = await this.#call(method, what, body);
		if (!isResource(answer)) throw new Error(`the service gave an unexpected answer to ${method} ${what}`);
		return answer;
	}

	async #call(method: string, what: string, body?: Resource): Promise<unknown> {
		const answer = await fetch(`${this.url}/v1/${what}`, {
			method,
			headers: {
				'content-type': 'application/json',
				'x-auth-token': this.#token,
				'openstack-api-version': 'container latest',
			},
			...(body === undefined ? {} : { body: JSON.stringify(body) }),
			signal: AbortSignal.timeout(30_000),
		});
		const content = await answer.text();
		if (!answer.ok) throw new Error(`${method} /v1/${what} failed: ${answer.status} ${content}`);
		return answer.headers.get('content-type')?.includes('json') ? JSON.parse(content) : content;
	}
}
