import http from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request that went through. Times as of performance.now(). */
export interface SeenCall {
	readonly service: string;
	readonly method: string;
	/** With its query. */
	readonly path: string;
	readonly began: number;
	/** null = its answer has not come to its end yet. */
	ended: number | null;
}

/**
 * Stands before a service of the cloud, and notes every request for it. What is sent goes on as it is, its Host header
 * too: links in answers lead here again, so that nobody who came this way goes past it later.
 */
export class CountingProxy {
	readonly url: string;
	readonly #server: http.Server;

	private constructor(server: http.Server, port: number, path: string) {
		this.#server = server;
		this.url = `http://127.0.0.1:${port}${path}`;
	}

	/** `target` is the service's URL; each request is put into `seen`. */
	static async open(service: string, target: string, seen: SeenCall[]): Promise<CountingProxy> {
		const { hostname, port, pathname } = new URL(target);
		const server = http.createServer((request, response) => {
			const { method = 'GET', url: path = '/' } = request;
			const call: SeenCall = { service, method, path, began: performance.now(), ended: null };
			seen.push(call);
			const onward = http.request({ hostname, port, method, path, headers: request.headers, agent: false });
			onward.on('response', (answer) => {
				response.writeHead(answer.statusCode ?? 502, answer.headers);
				answer.pipe(response);
				answer.on('error', () => response.destroy());
			});
			onward.on('error', () => response.destroy());
			response.on('close', () => {
				call.ended = performance.now();
				onward.destroy();
			});
			request.pipe(onward);
		});
		server.keepAliveTimeout = 120_000;
		const { promise, resolve, reject } = Promise.withResolvers<void>();
		server.once('error', reject);
		server.listen(0, '127.0.0.1', resolve);
		await promise;
		return new CountingProxy(server, portOf(server.address()), pathname === '/' ? '' : pathname);
	}

	close(): void {
		this.#server.close();
		this.#server.closeAllConnections();
	}
}

function portOf(address: AddressInfo | string | null): number {
	if (address === null || typeof address === 'string') throw new Error('the proxy has no port');
	return address.port;
}
