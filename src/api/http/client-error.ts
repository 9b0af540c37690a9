import { maxHeaderSize } from 'node:http';
import type { Duplex } from 'node:stream';
import { fail, type ZunboxError } from '../../model/errors.ts';
import { answerOnSocket } from './socket-answer.ts';

/** Answers what came on a connection and is no request, in the form of other errors, and ends the connection. */
export function answerClientError(error: Error & { readonly code?: string }, socket: Duplex): void {
	if (error.code === 'ECONNRESET' || socket.destroyed) return;
	// Between two answers only: in the middle of one, more text would become a part of it.
	if (socket.writable && !answering(socket)) answerOnSocket(socket, problemOf(error.code));
	else socket.destroy();
}

function problemOf(code: string | undefined): ZunboxError {
	switch (code) {
		case 'HPE_HEADER_OVERFLOW':
			return fail('headers-too-large', `The request's line and headers are larger than the limit of ${maxHeaderSize} bytes.`);
		case 'ERR_HTTP_REQUEST_TIMEOUT':
			return fail('request-timeout', 'The request did not come in time.');
		default:
			return fail('invalid-value', 'What was sent is not an HTTP request.');
	}
}

/** Whether Node has an answer under way on the connection. */
function answering(socket: Duplex): boolean {
	const message: unknown = Reflect.get(socket, '_httpMessage');
	return typeof message === 'object' && message !== null && Reflect.get(message, 'headersSent') === true;
}
