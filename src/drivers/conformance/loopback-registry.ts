import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { hostArchitecture, makeImageArchive } from '../images/image-archive.ts';
import { readTar, tarEntry } from '../tar.ts';

/**
 * A registry that holds one image, for reading only: the least of the OCI distribution protocol that a pull needs.
 * Engines take a registry on 127.0.0.1 without TLS.
 */
export class LoopbackRegistry {
	/** References that can and cannot be pulled. */
	readonly present: string;
	readonly missing: string;
	readonly #server: Server;

	private constructor(server: Server, host: string) {
		this.#server = server;
		this.present = `${host}/conformance/image:latest`;
		this.missing = `${host}/conformance/no-such-image:latest`;
	}

	/** With credentials, who does not show them gets nothing. */
	static async start(credentials?: { readonly username: string; readonly password: string }): Promise<LoopbackRegistry> {
		const wanted = credentials && `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64')}`;
		// Random bytes: no engine has the layer already, and no part of it is small enough to go unseen.
		const { tar } = makeImageArchive(
			{
				architecture: hostArchitecture(),
				files: [tarEntry('random', { bytes: randomBytes(300_000) })],
				entrypoint: null,
				command: ['/random'],
				environment: [],
				labels: {},
			},
			'conformance/image:latest',
		);
		const files = new Map(readTar(tar).map(({ path, bytes }) => [path, bytes]));
		const manifest = manifestDigest(files.get('index.json'));
		const server = createServer((request, response) => {
			const [, name, kind, asked] = /^\/v2\/(.+)\/(manifests|blobs)\/([^/]+)$/.exec(request.url ?? '') ?? [];
			const digest = asked === 'latest' ? manifest : (asked ?? '');
			const blob = name === 'conformance/image' ? files.get(`blobs/${digest.replace(':', '/')}`) : undefined;
			response.setHeader('Docker-Distribution-API-Version', 'registry/2.0');
			if (wanted !== undefined && request.headers.authorization !== wanted) {
				response.writeHead(401, { 'Content-Type': 'application/json', 'WWW-Authenticate': 'Basic realm="conformance"' });
				response.end(JSON.stringify({ errors: [{ code: 'UNAUTHORIZED', message: 'authentication required' }] }));
			} else if (/^\/v2\/?$/.test(request.url ?? '')) response.end('{}');
			else if (blob === undefined) {
				response.writeHead(404, { 'Content-Type': 'application/json' });
				response.end(
					JSON.stringify({ errors: [{ code: kind === 'manifests' ? 'MANIFEST_UNKNOWN' : 'NAME_UNKNOWN', message: 'unknown' }] }),
				);
			} else {
				const type = kind === 'manifests' ? 'application/vnd.oci.image.manifest.v1+json' : 'application/octet-stream';
				response.writeHead(200, { 'Content-Type': type, 'Content-Length': blob.length, 'Docker-Content-Digest': digest });
				response.end(request.method === 'HEAD' ? undefined : blob);
			}
		});
		await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
		const address = server.address();
		assert(typeof address === 'object' && address !== null);
		return new LoopbackRegistry(server, `127.0.0.1:${address.port}`);
	}

	async close(): Promise<void> {
		this.#server.closeAllConnections();
		await new Promise((resolve) => this.#server.close(resolve));
	}
}

function manifestDigest(index: Uint8Array | undefined): string {
	const { manifests }: { manifests: readonly { digest: string }[] } = JSON.parse(Buffer.from(index ?? []).toString());
	const [first] = manifests;
	assert(first !== undefined);
	return first.digest;
}
