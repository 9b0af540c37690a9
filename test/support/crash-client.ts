/** A client of the service as strangers write one: plain HTTP, with a token that it gets by the written credentials. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { eventually } from './eventually.ts';

export type Fields = Readonly<Record<string, unknown>>;

export interface Answer {
	readonly status: number;
	/** `req-…` of the request. */
	readonly requestId: string;
	/** The parsed body; empty when it is no JSON object. */
	readonly body: Fields;
}

/** Where the service is; it moves with each start. */
export interface Place {
	readonly url: string;
	readonly data: string;
}

export class CrashClient {
	readonly #place: Place;
	#token = '';

	constructor(place: Place) {
		this.#place = place;
	}

	/** Gets a token with the administrator's credentials. They are written when the first start is over. */
	async login(): Promise<void> {
		this.#token = await eventually('a login', async () => {
			const file = readFileSync(path.join(this.#place.data, 'credentials/openrc'), 'utf8');
			const read = (name: string): string => new RegExp(`^export ${name}='(.*)'$`, 'm').exec(file)?.[1] ?? '';
			const user = { name: read('OS_USERNAME'), password: read('OS_PASSWORD'), domain: { name: 'Default' } };
			const scope = { project: { name: read('OS_PROJECT_NAME'), domain: { name: 'Default' } } };
			const answer = await fetch(`${this.#place.url}/identity/v3/auth/tokens`, {
				method: 'POST',
				headers: { 'content-type': 'application/json' },
				body: JSON.stringify({ auth: { identity: { methods: ['password'], password: { user } }, scope } }),
				signal: AbortSignal.timeout(20_000),
			});
			await answer.arrayBuffer();
			return answer.headers.get('x-subject-token');
		});
	}

	/** What goes with a request that is not made here. */
	get headers(): Readonly<Record<string, string>> {
		return { 'x-auth-token': this.#token, 'openstack-api-version': 'container latest' };
	}

	/** One request, such as `POST /v1/sandboxes`. Any status is an answer; throws when none came. */
	async call(line: string, body?: unknown, key?: string): Promise<Answer> {
		const [method = 'GET', resource = '/'] = line.split(' ');
		const answer = await fetch(`${this.#place.url}${resource}`, {
			method,
			headers: {
				...this.headers,
				connection: 'close',
				...(body === undefined ? {} : { 'content-type': 'application/json' }),
				...(key === undefined ? {} : { 'idempotency-key': key }),
			},
			...(body === undefined ? {} : { body: JSON.stringify(body) }),
			signal: AbortSignal.timeout(30_000),
		});
		const text = await answer.text();
		const parsed: unknown = answer.headers.get('content-type')?.includes('json') ? JSON.parse(text) : {};
		return {
			status: answer.status,
			requestId: answer.headers.get('x-openstack-request-id') ?? '',
			body: isFields(parsed) ? parsed : { text },
		};
	}

	/** As `call`, and an Error unless the status is 2xx. */
	async ok(line: string, body?: unknown, key?: string): Promise<Fields> {
		const answer = await this.call(line, body, key);
		if (answer.status < 200 || answer.status > 299) throw new Error(`${line} gave ${answer.status}: ${JSON.stringify(answer.body)}`);
		return answer.body;
	}
}

function isFields(value: unknown): value is Fields {
	return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A field that must be text. */
export function textOf(fields: Fields, name: string): string {
	const value = fields[name];
	if (typeof value !== 'string') throw new Error(`no ${name} in ${JSON.stringify(fields)}`);
	return value;
}
