import { orNull } from './errors.ts';
import { Fields } from './fields.ts';
import { asService, type Query, type RequestFacts, type Session } from './session.ts';

/** What Keystone says of a token. Times in ms since the epoch. */
export interface KeystoneToken {
	readonly user: { readonly id: string; readonly name: string };
	/** null = the token is for a domain, for the system, or for nothing. */
	readonly project: { readonly id: string; readonly name: string } | null;
	/** Names of roles, those that others imply included. */
	readonly roles: readonly string[];
	readonly expiresAt: number;
}

export interface KeystoneEndpoint {
	readonly id: string;
	readonly interface: string;
	readonly region: string | null;
	readonly url: string;
}

/** Something that Keystone keeps by id and name. */
export interface Named {
	readonly id: string;
	readonly name: string;
}

/** The identity service, in the service user's name. Every method fails with an OpenStackError. */
export class KeystoneClient {
	readonly #session: Session;

	constructor(session: Session) {
		this.#session = session;
	}

	/** null = the token is unknown, expired or revoked. */
	async validate(token: string, signal: AbortSignal): Promise<KeystoneToken | null> {
		const facts: RequestFacts = {
			method: 'GET',
			path: '/auth/tokens',
			query: { nocatalog: true },
			headers: { 'x-subject-token': token },
			secrets: [token],
		};
		const answer = await orNull(this.#ask(facts, signal));
		if (answer === null) return null;
		const details = answer.fields('token');
		const user = details.fields('user');
		const project = details.fieldsOrNull('project');
		return {
			user: { id: user.text('id'), name: user.text('name') },
			project: project === null ? null : { id: project.text('id'), name: project.text('name') },
			roles: details.list('roles').map((role) => role.text('name')),
			expiresAt: details.time('expires_at'),
		};
	}

	/** null = there is no such project. */
	async project(id: string, signal: AbortSignal): Promise<Named | null> {
		const answer = await orNull(this.#ask({ method: 'GET', path: `/projects/${encodeURIComponent(id)}` }, signal));
		return answer === null ? null : named(answer.fields('project'));
	}

	async projects(filter: { readonly name?: string; readonly domainId?: string }, signal: AbortSignal): Promise<readonly Named[]> {
		return await this.#named('projects', { name: filter.name, domain_id: filter.domainId }, signal);
	}

	async users(filter: { readonly name?: string; readonly domainId?: string }, signal: AbortSignal): Promise<readonly Named[]> {
		return await this.#named('users', { name: filter.name, domain_id: filter.domainId }, signal);
	}

	async domains(name: string, signal: AbortSignal): Promise<readonly Named[]> {
		return await this.#named('domains', { name }, signal);
	}

	async roles(name: string, signal: AbortSignal): Promise<readonly Named[]> {
		return await this.#named('roles', { name }, signal);
	}

	async createUser(
		user: { readonly name: string; readonly domainId: string; readonly password: string },
		signal: AbortSignal,
	): Promise<Named> {
		const body = { user: { name: user.name, domain_id: user.domainId, password: user.password } };
		return named((await this.#ask({ method: 'POST', path: '/users', body, secrets: [user.password] }, signal)).fields('user'));
	}

	async createProject(project: { readonly name: string; readonly domainId: string }, signal: AbortSignal): Promise<Named> {
		const body = { project: { name: project.name, domain_id: project.domainId } };
		return named((await this.#ask({ method: 'POST', path: '/projects', body }, signal)).fields('project'));
	}

	async createRole(name: string, signal: AbortSignal): Promise<Named> {
		return named((await this.#ask({ method: 'POST', path: '/roles', body: { role: { name } } }, signal)).fields('role'));
	}

	/** Succeeds also when the user has it. */
	async grant(grant: { readonly userId: string; readonly projectId: string; readonly roleId: string }, signal: AbortSignal): Promise<void> {
		const { projectId, userId, roleId } = grant;
		await this.#ask({ method: 'PUT', path: `/projects/${projectId}/users/${userId}/roles/${roleId}` }, signal);
	}

	async hasRole(
		grant: { readonly userId: string; readonly projectId: string; readonly roleId: string },
		signal: AbortSignal,
	): Promise<boolean> {
		const path = `/projects/${grant.projectId}/users/${grant.userId}/roles/${grant.roleId}`;
		return (await orNull(this.#ask({ method: 'HEAD', path }, signal))) !== null;
	}

	async services(type: string, signal: AbortSignal): Promise<readonly Named[]> {
		return await this.#named('services', { type }, signal);
	}

	async createService(
		service: { readonly type: string; readonly name: string; readonly description: string },
		signal: AbortSignal,
	): Promise<Named> {
		return named((await this.#ask({ method: 'POST', path: '/services', body: { service } }, signal)).fields('service'));
	}

	async endpoints(serviceId: string, signal: AbortSignal): Promise<readonly KeystoneEndpoint[]> {
		const answer = await this.#ask({ method: 'GET', path: '/endpoints', query: { service_id: serviceId } }, signal);
		return answer.list('endpoints').map((one) => ({
			id: one.text('id'),
			interface: one.text('interface'),
			region: one.textOr('region_id', one.textOrNull('region')),
			url: one.text('url'),
		}));
	}

	async createEndpoint(
		endpoint: { readonly serviceId: string; readonly interface: string; readonly region: string | null; readonly url: string },
		signal: AbortSignal,
	): Promise<void> {
		const region = endpoint.region === null ? {} : { region_id: endpoint.region };
		const body = { endpoint: { service_id: endpoint.serviceId, interface: endpoint.interface, url: endpoint.url, ...region } };
		await this.#ask({ method: 'POST', path: '/endpoints', body }, signal);
	}

	async changeEndpoint(id: string, url: string, signal: AbortSignal): Promise<void> {
		await this.#ask({ method: 'PATCH', path: `/endpoints/${id}`, body: { endpoint: { url } }, repeatable: true }, signal);
	}

	async #named(path: string, query: Query, signal: AbortSignal): Promise<readonly Named[]> {
		return (await this.#ask({ method: 'GET', path: `/${path}`, query }, signal)).list(path).map(named);
	}

	async #ask(facts: RequestFacts, signal: AbortSignal): Promise<Fields> {
		const { body } = await this.#session.request(asService, 'identity', facts, signal);
		return new Fields('identity', 'answer', body ?? {});
	}
}

function named(record: Fields): Named {
	return { id: record.text('id'), name: record.textOr('name', '') };
}
