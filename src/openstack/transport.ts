import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Answer, readAnswer } from './answer.ts';

/** A request as it goes over the wire. */
export interface Outgoing {
	readonly method: string;
	readonly url: string;
	readonly headers: Readonly<Record<string, string>>;
	readonly body?: string | Readable;
	/** Longest silence of the connection in ms. */
	readonly timeout: number;
	/** Whether a connection that is already open may be used: the other side may be closing it at this moment. */
	readonly reuse: boolean;
}

/** The answer did not come, or not in time. */
export class TransportError extends Error {
	override readonly name = 'TransportError';
	/** Whether it is certain that the request had no effect: there was no connection to send it over. */
	readonly unsent: boolean;

	constructor(message: string, options: { readonly cause?: unknown; readonly unsent: boolean }) {
		super(message, { cause: options.cause });
		this.unsent = options.unsent;
	}
}

/** System errors that come before a connection stands. */
const beforeConnected = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'EADDRNOTAVAIL']);

/** Keeps connections to a cloud's services. */
export class Transport {
	readonly #http: http.Agent;
	readonly #https: https.Agent;
	/** For requests that must not meet a connection which is being closed. */
	readonly #single: { readonly http: http.Agent; readonly https: https.Agent };

	/** `authority` = certificates (PEM) of the cloud's own authority, used instead of those that the machine trusts; null = the machine's. */
	constructor(options: { readonly authority: string | null; readonly maxConnections: number }) {
		const tls = options.authority === null ? {} : { ca: options.authority };
		const kept = { keepAlive: true, maxSockets: options.maxConnections, maxFreeSockets: 8, timeout: 60_000, scheduling: 'lifo' } as const;
		this.#http = new http.Agent(kept);
		this.#https = new https.Agent({ ...kept, ...tls });
		const single = { keepAlive: false, maxSockets: options.maxConnections };
		this.#single = { http: new http.Agent(single), https: new https.Agent({ ...single, ...tls }) };
	}

	/** The whole answer, of at most `maxBytes`. */
	async exchange(request: Outgoing, maxBytes: number, signal: AbortSignal): Promise<Answer> {
		const answer = await this.open(request, signal);
		try {
			return await readAnswer(answer, maxBytes);
		} catch (error) {
			signal.throwIfAborted();
			throw asTransportError(error);
		}
	}

	/** An answer whose body is still to be read; who asks destroys it when it is not wanted to its end. */
	async open(request: Outgoing, signal: AbortSignal): Promise<IncomingMessage> {
		signal.throwIfAborted();
		const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
		const url = new URL(request.url);
		const { method, headers, timeout, body } = request;
		const options = { method, headers, timeout, signal, agent: this.#agent(url, request.reuse) };
		const call = (url.protocol === 'https:' ? https : http).request(url, options, resolve);
		// Of the connection's silence: an upload takes as long as it takes, while it goes on.
		call.on('timeout', () => {
			const silence = new Error(`no answer within ${timeout / 1000} s`);
			promise.then((answer) => answer.destroy(silence)).catch(() => {});
			call.destroy(silence);
		});
		call.once('error', (error) => reject(signal.aborted ? signal.reason : asTransportError(error)));
		if (typeof body === 'object') {
			// What breaks at its source is told as it is, what breaks on the way as the connection's failure.
			body.once('error', (error) => reject(signal.aborted ? signal.reason : error));
			pipeline(body, call).catch((error: unknown) => reject(signal.aborted ? signal.reason : asTransportError(error)));
		} else {
			call.end(body);
		}
		return await promise;
	}

	close(): void {
		for (const agent of [this.#http, this.#https, this.#single.http, this.#single.https]) agent.destroy();
	}

	#agent(url: URL, reuse: boolean): http.Agent {
		const agents = reuse ? { http: this.#http, https: this.#https } : this.#single;
		return url.protocol === 'https:' ? agents.https : agents.http;
	}
}

function asTransportError(error: unknown): TransportError {
	if (error instanceof TransportError) return error;
	const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
	const text = error instanceof Error ? error.message || code : String(error);
	return new TransportError(text || code, { cause: error, unsent: beforeConnected.has(code) });
}
