import { chmod, lstat, rename, rm } from 'node:fs/promises';
import http from 'node:http';
import net from 'node:net';
import path from 'node:path';
import { fail, messageOf, ZunboxError } from '../../model/errors.ts';
import type { AgentLog } from '../options.ts';
import { checked, readBody } from './body.ts';
import { callRoute } from './routes.ts';
import { serverIdSchema } from './schemas.ts';
import { CallFailed, type ServerCalls } from './server-calls.ts';

export interface ServerSocketOptions {
	/** Path of the socket. Its folder exists; who may enter that folder is not looked at, since the socket itself is for its owner alone. */
	readonly path: string;
	readonly calls: Pick<ServerCalls, 'call' | 'servers' | 'state' | 'host'>;
	readonly log: AgentLog;
}

/** How the kernel bounds a socket's path, in bytes. */
const longestPath = 107;
/** How long a look may take, ms. */
const lookTimeout = 30_000;
/** Longest time that a caller may ask to be waited for, in seconds. */
const longestWait = 7200;

interface Answer {
	readonly status: number;
	readonly body: object;
}

/**
 * The agent's HTTP server for the compute service's driver on the same host, at a unix socket that only its owner
 * (root) may use. Errors answer `{"error": {"code", "message"}}`.
 *
 * - `GET /host`: what the host offers.
 * - `GET /servers`, `GET /servers/{id}`: which servers control counts to the host, and how one stands.
 * - `PUT /servers/{id}/{call}?timeout={s}`: a call (routes.ts). 200 = it is so. 4xx = refused, the same will be refused
 *   again; 500 = it failed here; 503 = it could not be taken, try again; 504 = not yet so, and the agent goes on.
 */
export class ServerSocket {
	readonly #options: ServerSocketOptions;
	readonly #server: http.Server;

	private constructor(options: ServerSocketOptions) {
		this.#options = options;
		this.#server = http.createServer((request, response) => void this.#serve(request, response));
		this.#server.headersTimeout = 10_000;
		// For receiving a request, not for answering it.
		this.#server.requestTimeout = 30_000;
		this.#server.maxConnections = 512;
	}

	/** Begins to serve. A socket that a process left behind is replaced; one that is still served is refused. */
	static async open(options: ServerSocketOptions): Promise<ServerSocket> {
		if (Buffer.byteLength(`${options.path}.new`) > longestPath)
			throw new Error(`The path of the agent's socket is too long for a socket: ${options.path}`);
		await refuseIfServed(options.path);
		const socket = new ServerSocket(options);
		// It appears under its name with its rights, in place of one that nobody serves.
		const fresh = `${options.path}.new`;
		await rm(fresh, { force: true });
		const { promise, resolve, reject } = Promise.withResolvers<void>();
		socket.#server.once('error', reject);
		socket.#server.listen(fresh, resolve);
		await promise;
		await chmod(fresh, 0o600);
		await rename(fresh, options.path);
		return socket;
	}

	/** Ends it at once: who waits is cut off, and asks again. */
	async close(): Promise<void> {
		const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
		this.#server.closeAllConnections();
		await closed;
		await rm(this.#options.path, { force: true });
	}

	async #serve(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
		const gone = new AbortController();
		response.on('close', () => gone.abort(new DOMException('the caller is gone', 'AbortError')));
		const began = performance.now();
		const { status, body } = await this.#answer(request, gone.signal).catch((error: unknown) => errorAnswer(error));
		const fields = { method: request.method, url: request.url, status, ms: Math.round(performance.now() - began) };
		if (status >= 500) this.#options.log.warn({ ...fields, answer: body }, 'a call of the compute service was not done');
		else this.#options.log.debug(fields, 'a call of the compute service');
		if (response.destroyed) return;
		response.writeHead(status, { 'content-type': 'application/json', connection: 'close' });
		response.end(`${JSON.stringify(body)}\n`);
	}

	async #answer(request: http.IncomingMessage, signal: AbortSignal): Promise<Answer> {
		const { calls } = this.#options;
		const { pathname, searchParams } = new URL(request.url ?? '/', 'http://agent');
		const [resource, id, kind, ...more] = pathname.slice(1).split('/').map(decoded);
		const look = AbortSignal.any([signal, AbortSignal.timeout(lookTimeout)]);
		if (more.length > 0 || (resource !== 'servers' && (resource !== 'host' || id !== undefined))) throw noSuchPath(pathname);
		const route = kind === undefined ? null : callRoute(kind);
		if (kind !== undefined && route === null) throw noSuchPath(pathname);
		const method = route === null ? 'GET' : 'PUT';
		if (request.method !== method) throw fail('method-not-allowed', `${pathname} is asked with ${method}.`, { headers: { allow: method } });
		if (resource === 'host') return { status: 200, body: await calls.host(look) };
		if (id === undefined) return { status: 200, body: { servers: await calls.servers(look) } };
		const serverId = checked(serverIdSchema, id, 'the id of the server');
		if (route === null) return { status: 200, body: { state: await calls.state(serverId, look) } };
		const timeout = seconds(searchParams.get('timeout') ?? `${route.timeout}`);
		await calls.call(route.read(serverId, await readBody(request)), timeout * 1000, signal);
		return { status: 200, body: {} };
	}
}

function decoded(part: string): string {
	try {
		return decodeURIComponent(part);
	} catch {
		return part;
	}
}

function seconds(text: string): number {
	const value = Number(text);
	if (!Number.isInteger(value) || value < 1 || value > longestWait)
		throw fail('invalid', `timeout: a whole number from 1 to ${longestWait} is wanted`);
	return value;
}

function noSuchPath(pathname: string): ZunboxError {
	return fail('not-found', `There is no ${pathname}.`);
}

function errorAnswer(error: unknown): Answer {
	const of = (status: number, code: string, message: string): Answer => ({ status, body: { error: { code, message } } });
	if (error instanceof ZunboxError) return of(error.status, error.code, error.message);
	if (error instanceof CallFailed) return error.late ? of(504, 'not-yet', error.message) : of(500, 'failed', error.message);
	if (error instanceof DOMException && error.name === 'TimeoutError') return of(504, 'not-yet', 'The host does not answer.');
	return of(500, 'failed', messageOf(error));
}

/** Throws when somebody serves a socket of this path, or when something else has the name. */
async function refuseIfServed(file: string): Promise<void> {
	const found = await lstat(file).catch(() => null);
	if (found === null) return;
	if (!found.isSocket()) throw new Error(`${file} is not a socket, and is in the way of the agent's.`);
	const { promise, resolve } = Promise.withResolvers<boolean>();
	const probe = net.connect({ path: file });
	probe.setTimeout(2000, () => resolve(true));
	probe.once('connect', () => resolve(true));
	probe.once('error', () => resolve(false));
	const served = await promise;
	probe.destroy();
	if (served) throw new Error(`Another process serves ${path.basename(file)} at ${path.dirname(file)}.`);
}
