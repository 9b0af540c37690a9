import { Readable } from 'node:stream';
import { Type } from 'typebox';
import { fail } from '../../model/errors.ts';
import { defined } from '../http/defined.ts';
import { clientGone } from '../http/reply.ts';
import { responses } from '../http/responses.ts';
import { type Api, principalOf } from '../http/route.ts';
import type { RouteContext } from '../options.ts';
import { flag } from '../parse/flag.ts';
import { Flag, Reference } from '../schemas.ts';
import { eventFrames } from './frames.ts';

const Parameters = Type.Object(
	{
		sandbox: Type.Optional(Reference),
		container: Type.Optional(Reference),
		kind: Type.Optional(Type.String({ minLength: 1, maxLength: 64, description: 'Such as container.status, or its first part.' })),
		all_projects: Type.Optional(Flag),
		last_event_id: Type.Optional(Type.String({ description: 'As the header Last-Event-ID, which wins.' })),
	},
	{ additionalProperties: false },
);

/** Signs of life that may fail to get through before a stream is given up. */
const stalledAfter = 4;

/** `GET /v1/events`: every change as a server-sent event, from now on or from where the client stopped. */
export function eventRoutes(app: Api, context: RouteContext): void {
	app.route({
		method: 'GET',
		url: '/v1/events',
		config: { rule: 'event:watch' },
		schema: {
			summary: 'Watch events (text/event-stream)',
			description:
				'Resumes after the number in the header Last-Event-ID; without one only new events come. Lines that begin with a colon keep the connection alive.',
			querystring: Parameters,
			response: responses({ 200: Type.String({ description: 'text/event-stream' }) }),
		},
		handler: async (request, reply) => {
			const principal = principalOf(request);
			const { sandbox, container, kind } = request.query;
			const allProjects = flag(request.query.all_projects);
			if (allProjects) context.policy.enforce(principal, 'event:watch_all_projects');
			const after = eventNumber(request.headers['last-event-id'] ?? request.query.last_event_id);
			const close = context.streams.open(principalOf(request).projectId);
			const ended = new AbortController();
			const signal = AbortSignal.any([clientGone(reply), context.stopping, ended.signal]);
			const events = context.control.events.watch(principal, { after, allProjects, ...defined({ sandbox, container, kind }) }, signal);
			const stream = Readable.from(eventFrames(events, context.options.eventKeepAlive), { objectMode: false });
			// The source may sit waiting for the next event: its end is the abort, not the end of the stream.
			stream.once('close', () => {
				ended.abort();
				close();
			});
			// A client that stopped reading takes in no sign of life either.
			request.raw.socket.setTimeout(context.options.eventKeepAlive * stalledAfter, () => request.raw.socket.destroy());
			context.stopping.addEventListener('abort', () => stream.destroy(), { once: true, signal: ended.signal });
			return reply
				.headers({ 'content-type': 'text/event-stream', 'cache-control': 'no-store', connection: 'close', 'x-accel-buffering': 'no' })
				.send(stream);
		},
	});
}

function eventNumber(text: string | string[] | undefined): number | null {
	if (text === undefined || text === '') return null;
	if (typeof text === 'string' && /^\d{1,15}$/.test(text)) return Number(text);
	throw fail('invalid-value', 'Invalid Last-Event-ID: give the number of an event.');
}
