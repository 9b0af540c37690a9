import type { FastifyReply } from 'fastify';
import { fail } from '../../model/errors.ts';
import type { RouteContext, StreamCounter } from '../options.ts';

/** Answers with JSON; the value is written here, so no serializer is looked for. */
export function sendJson(reply: FastifyReply, status: number, value: unknown): FastifyReply {
	return reply.code(status).header('content-type', 'application/json').send(JSON.stringify(value));
}

/** Zun's answer to an action that was taken on: 202 and `null`. */
export function accepted(reply: FastifyReply): FastifyReply {
	return sendJson(reply, 202, null);
}

/**
 * Aborted when the client goes before its answer is complete. Not `request.signal`: that one follows the request's
 * stream, which also closes when its body has been read.
 */
export function clientGone(reply: FastifyReply): AbortSignal {
	const gone = new AbortController();
	reply.raw.once('close', () => {
		if (!reply.raw.writableFinished) gone.abort(new DOMException('the client is gone', 'AbortError'));
	});
	return gone.signal;
}

/** For a call to a host: aborted when the client is gone, the service stops or the deadline (ms) is over. */
export function hostSignal(reply: FastifyReply, context: RouteContext): AbortSignal {
	return AbortSignal.any([clientGone(reply), context.stopping, AbortSignal.timeout(context.options.hostDeadline)]);
}

export function streamCounter(limit: number): StreamCounter {
	let open = 0;
	return {
		open() {
			if (open >= limit) throw fail('too-many-requests', `The limit is ${limit} streams at once.`, { headers: { 'retry-after': '5' } });
			open += 1;
			let closed = false;
			return () => {
				if (!closed) open -= 1;
				closed = true;
			};
		},
	};
}
