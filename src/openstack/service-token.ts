import { messageOf } from '../model/errors.ts';
import { newRequestId } from '../model/ids.ts';
import { Secret } from '../model/secret.ts';
import { type Answer, headerOf, retryAfterOf } from './answer.ts';
import { type CatalogService, readCatalog, versioned } from './catalog.ts';
import { errorText, OpenStackError, serviceNames, withoutSecrets } from './errors.ts';
import { Fields } from './fields.ts';
import { pause, type RetryRules, waitBeforeRetry } from './retry.ts';
import { type Transport, TransportError } from './transport.ts';
import { waitFor } from './wait-for.ts';

/** Who the service itself is to the cloud. */
export interface ServiceCredentials {
	/** Keystone, with or without `/v3`. */
	readonly authUrl: string;
	readonly username: string;
	readonly password: Secret;
	readonly userDomainName: string;
	readonly projectName: string;
	readonly projectDomainName: string;
	/** Ids, used instead of the names. */
	readonly ids?: {
		readonly user?: string | undefined;
		readonly userDomain?: string | undefined;
		readonly project?: string | undefined;
		readonly projectDomain?: string | undefined;
	};
}

/** A token of the service user, and what it says. Times in ms since the epoch. */
export interface ServiceTokenFacts {
	readonly token: Secret;
	readonly userId: string;
	readonly projectId: string;
	readonly roles: readonly string[];
	readonly catalog: readonly CatalogService[];
	/** When it was got here. */
	readonly since: number;
	readonly expiresAt: number;
	/** How far Keystone's clock is ahead of ours, in ms, to about a second; null = it did not say. */
	readonly skew: number | null;
}

export interface ServiceTokenOptions {
	readonly credentials: ServiceCredentials;
	readonly transport: Transport;
	/** ms. */
	readonly timeout: number;
	readonly retries: RetryRules;
	readonly now: () => number;
}

/** Time before its expiry at which a token is renewed, in ms; less for tokens that live shortly. */
const margin = 300_000;
/** ms after a renewal that failed before the next one, while the token is still good. */
const renewalPause = 10_000;
const maxAnswer = 4 << 20;

/** The token that the service user works with: got once for all who ask, renewed before it expires. */
export class ServiceToken {
	readonly #options: ServiceTokenOptions;
	#token: ServiceTokenFacts | null = null;
	#login: Promise<ServiceTokenFacts> | null = null;
	#renewNotBefore = 0;

	constructor(options: ServiceTokenOptions) {
		this.#options = options;
	}

	/** Throws an OpenStackError when there is none and none is to be had. */
	async current(signal: AbortSignal): Promise<ServiceTokenFacts> {
		const held = this.#token;
		const now = this.#options.now();
		if (held === null || held.expiresAt <= now) return await waitFor(this.#logIn(), signal);
		const left = held.expiresAt - now;
		if (left > Math.min(margin, (held.expiresAt - held.since) / 5) || now < this.#renewNotBefore) return held;
		try {
			return await waitFor(this.#logIn(), signal);
		} catch {
			signal.throwIfAborted();
			this.#renewNotBefore = this.#options.now() + renewalPause;
			return held;
		}
	}

	/** Another token than the one that was refused. */
	async renew(refused: ServiceTokenFacts, signal: AbortSignal): Promise<ServiceTokenFacts> {
		if (this.#token === refused) this.#token = null;
		return await this.current(signal);
	}

	/** One login at a time, for all who wait; it does not end with the one who asked first. */
	#logIn(): Promise<ServiceTokenFacts> {
		this.#login ??= this.#askKeystone()
			.then((token) => {
				this.#token = token;
				return token;
			})
			.finally(() => {
				this.#login = null;
			});
		// Who waited may have gone meanwhile.
		this.#login.catch(() => {});
		return this.#login;
	}

	async #askKeystone(): Promise<ServiceTokenFacts> {
		const { credentials, transport, timeout, retries, now } = this.#options;
		const signal = AbortSignal.timeout(timeout * 2);
		const password = credentials.password.reveal();
		for (let tries = 1; ; tries += 1) {
			const requestId = newRequestId();
			let failure: OpenStackError;
			let unsent = false;
			try {
				const url = `${versioned('identity', credentials.authUrl)}/auth/tokens`;
				const headers = { 'content-type': 'application/json', accept: 'application/json', 'x-openstack-request-id': requestId };
				const outgoing = { method: 'POST', url, headers, body: JSON.stringify(loginOf(credentials)), timeout, reuse: false };
				const answer = await transport.exchange(outgoing, maxAnswer, signal);
				if (answer.status < 300) return read(answer, now());
				failure = new OpenStackError(`${serviceNames.identity}: ${refusal(answer, credentials, password)}`, {
					service: 'identity',
					status: answer.status,
					requestId: headerOf(answer.headers, 'x-openstack-request-id') ?? requestId,
					retryAfter: retryAfterOf(answer.headers, now()),
				});
			} catch (error) {
				if (!(error instanceof TransportError) && !signal.aborted) throw error;
				const text = `the ${serviceNames.identity} at ${credentials.authUrl} does not answer: ${withoutSecrets(messageOf(error), [password])}`;
				failure = new OpenStackError(text, { service: 'identity', status: null, requestId, cause: error });
				if (signal.aborted) throw failure;
				unsent = error instanceof TransportError && error.unsent;
			}
			const wait = waitBeforeRetry({ status: failure.status, unsent, retryAfter: failure.retryAfter }, tries, true, retries);
			if (wait === null) throw failure;
			await pause(wait, signal);
		}
	}
}

function refusal(answer: Answer, credentials: ServiceCredentials, password: string): string {
	const text = errorText(answer.status, answer.body, [password]);
	if (answer.status !== 401) return text;
	return `it refuses user ${credentials.username} for project ${credentials.projectName}: check user, password, project and domains (${text})`;
}

function loginOf(credentials: ServiceCredentials): object {
	const { ids = {} } = credentials;
	const password = credentials.password.reveal();
	const named = (id: string | undefined, name: string): object => (id === undefined ? { name } : { id });
	const userDomain = ids.user === undefined ? { domain: named(ids.userDomain, credentials.userDomainName) } : {};
	const user = { ...named(ids.user, credentials.username), password, ...userDomain };
	const projectDomain = ids.project === undefined ? { domain: named(ids.projectDomain, credentials.projectDomainName) } : {};
	const project = { ...named(ids.project, credentials.projectName), ...projectDomain };
	return { auth: { identity: { methods: ['password'], password: { user } }, scope: { project } } };
}

function read(answer: Answer, now: number): ServiceTokenFacts {
	const token = new Fields('identity', 'answer', answer.body).fields('token');
	const text = headerOf(answer.headers, 'x-subject-token');
	if (text === null) throw new OpenStackError('the identity service gave no token', { service: 'identity', status: answer.status });
	const issuedAt = token.timeOrNull('issued_at');
	return {
		token: new Secret(text),
		userId: token.fields('user').text('id'),
		projectId: token.fields('project').text('id'),
		roles: token.list('roles').map((role) => role.text('name')),
		catalog: readCatalog(token),
		since: now,
		expiresAt: token.time('expires_at'),
		skew: issuedAt === null ? null : issuedAt - now,
	};
}
