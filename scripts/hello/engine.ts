import http from 'node:http';
import { text as readText } from 'node:stream/consumers';

/** Has the local Docker Engine load an image from a tar. Throws an Error with the Engine's words. */
export async function loadImage(tar: Buffer): Promise<void> {
	const { promise, resolve, reject } = Promise.withResolvers<http.IncomingMessage>();
	const request = http.request({
		socketPath: '/var/run/docker.sock',
		path: '/images/load?quiet=1',
		method: 'POST',
		headers: { 'content-type': 'application/x-tar', 'content-length': tar.length },
		signal: AbortSignal.timeout(60_000),
	});
	request.on('response', resolve).on('error', reject).end(tar);
	const answer = await promise;
	const body = await readText(answer);
	/* A load that fails half way has begun with status 200: the error is a line of the body. */
	if (answer.statusCode !== 200 || body.includes('"error"')) throw new Error(`the Docker Engine did not load the image: ${body.trim()}`);
}
