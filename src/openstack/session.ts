import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import { newRequestId } from '../model/ids.ts';
import type { Answer } from './answer.ts';
import { type EndpointInterface, endpointOf, forProject, versioned } from './catalog.ts';
import { OpenStackError, type ServiceType, serviceNames } from './errors.ts';
import { notReached, readError, refused } from './failures.ts';
import { asService, type Caller, headersOf, queryText, type RequestFacts } from './request.ts';
import { defaultRetryRules, pause, type RetryRules, waitBeforeRetry } from './retry.ts';
import { type ServiceCredentials, ServiceToken, type ServiceTokenFacts } from './service-token.ts';
import { type Outgoing, Transport, TransportError } from './transport.ts';

export { asService, type Caller, type Query, type RequestFacts } from './request.ts';

export interface SessionOptions {
	readonly credentials: ServiceCredentials;
	readonly interface: EndpointInterface;
	/** null = whatever the catalog has first. */
	readonly region: string | null;
	/** Certificates (PEM) that the cloud's own are checked with; null = those that the machine trusts. */
	readonly authority?: string | null;
	/** Longest silence of a service in ms. */
	readonly requestTimeout?: number;
	/** Connections to one service at the same time. */
	readonly maxConnections?: number;
	readonly retries?: RetryRules;
	readonly now?: () => number;
	readonly log?: SessionLog;
}

export interface SessionLog {
	debug(facts: object, message: string): void;
}

/** An answer whose body comes while it is read. */
export interface StreamedAnswer {
	readonly status: number;
	readonly headers: IncomingHttpHeaders;
	readonly body: Readable;
}

const defaultTimeout = 30_000;
const maxAnswer = 32 << 20;
/** A service token that is younger than this is not suspected when a user's request is refused. */
const suspicionAge = 60_000;

/** The cloud's services, in the name of the service user or of a user. Tokens, retries and request ids are its business. */
export class Session {
	readonly #options: SessionOptions;
	readonly #transport: Transport;
	readonly #token: ServiceToken;
	readonly #retries: RetryRules;
	readonly #now: () => number;

