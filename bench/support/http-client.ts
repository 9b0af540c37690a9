import http from 'node:http';
import { text as readText } from 'node:stream/consumers';

export interface Answer {
	readonly status: number;
	readonly headers: http.IncomingHttpHeaders;
	readonly text: string;
	/** The body as JSON; an empty object where there is no object. */
	readonly body: Readonly<Record<string, unknown>>;
}

/** Where requests go: `host` and `port`, or the path of a unix socket. */
export type Target = { readonly host: string; readonly port: number } | { readonly socketPath: string };

/** HTTP over connections that are kept, with as little beside it as can be: what it costs is in every figure. */
export class HttpClient {
	readonly #agent = new http.Agent({ keepAlive: true, maxSockets: 64 });
	readonly #target: Target;
	readonly #headers: Readonly<Record<string, string>>;

	constructor(target: Target, headers: Readonly<Record<string, string>> = {}) {
		this.#target = target;
		this.#headers = headers;
	}

	/** Any status is an answer. `body` is sent as JSON, or as it is when it is a Buffer. */
	async ask(method: string, path: string, body?: unknown): Promise<Answer> {
		const content = body === undefined ? undefined : Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body));
		const type = Buffer.isBuffer(body) ? 'application/x-tar' : 'application/json';
		const { promise, resolve, reject } = Promise.withResolvers<http.IncomingMessage>();
		http
			.request({
				...this.#target,
				agent: this.#agent,
				method,
				path,
				headers: { ...this.#headers, ...(content === undefined ? {} : { 'content-type': type, 'content-length': content.length }) },
				signal: AbortSignal.timeout(120_000),
			})
			.on('response', resolve)
			.on('error', reject)
			.end(content);
		const answer = await promise;
		const text = await readText(answer);
		const parsed: unknown = text.startsWith('{') ? JSON.parse(text) : {};
		return { status: answer.statusCode ?? 0, headers: answer.headers, text, body: isRecord(parsed) ? parsed : {} };
	}

	/** As `ask`, and an Error unless the status is 2xx or 304. */
	async ok(method: string, path: string, body?: unknown): Promise<Answer> {
		const answer = await this.ask(method, path, body);
		if ((answer.status < 200 || answer.status > 299) && answer.status !== 304) {
			throw new Error(`${method} ${path} gave ${answer.status}: ${answer.text.slice(0, 500)}`);
		}
		return answer;
	}

	close(): void {
		this.#agent.destroy();
	}
}

export function isRecord(value: unknown): value is Record<string, unknown> {
	return typeof value === 'object' && value !== null && !Array.isArray(value);
}
