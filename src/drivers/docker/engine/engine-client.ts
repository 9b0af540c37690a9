import http from 'node:http';
import type { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { DriverError } from '../../driver.ts';
import { answerError, connectionError, isConnectionLoss, isNeverSent } from './errors.ts';
import { parseJson, text } from './json.ts';
import { type Answer, hijackOnce, readAll, type Sent, sendOnce } from './send.ts';
import { negotiate } from './version.ts';

export interface EngineRequest {
	readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
	/** Below the version, such as `/containers/json`. Ids and references in it are encoded by the caller. */
	readonly path: string;
	readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
	/** Sent as JSON. */
	readonly body?: unknown;
	/** Sent as it is, as a tar. A request with one is never repeated. */
	readonly tar?: AsyncIterable<Uint8Array>;
	readonly headers?: Readonly<Record<string, string>>;
	readonly signal: AbortSignal;
	/** ms until the whole answer has come, for `stream` and `hijack` its head. */
	readonly timeout?: number;
	/** Whether doing it twice has the effect of once; true unless said otherwise. Only then is a lost connection tried again. */
	readonly idempotent?: boolean;
	/** Error statuses that are answers. */
	readonly accept?: readonly number[];
	/** Takes as long as somebody else wants it to, such as a stop with grace: it has a connection of its own. */
	readonly long?: boolean;
}

export interface JsonAnswer {
	readonly status: number;
	/** undefined where the answer had none. */
	readonly body: unknown;
}

const defaultTimeout = 60_000;
const pauses = [50, 250];

/**
 * The Docker Engine API over a unix socket. Ordinary requests share kept-alive connections; each stream and each long
 * request has its own, so that followers of logs and slow ends of containers never hold up others. Every method throws a DriverError, or the signal's reason once it is
 * aborted.
 */
export class EngineClient {
	readonly socketPath: string;
	readonly #agent = new http.Agent({ keepAlive: true, maxSockets: 128, maxFreeSockets: 16, scheduling: 'lifo' });
	#version: Promise<string> | null = null;

	constructor(socketPath: string) {
		this.socketPath = socketPath;
	}

	/** For a request with a short answer: waits for all of it. */
	async json(request: EngineRequest): Promise<JsonAnswer> {
		return this.#attempt(request, async (path, timeout) => {
			const answer = await sendOnce(this.#sent(request, path, request.long === true ? false : this.#agent), timeout);
			const body = await readAll(answer);
			const parsed = parseJson(body.toString());
			this.#check(request, answer.status, parsed === undefined ? body.toString() : text(parsed, 'message'));
			return { status: answer.status, body: parsed };
		});
	}

	/** For a request with a long answer: its bytes as they come. The stream fails with a DriverError too. */
	async stream(request: EngineRequest): Promise<Answer> {
		return this.#attempt(request, async (path, timeout) => {
			const answer = await sendOnce(this.#sent(request, path, false), timeout);
			if (answer.status < 400) {
				answer.disarm();
				return { ...answer, body: this.#translate(answer.body, request.signal) };
			}
			const body = (await readAll(answer)).toString();
			this.#check(request, answer.status, text(parseJson(body), 'message') || body);
			return answer;
		});
	}

	/** For a request that turns its connection into a stream both ways. */
	async hijack(request: EngineRequest): Promise<Duplex> {
		return this.#attempt({ ...request, idempotent: false }, async (path, timeout) => {
			const upgraded = await hijackOnce(this.#sent(request, path, false), timeout);
			if (upgraded.socket !== null) return upgraded.socket;
			const body = (await readAll(upgraded.answer)).toString();
			throw answerError(upgraded.answer.status, text(parseJson(body), 'message') || body);
		});
	}

	close(): void {
		this.#agent.destroy();
	}

	/** Aborted from outside, the reason; otherwise what the engine's failure means. */
	failure(cause: unknown, signal: AbortSignal): unknown {
		return signal.aborted ? signal.reason : connectionError(this.socketPath, cause);
	}

	#sent(request: EngineRequest, path: string, agent: http.Agent | false): Sent {
		return { request, path, socketPath: this.socketPath, agent };
	}

	#check(request: EngineRequest, status: number, message: string): void {
		if (status >= 400 && request.accept?.includes(status) !== true) throw answerError(status, message);
	}

	async #attempt<T>(request: EngineRequest, send: (path: string, timeout: number) => Promise<T>): Promise<T> {
		for (let attempt = 0; ; attempt += 1) {
			request.signal.throwIfAborted();
			try {
				const version = await this.#negotiated(request.signal);
				return await send(`/v${version}${request.path}${queryOf(request.query)}`, request.timeout ?? defaultTimeout);
			} catch (cause) {
				const lost = isConnectionLoss(cause) || (cause instanceof DriverError && cause.code === 'unavailable');
				if (lost) this.#version = null;
				const pause = pauses[attempt];
				const again = pause !== undefined && isConnectionLoss(cause) && mayRepeat(request, cause);
				if (!again || request.signal.aborted) throw this.failure(cause, request.signal);
				await delay(pause, undefined, { signal: request.signal }).catch(() => undefined);
			}
		}
	}

	/** Asked once for each time that the engine comes up. Not bound to the signal of the caller that was first. */
	async #negotiated(signal: AbortSignal): Promise<string> {
		this.#version ??= this.#ask();
		const asked = this.#version;
		try {
			return await asked;
		} catch (cause) {
			if (this.#version === asked) this.#version = null;
			signal.throwIfAborted();
			throw cause;
		}
	}

	async #ask(): Promise<string> {
		const request: EngineRequest = { method: 'GET', path: '/version', signal: AbortSignal.timeout(15_000) };
		const answer = await sendOnce(this.#sent(request, request.path, this.#agent), 10_000);
		const body = (await readAll(answer)).toString();
		this.#check(request, answer.status, body);
		return negotiate(parseJson(body));
	}

	async *#translate(body: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<Uint8Array, void, undefined> {
		try {
			yield* body;
		} catch (cause) {
			throw this.failure(cause, signal);
		}
	}
}

function mayRepeat(request: EngineRequest, cause: unknown): boolean {
	return request.tar === undefined && (request.idempotent !== false || isNeverSent(cause));
}

function queryOf(query: EngineRequest['query']): string {
	const parameters = new URLSearchParams();
	for (const [name, value] of Object.entries(query ?? {})) {
		if (value !== undefined) parameters.set(name, String(value));
	}
	return parameters.size === 0 ? '' : `?${parameters}`;
}