	constructor(options: SessionOptions) {
		this.#options = options;
		this.#now = options.now ?? Date.now;
		this.#retries = options.retries ?? defaultRetryRules;
		this.#transport = new Transport({ authority: options.authority ?? null, maxConnections: options.maxConnections ?? 32 });
		this.#token = new ServiceToken({
			credentials: options.credentials,
			transport: this.#transport,
			timeout: options.requestTimeout ?? defaultTimeout,
			retries: this.#retries,
			now: this.#now,
		});
	}

	/** What the service user's token says; one is got when there is none. */
	async own(signal: AbortSignal): Promise<ServiceTokenFacts> {
		return await this.#token.current(signal);
	}

	/** Root of a service's API; throws an OpenStackError when the catalog has none. */
	async endpoint(service: ServiceType, signal: AbortSignal, caller: Caller = asService): Promise<string> {
		const { authUrl } = this.#options.credentials;
		if (service === 'identity') return versioned('identity', authUrl);
		const own = await this.#token.current(signal);
		const url = endpointOf(own.catalog, service, this.#options);
		if (url !== null) return caller.type === 'user' ? forProject(url, own.projectId, caller.projectId) : url;
		const where = this.#options.region === null ? '' : ` in region ${this.#options.region}`;
		throw new OpenStackError(
			`the catalog of ${authUrl} has no ${this.#options.interface} endpoint of the ${serviceNames[service]}${where}`,
			{
				service,
				status: null,
			},
		);
	}

	/** Fails with an OpenStackError, or with the signal's reason. */
	async request(caller: Caller, service: ServiceType, facts: RequestFacts, signal: AbortSignal): Promise<Answer> {
		return await this.#authorized(caller, service, facts, signal, async (outgoing) => {
			const answer = await this.#transport.exchange(outgoing, maxAnswer, signal);
			return { answer, result: answer };
		});
	}

	/** As `request`, for a body that is read while it comes. It must be read to its end or destroyed. */
	async download(caller: Caller, service: ServiceType, facts: RequestFacts, signal: AbortSignal): Promise<StreamedAnswer> {
		return await this.#authorized(caller, service, facts, signal, async (outgoing) => {
			const message = await this.#transport.open({ ...outgoing, reuse: false }, signal);
			const status = message.statusCode ?? 0;
			const { headers } = message;
			if (status < 300) return { answer: { status, headers, body: null }, result: { status, headers, body: message } };
			const answer = await readError(message);
			return { answer, result: { status, headers, body: message } };
		});
	}

	/** Sends a stream. It can be read only once, so it is not tried again. */
	async upload(
		caller: Caller,
		service: ServiceType,
		facts: Omit<RequestFacts, 'body' | 'repeatable'> & { readonly stream: Readable },
		signal: AbortSignal,
	): Promise<Answer> {
		const { stream, ...rest } = facts;
		return await this.#authorized(
			caller,
			service,
			{ ...rest, repeatable: false },
			signal,
			async (outgoing) => {
				const answer = await this.#transport.exchange({ ...outgoing, body: stream, reuse: false }, maxAnswer, signal);
				return { answer, result: answer };
			},
			{ ...this.#retries, attempts: 1 },
		);
	}

	close(): void {
		this.#transport.close();
	}

	/** Sends with tokens, anew with a new service token after a 401, and again as the rules have it. */
	async #authorized<T>(
		caller: Caller,
		service: ServiceType,
		facts: RequestFacts,
		signal: AbortSignal,
		send: (outgoing: Outgoing) => Promise<{ readonly answer: Answer; readonly result: T }>,
		rules: RetryRules = this.#retries,
	): Promise<T> {
		const requestId = facts.requestId ?? newRequestId();
		const repeatable = facts.repeatable ?? (facts.method !== 'POST' && facts.method !== 'PATCH');
		let renewed = false;
		for (let tries = 1; ; tries += 1) {
			const own = await this.#token.current(signal);
			const root = await this.endpoint(service, signal, caller);
			const secrets = [own.token.reveal(), ...(caller.type === 'user' ? [caller.token.reveal()] : []), ...(facts.secrets ?? [])];
			const since = this.#now();
			let failure: OpenStackError;
			let unsent = false;
			try {
				const { answer, result } = await send({
					method: facts.method,
					url: `${root}${facts.path}${queryText(facts.query)}`,
					headers: headersOf(caller, own, service, facts, requestId),
					...(facts.body === undefined ? {} : { body: JSON.stringify(facts.body) }),
					timeout: facts.timeout ?? this.#options.requestTimeout ?? defaultTimeout,
					reuse: repeatable,
				});
				this.#tell(service, facts, requestId, answer.status, since);
				if (answer.status < 300 || facts.accept?.includes(answer.status)) return result;
				if (answer.status === 401 && !renewed && rules.attempts > 1 && this.#isSuspect(caller, own)) {
					renewed = true;
					await this.#token.renew(own, signal);
					continue;
				}
				failure = refused(service, answer, requestId, secrets, this.#now());
			} catch (error) {
				if (!(error instanceof TransportError)) throw error;
				this.#tell(service, facts, requestId, null, since);
				failure = notReached(service, root, error, requestId, secrets);
				unsent = error.unsent;
			}
			const wait = waitBeforeRetry({ status: failure.status, unsent, retryAfter: failure.retryAfter }, tries, repeatable, rules);
			if (wait === null) throw failure;
			await pause(wait, signal);
		}
	}

	/** Whether the service user's token may be what was refused. */
	#isSuspect(caller: Caller, own: ServiceTokenFacts): boolean {
		return caller.type === 'service' || this.#now() - own.since > suspicionAge;
	}

	#tell(service: ServiceType, facts: RequestFacts, requestId: string, status: number | null, since: number): void {
		const { method, path } = facts;
		this.#options.log?.debug({ service, method, path, status, requestId, ms: this.#now() - since }, 'asked a service of the cloud');
	}
}
