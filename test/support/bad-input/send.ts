import http from 'node:http';
import type { OddRequest } from './requests.ts';
import type { WholeWorld } from './world.ts';

export interface OddAnswer {
	readonly status: number;
	readonly text: string;
}

/** ms within which everything is to be answered, on a machine that has other things to do. */
const deadline = 30_000;
/** Bytes of an answer that are looked at. */
const enough = 256 * 1024;

/**
 * Sends one request over the network. Fails when no answer comes in time. What goes on for ever (events, logs that are
 * followed) is left once it has begun.
 */
export function send(world: WholeWorld, agent: http.Agent, request: OddRequest): Promise<OddAnswer> {
	const { who, method, url, headers, payload } = request;
	const { hostname, port } = new URL(world.url);
	return new Promise((resolve, reject) => {
		const timer = setTimeout(() => {
			outgoing.destroy(new Error(`no answer within ${deadline} ms`));
		}, deadline);
		const outgoing = http.request(
			{
				agent,
				hostname,
				port,
				method,
				path: url,
				headers: {
					...(who === 'nobody' ? {} : { 'x-auth-token': world.tokens[who] }),
					...headers,
					...(payload === undefined ? {} : { 'content-length': String(Buffer.byteLength(payload)) }),
				},
			},
			(answer) => {
				const status = answer.statusCode ?? 0;
				const parts: Buffer[] = [];
				let size = 0;
				const done = (): void => {
					clearTimeout(timer);
					resolve({ status, text: Buffer.concat(parts).toString() });
				};
				answer.on('data', (part: Buffer) => {
					if (size < enough) parts.push(part);
					size += part.length;
				});
				answer.on('end', done);
				answer.on('error', (error) => {
					clearTimeout(timer);
					reject(error);
				});
				if (status === 200 && answer.headers.connection === 'close' && answer.headers['content-length'] === undefined) {
					done();
					answer.destroy();
				}
			},
		);
		outgoing.on('error', (error) => {
			clearTimeout(timer);
			reject(error);
		});
		outgoing.end(payload);
	});
}
