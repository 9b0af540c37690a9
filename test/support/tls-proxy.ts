import http from 'node:http';
import https from 'node:https';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { type Certificate, selfSigned } from './certificate.ts';

/** What usually stands in front of a service: it ends TLS, says so in headers, and hands on requests and WebSockets. */
export class TlsProxy {
	readonly certificate: Certificate = selfSigned();
	/** Requests and WebSockets that went through it, by their path. */
	readonly seen: string[] = [];
	/** Where the service is: known once it listens. */
	target = '';
	readonly #server = https.createServer({ cert: this.certificate.cert, key: this.certificate.key });
	readonly #sockets = new Set<Duplex>();

	static async start(): Promise<TlsProxy> {
		const proxy = new TlsProxy();
		await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
		return proxy;
	}

	constructor() {
		this.#server.on('request', (request, response) => this.#forward(request, response));
		this.#server.on('upgrade', (request: http.IncomingMessage, socket: Duplex, head: Buffer) => this.#upgrade(request, socket, head));
	}

	/** As clients see it. */
	get url(): string {
		const address = this.#server.address();
		if (typeof address !== 'object' || address === null) throw new Error('the proxy does not listen');
		return `https://localhost:${address.port}`;
	}

	async close(): Promise<void> {
		for (const socket of this.#sockets) socket.destroy();
		this.#server.closeAllConnections();
		await new Promise((resolve) => this.#server.close(resolve));
	}

	#forward(request: http.IncomingMessage, response: http.ServerResponse): void {
		this.seen.push(`${request.method} ${request.url?.split('?')[0]}`);
		const { hostname, port } = new URL(this.target);
		const onward = http.request(
			{ hostname, port, method: request.method, path: request.url, headers: this.#headers(request), agent: false },
			(answer) => {
				response.writeHead(answer.statusCode ?? 502, answer.headers);
				answer.pipe(response);
			},
		);
		onward.on('error', () => response.destroy());
		request.pipe(onward);
	}

	#upgrade(request: http.IncomingMessage, socket: Duplex, head: Buffer): void {
		this.seen.push(`${request.method} ${request.url?.split('?')[0]}`);
		const { hostname, port } = new URL(this.target);
		const onward = connect(Number(port), hostname, () => {
			const fields = Object.entries(this.#headers(request)).map(([name, value]) => `${name}: ${value}\r\n`);
			onward.write(`${request.method} ${request.url} HTTP/1.1\r\n${fields.join('')}\r\n`);
			onward.write(head);
			onward.pipe(socket).pipe(onward);
		});
		for (const [one, other] of [
			[socket, onward],
			[onward, socket],
		] as const) {
			this.#sockets.add(one);
			one.on('error', () => other.destroy());
			one.on('close', () => {
				this.#sockets.delete(one);
				other.destroy();
			});
		}
	}

	/** The service behind hears its own address as the host; where the client went to is in headers of their own. */
	#headers(request: http.IncomingMessage): http.OutgoingHttpHeaders {
		const forwarded = { 'x-forwarded-proto': 'https', 'x-forwarded-host': request.headers.host, 'x-forwarded-for': '192.0.2.7' };
		return { ...request.headers, host: new URL(this.target).host, ...forwarded };
	}
}
