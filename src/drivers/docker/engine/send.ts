import http from 'node:http';
import { type Duplex, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { DriverError } from '../../driver.ts';
import type { EngineRequest } from './engine-client.ts';

/** One request on its way: no retries, no meaning of statuses. */
export interface Sent {
	readonly request: EngineRequest;
	/** With version and query. */
	readonly path: string;
	readonly socketPath: string;
	/** false = a connection of its own. */
	readonly agent: http.Agent | false;
}

export interface Answer {
	readonly status: number;
	readonly headers: http.IncomingHttpHeaders;
	readonly body: AsyncIterable<Uint8Array>;
	/** Ends the deadline: from here on only the signal ends the answer. */
	disarm(): void;
}

/** Sends and waits for the head of the answer. After `timeout` ms the request is given up, also while its body comes. */
export function sendOnce(sent: Sent, timeout: number): Promise<Answer> {
	return new Promise((resolve, reject) => {
		const { outgoing, disarm } = start(sent, timeout, {}, reject);
		outgoing.on('response', (incoming) => {
			incoming.once('close', disarm);
			resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: incoming, disarm });
		});
		write(sent.request, outgoing, reject);
	});
}

/** Sends and waits until the engine has handed the connection over; an error comes as an ordinary answer. */
export function hijackOnce(
	sent: Sent,
	timeout: number,
): Promise<{ readonly socket: Duplex } | { readonly socket: null; readonly answer: Answer }> {
	return new Promise((resolve, reject) => {
		const { outgoing, disarm } = start(sent, timeout, { Connection: 'Upgrade', Upgrade: 'tcp' }, reject);
		outgoing.on('response', (incoming) => {
			incoming.once('close', disarm);
			resolve({ socket: null, answer: { status: incoming.statusCode ?? 0, headers: incoming.headers, body: incoming, disarm } });
		});
		outgoing.on('upgrade', (_response, socket: Duplex, head) => {
			disarm();
			if (head.length > 0) socket.unshift(head);
			const end = (): void => void socket.destroy();
			sent.request.signal.addEventListener('abort', end, { once: true });
			socket.once('close', () => sent.request.signal.removeEventListener('abort', end));
			resolve({ socket });
		});
		write(sent.request, outgoing, reject);
	});
}

export async function readAll(answer: Answer): Promise<Buffer> {
	const chunks: Uint8Array[] = [];
	for await (const chunk of answer.body) chunks.push(chunk);
	return Buffer.concat(chunks);
}

interface Started {
	readonly outgoing: http.ClientRequest;
	disarm(): void;
}

function start(sent: Sent, timeout: number, extra: Record<string, string>, reject: (cause: unknown) => void): Started {
	const { request } = sent;
	const outgoing = http.request({
		socketPath: sent.socketPath,
		path: sent.path,
		method: request.method,
		agent: sent.agent,
		headers: { Host: 'docker', ...request.headers, ...extra },
		signal: request.signal,
	});
	let incoming: http.IncomingMessage | null = null;
	const timer = setTimeout(() => {
		const late = new DriverError('timeout', `the Docker Engine did not answer ${request.method} ${request.path} within ${timeout} ms`);
		// Once there is an answer, its reader must see the reason, not a broken connection.
		incoming?.destroy(late);
		outgoing.destroy(late);
	}, timeout);
	const disarm = (): void => clearTimeout(timer);
	outgoing.on('response', (answer) => {
		incoming = answer;
	});
	outgoing.on('error', (cause) => {
		disarm();
		reject(cause);
	});
	return { outgoing, disarm };
}

function write(request: EngineRequest, outgoing: http.ClientRequest, reject: (cause: unknown) => void): void {
	if (request.tar !== undefined) {
		writeTar(telling(request.tar, reject), outgoing);
		return;
	}
	if (request.body === undefined) {
		outgoing.end();
		return;
	}
	const bytes = Buffer.from(JSON.stringify(request.body));
	outgoing.setHeader('Content-Type', 'application/json');
	outgoing.setHeader('Content-Length', bytes.length);
	outgoing.end(bytes);
}

/**
 * Sends the tar only once the engine reads it. An engine that refuses answers without reading and closes; a sender
 * that is in the middle of writing then sees a broken pipe and never the reason.
 */
function writeTar(tar: AsyncIterable<Uint8Array>, outgoing: http.ClientRequest): void {
	let wanted = false;
	outgoing.setHeader('Content-Type', 'application/x-tar');
	outgoing.setHeader('Expect', '100-continue');
	outgoing.on('continue', () => {
		wanted = true;
		// Its failures are reported where they happen: by the source, by the request or by the answer.
		pipeline(Readable.from(tar, { objectMode: false }), outgoing).catch(() => undefined);
	});
	outgoing.on('response', (incoming) => {
		if (!wanted) incoming.once('end', () => outgoing.destroy());
	});
	outgoing.flushHeaders();
}

/** Tells of a failure of the source before the request breaks for it, which would hide the reason. */
async function* telling(source: AsyncIterable<Uint8Array>, tell: (cause: unknown) => void): AsyncGenerator<Uint8Array, void, undefined> {
	try {
		yield* source;
	} catch (cause) {
		tell(cause);
		throw cause;
	}
}
