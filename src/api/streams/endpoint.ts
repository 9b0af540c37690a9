import type { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { fail } from '../../model/errors.ts';
import { normalizeUrl } from '../http/paths.ts';
import type { Api } from '../http/route.ts';
import { answerOnSocket } from '../http/socket-answer.ts';
import type { ApiOptions } from '../options.ts';
import { readStreamLink, streamPath } from './link.ts';
import { isOriginAllowed } from './origin.ts';
import type { Terminals } from './terminals.ts';

/** The one subprotocol that is spoken: bytes as they are. */
const subprotocol = 'binary';
/** ms of silence after which the system looks whether the client's machine is still there. Never a ping: see runSession. */
const keepAlive = 30_000;

/** Whether a request that asks to change the protocol is one for a stream; any other is served as if it had not asked. */
export function isStreamUpgrade(request: IncomingMessage, pathPrefix: string): boolean {
	return request.headers.upgrade?.toLowerCase() === 'websocket' && pathOf(request, pathPrefix) === streamPath;
}

/** Serves the WebSocket of all streams on the API's own port. The link's token is the credential: no other is asked for. */
export function installStreamEndpoint(app: Api, terminals: Terminals, options: ApiOptions): void {
	const server = new WebSocketServer({
		noServer: true,
		clientTracking: false,
		perMessageDeflate: false,
		maxPayload: options.streamMessageLimit,
		handleProtocols: (offered) => (offered.has(subprotocol) ? subprotocol : false),
	});
	app.server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
		socket.on('error', () => socket.destroy());
		try {
			if (!isStreamUpgrade(request, options.pathPrefix)) throw fail('not-found', 'The resource could not be found.');
			checkOrigin(request, options);
			checkSubprotocol(request);
			const address = readStreamLink((request.url ?? '').split('?')[1] ?? '');
			if (address === null)
				throw fail('invalid-value', 'A stream needs the link that attach or execute answered, with its token and uuid.');
			const { grant, giveBack } = terminals.redeem(address);
			socket.once('close', giveBack);
			if (socket instanceof Socket) socket.setKeepAlive(true, keepAlive);
			server.handleUpgrade(request, socket, head, (client) => void terminals.serve(client, grant));
		} catch (error) {
			app.log.debug({ path: streamPath, error }, 'stream refused');
			answerOnSocket(socket, error);
		}
	});
}

function pathOf(request: IncomingMessage, pathPrefix: string): string {
	return normalizeUrl(request.url ?? '/', pathPrefix).split('?')[0] ?? '';
}

function checkOrigin(request: IncomingMessage, options: ApiOptions): void {
	const { origin, host = '' } = request.headers;
	const forwarded = (name: string): string | undefined => {
		const value = options.trustProxy ? request.headers[name] : undefined;
		return typeof value === 'string' ? value.split(',')[0]?.trim() : undefined;
	};
	const publicUrl = options.publicUrl === null ? null : new URL(options.publicUrl);
	const ownHosts = [host, forwarded('x-forwarded-host') ?? '', publicUrl?.host ?? ''].filter((name) => name !== '');
	const secure = publicUrl === null ? forwarded('x-forwarded-proto') === 'https' : publicUrl.protocol === 'https:';
	if (isOriginAllowed({ origin, ownHosts, secure, allowed: options.corsOrigins })) return;
	throw fail('policy-not-authorized', 'Pages of this origin may not open streams; the setting api.corsOrigins can allow it.');
}

function checkSubprotocol(request: IncomingMessage): void {
	const offered = request.headers['sec-websocket-protocol'];
	if (offered === undefined || offered.split(',').some((name) => name.trim() === subprotocol)) return;
	throw fail('invalid-value', `Streams speak the subprotocol ${subprotocol}.`);
}
