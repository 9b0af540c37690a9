import type { FastifyReply, FastifyRequest } from 'fastify';
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

/** For a call to a host: aborted when the client is gone, the service stops or the deadline (ms) is over. */
export function hostSignal(request: FastifyRequest, context: RouteContext): AbortSignal {
	return AbortSignal.any([request.signal, context.stopping, AbortSignal.timeout(context.options.hostDeadline)]);
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
