import type { ClientRequest, IncomingMessage, RequestOptions } from 'node:http';
import { CliError, exitCodes } from '../exit-code.ts';

export interface HttpRequest {
	readonly method: string;
	readonly url: string;
	readonly headers?: Readonly<Record<string, string>>;
	/** Sent as JSON. */
	readonly body?: unknown;
	readonly signal: AbortSignal;
	/** ms that the answer may take to begin. */
	readonly timeout: number;
	/** File with the certificates (PEM) that the service's own is checked with; missing = those that the machine trusts. */
	readonly caFile?: string | null;
}

/** Sends a request; answers when the answer begins. Throws a CliError when nobody answers. */
export function send(request: HttpRequest): Promise<IncomingMessage> {
	const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
	const payload = request.body === undefined ? undefined : JSON.stringify(request.body);
	const url = new URL(request.url);
	const call = requester(url)(
		url,
		{
			method: request.method,
			agent: false,
			signal: request.signal,
			...(request.caFile == null || url.protocol !== 'https:' ? {} : { ca: readAuthority(request.caFile) }),
			headers: {
				accept: 'application/json',
				...(payload === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) }),
				...request.headers,
			},
		},
		resolve,
	);
	const timer = setTimeout(() => call.destroy(new Error(`no answer in ${request.timeout / 1000} s`)), request.timeout);
	call.once('response', () => clearTimeout(timer));
	call.once('error', (error) => {
		clearTimeout(timer);
		reject(request.signal.aborted ? error : noAnswer(url, error));
	});
	call.end(payload);
	return promise;
}

/** Certificates in a file that the user named. */
export function readAuthority(file: string): string {
	try {
		return process.getBuiltinModule('node:fs').readFileSync(file, 'utf8');
	} catch (error) {
		throw new CliError(`the certificates in ${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
	}
}

type Requester = (
	url: URL,
	options: RequestOptions & { readonly ca?: string },
	onAnswer: (answer: IncomingMessage) => void,
) => ClientRequest;

/**
 * Not `import 'node:http'`: for that all its exports are looked at, one of which loads a whole fetch implementation,
 * and that takes longer than everything else a command does.
 */
function requester(url: URL): Requester {
	return url.protocol === 'https:' ? process.getBuiltinModule('node:https').request : process.getBuiltinModule('node:http').request;
}

/** The whole text of an answer. */
export async function readText(answer: IncomingMessage): Promise<string> {
	const chunks: Uint8Array[] = [];
	for await (const chunk of answer) chunks.push(chunk);
	return Buffer.concat(chunks).toString('utf8');
}

function noAnswer(url: URL, error: Error): CliError {
	const isLocal = /^(localhost|127\.|\[::1\])/.test(url.hostname);
	const refused = 'code' in error && (error.code === 'ECONNREFUSED' || error.code === 'ECONNRESET');
	const why = isLocal && refused ? '' : ` (${error.message})`;
	const advice = isLocal ? 'start it with npm start or zunbox serve' : 'check the address and the network, or see OS_AUTH_URL';
	return new CliError(`the service at ${url.origin} does not answer${why}; ${advice}`, exitCodes.noService, { cause: error });
}
