import { setTimeout as delay } from 'node:timers/promises';
import { password, urls } from './settings.ts';

/** Services of the cloud as a test looks at them: with its own requests and not through the code under test. */
export type CloudService = 'keystone' | 'placement' | 'glance' | 'neutron' | 'nova' | 'cinder';

export interface CloudAnswer {
	readonly status: number;
	readonly text: string;
	/** The body as JSON; {} where it is empty. */
	readonly body: Fields;
}

/** JSON whose shape the test knows. */
export type Fields = Readonly<Record<string, unknown>>;

/** Sent to Nova: with names of flavors in servers, reasons of faults, tags and the hosts of all. */
const novaVersion = '2.90';

/** A user in a project. */
export class Account {
	readonly user: string;
	readonly project: string;
	#token: { readonly id: string; readonly projectId: string; readonly userId: string } | null = null;

	constructor(user: string, project: string) {
		this.user = user;
		this.project = project;
	}

	async token(): Promise<string> {
		return (await this.#login()).id;
	}

	async projectId(): Promise<string> {
		return (await this.#login()).projectId;
	}

	async userId(): Promise<string> {
		return (await this.#login()).userId;
	}

	/** A token of its own for the caller, beside the one that is kept. */
	async newToken(): Promise<string> {
		return (await requestToken(this.user, this.project)).id;
	}

	/** One request, such as `call('nova', 'GET /servers')`; any status is an answer. A path without a project's id for Cinder. */
	async call(service: CloudService, request: string, body?: unknown): Promise<CloudAnswer> {
		const [method = 'GET', place = ''] = request.split(' ');
		const { id, projectId } = await this.#login();
		const base = service === 'cinder' ? `${urls.cinder}/${projectId}` : urls[service];
		const answer = await fetch(`${base}${place}`, {
			method,
			headers: {
				'x-auth-token': id,
				'content-type': 'application/json',
				...(service === 'nova' ? { 'openstack-api-version': `compute ${novaVersion}` } : {}),
				...(service === 'cinder' ? { 'openstack-api-version': 'volume 3.70' } : {}),
			},
			...(body === undefined ? {} : { body: JSON.stringify(body) }),
			signal: AbortSignal.timeout(60_000),
		});
		const text = await answer.text();
		return { status: answer.status, text, body: parse(text) };
	}

	/** As `call`, and an Error unless the status is 2xx. */
	async ok(service: CloudService, request: string, body?: unknown): Promise<Fields> {
		const answer = await this.call(service, request, body);
		if (answer.status < 200 || answer.status > 299) throw new Error(`${service}: ${request} gave ${answer.status}: ${answer.text}`);
		return answer.body;
	}

	/** The list of that name in the answer. */
	async list(service: CloudService, request: string, name: string): Promise<readonly Fields[]> {
		return listIn(await this.ok(service, request), name);
	}

	async #login() {
		this.#token ??= await requestToken(this.user, this.project);
		return this.#token;
	}
}

export function listIn(fields: Fields, name: string): readonly Fields[] {
	const value: unknown = fields[name];
	if (!Array.isArray(value)) throw new Error(`no list ${name} in ${JSON.stringify(fields)}`);
	return value;
}

/** A field that must be an object. */
export function fieldsIn(fields: Fields, name: string): Fields {
	const value: unknown = fields[name];
	if (!isFields(value)) throw new Error(`no object ${name} in ${JSON.stringify(fields)}`);
	return value;
}

function isFields(value: unknown): value is Fields {
	return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parse(text: string): Fields {
	try {
		const body: unknown = JSON.parse(text);
		return isFields(body) ? body : {};
	} catch {
		return {};
	}
}

/** Keystone may be stopped for a moment by another test's failure. */
async function requestToken(user: string, project: string) {
	const domain = { id: 'default' };
	for (let attempt = 1; ; attempt += 1) {
		const answer = await fetch(`${urls.keystone}/auth/tokens`, {
			method: 'POST',
			headers: { 'content-type': 'application/json' },
			body: JSON.stringify({
				auth: {
					identity: { methods: ['password'], password: { user: { name: user, domain, password } } },
					scope: { project: { name: project, domain } },
				},
			}),
			signal: AbortSignal.timeout(30_000),
		});
		const token = fieldsIn({ body: parse(await answer.text()) }, 'body')['token'];
		if (answer.status === 201 && isFields(token)) {
			const id = answer.headers.get('x-subject-token') ?? '';
			return { id, projectId: String(fieldsIn(token, 'project')['id']), userId: String(fieldsIn(token, 'user')['id']) };
		}
		if (attempt === 3) throw new Error(`Keystone gave ${user} no token: ${answer.status}`);
		await delay(300);
	}
}
