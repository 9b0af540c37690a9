import type { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import { fail } from '../../model/errors.ts';
import type { RouteContext, StreamCounter } from '../options.ts';

/** Answers with JSON; the value is written here, so no serializer is looked for. */
export function sendJson(reply: FastifyReply, status: number, value: unknown): FastifyReply {
	return reply.code(status).header('content-type', 'application/json').send(JSON.stringify(value));
}

/** Answers with JSON that is written already. */
export function sendRendered(reply: FastifyReply, json: string | Buffer): FastifyReply {
	return reply.code(200).header('content-type', 'application/json').send(json);
}

/**
 * Answers with a stream of which nothing may come for long: its status and headers go out at once, so that the client
 * and what stands between know that they were heard.
 */
export function sendStreamNow(reply: FastifyReply, stream: Readable): FastifyReply {
	reply.raw.once('pipe', () => reply.raw.flushHeaders());
	return reply.send(stream);
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

/** A transfer between a client and a host, which may take long as long as it moves. */
export interface Transfer {
	/** Aborted as that of `hostSignal`, but the deadline begins anew with every piece that moves. */
	readonly signal: AbortSignal;
	/** The pieces, as they are asked for. */
	watched(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array>;
}

export function transfer(reply: FastifyReply, context: RouteContext): Transfer {
	const stalled = new AbortController();
	const { hostDeadline } = context.options;
	const timer = setTimeout(() => {
		stalled.abort(new DOMException(`nothing moved for ${hostDeadline} ms`, 'TimeoutError'));
	}, hostDeadline);
	timer.unref();
	reply.raw.once('close', () => clearTimeout(timer));
	return {
		signal: AbortSignal.any([clientGone(reply), context.stopping, stalled.signal]),
		async *watched(pieces) {
			for await (const piece of pieces) {
				timer.refresh();
				yield piece;
			}
			timer.refresh();
		},
	};
}

/** Part of all places that one project may take. */
const projectShare = 1 / 4;

export function streamCounter(limit: number): StreamCounter {
	const projectLimit = Math.ceil(limit * projectShare);
	const open = new Map<string, number>();
	let all = 0;
	return {
		open(projectId) {
			const own = open.get(projectId) ?? 0;
			if (all >= limit || own >= projectLimit) {
				throw fail('too-many-requests', `The limit is ${projectLimit} streams at once for a project, and ${limit} in all.`, {
					headers: { 'retry-after': '5' },
				});
			}
			all += 1;
			open.set(projectId, own + 1);
			let closed = false;
			return () => {
				if (closed) return;
				closed = true;
				all -= 1;
				const left = (open.get(projectId) ?? 1) - 1;
				if (left === 0) open.delete(projectId);
				else open.set(projectId, left);
			};
		},
	};
}
