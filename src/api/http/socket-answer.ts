import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { renderError } from '../errors.ts';

/** Answers an error as the API does, on a connection that has no reply object, and ends the connection. */
export function answerOnSocket(socket: Duplex, error: unknown): void {
	const { status, headers, body } = renderError(error, { form: 'zun', requestId: '', authUrl: '', helpUrl: '' });
	const text = JSON.stringify(body);
	const fields = { ...headers, 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(text)), connection: 'close' };
	const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
	socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Error'}\r\n${lines.join('')}\r\n${text}`, () => socket.destroy());
}
