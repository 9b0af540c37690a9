import { Readable } from 'node:stream';
import { Type } from 'typebox';
import { fail } from '../../model/errors.ts';
import { clientGone, hostSignal, sendJson } from '../http/reply.ts';
import { responses } from '../http/responses.ts';
import { type Api, principalOf } from '../http/route.ts';
import type { RouteContext } from '../options.ts';
import { flag } from '../parse/flag.ts';
import { logTail, logTime } from '../parse/log-time.ts';
import { quantity, terminalLimits } from '../parse/quantity.ts';
import { shellWords } from '../parse/shell-words.ts';
import { given } from '../parse/text.ts';
import { Flag, IdParams, IntegerText, Nullable } from '../schemas.ts';
import { streamsNotServed } from '../streams/streams.ts';
import { bytesOf, collectText } from './output.ts';

const Size = { h: IntegerText, w: IntegerText };

/** Calls that the host answers while the caller waits. */
export function hostRoutes(app: Api, context: RouteContext): void {
	const { options } = context;
	const { containers } = context.control;

	app.route({
		method: 'GET',
		url: '/v1/containers/:id/logs',
		config: { rule: 'container:logs' },
		schema: {
			summary: 'What the container wrote: one JSON string, or with follow=true a text stream that goes on',
			params: IdParams,
			querystring: Type.Object(
				{
					stdout: Type.Optional(Flag),
					stderr: Type.Optional(Flag),
					timestamps: Type.Optional(Flag),
					tail: Type.Optional(Type.String({ description: 'Lines from the end, or all.' })),
					since: Type.Optional(Type.String({ description: 'Seconds since 1970, or YYYY-MM-DD HH:MM:SS,mmm.' })),
					follow: Type.Optional(Flag),
				},
				{ additionalProperties: false },
			),
			response: responses({ 200: Type.String() }),
		},
		handler: async (request, reply) => {
			const { query } = request;
			const follow = flag(query.follow);
			const logRequest = {
				stdout: flag(query.stdout, true),
				stderr: flag(query.stderr, true),
				timestamps: flag(query.timestamps),
				tail: logTail(query.tail),
				since: logTime(query.since),
				follow,
			};
			if (!follow) {
				const chunks = await containers.logs(principalOf(request), request.params.id, logRequest, hostSignal(reply, context));
				return sendJson(reply, 200, await collectText(chunks, options.logLimit));
			}
			const close = context.streams.open(principalOf(request).projectId);
			try {
				const signal = AbortSignal.any([clientGone(reply), context.stopping]);
				const chunks = await containers.logs(principalOf(request), request.params.id, logRequest, signal);
				return reply
					.headers({ 'content-type': 'text/plain; charset=utf-8', connection: 'close' })
					.send(Readable.from(bytesOf(chunks, close), { objectMode: false }));
			} catch (error) {
				close();
				throw error;
			}
		},
	});

	app.route({
		method: 'GET',
		url: '/v1/containers/:id/top',
		config: { rule: 'container:top' },
		schema: {
			summary: 'Processes in the container',
			params: IdParams,
			querystring: Type.Object(
				{ ps_args: Type.Optional(Type.String({ maxLength: 255, pattern: '^[a-zA-Z- ,+]*$' })) },
				{ additionalProperties: false },
			),
			response: responses({ 200: Type.Object({ Titles: Type.Array(Type.String()), Processes: Type.Array(Type.Array(Type.String())) }) }),
		},
		handler: async (request, reply) => {
			const table = await containers.top(principalOf(request), request.params.id, given(request.query.ps_args), hostSignal(reply, context));
			return sendJson(reply, 200, { Titles: table.titles, Processes: table.processes });
		},
	});

	app.route({
		method: 'GET',
		url: '/v1/containers/:id/stats',
		config: { rule: 'container:stats' },
		schema: {
			summary: 'What the container uses; CPU is a rate, 100 = one core',
			params: IdParams,
			response: responses({ 200: Type.Object({ CONTAINER: Type.String(), 'CPU %': Type.Number(), 'MEM %': Type.Number() }) }),
		},
		handler: async (request, reply) => {
			const view = await containers.show(principalOf(request), request.params.id);
			const stats = await containers.stats(principalOf(request), view.id, hostSignal(reply, context));
			const mib = 1024 * 1024;
			return sendJson(reply, 200, {
				CONTAINER: view.name,
				'CPU %': stats.cpuPercent,
				'MEM USAGE(MiB)': stats.memoryUsed / mib,
				'MEM LIMIT(MiB)': stats.memoryLimit / mib,
				'MEM %': stats.memoryLimit === 0 ? 0 : (stats.memoryUsed / stats.memoryLimit) * 100,
				'BLOCK I/O(B)': `${stats.blockRead}/${stats.blockWritten}`,
				'NET I/O(B)': `${stats.networkReceived}/${stats.networkSent}`,
				PIDS: stats.pids,
			});
		},
	});

	app.route({
		method: 'POST',
		url: '/v1/containers/:id/execute',
		config: { rule: 'container:execute', merge: true },
		schema: {
			summary: 'Run a command in the container',
			params: IdParams,
			body: Type.Object(
				{
					command: Type.String({ minLength: 1, maxLength: 131_072, description: 'A command line; quotes keep words together.' }),
					run: Type.Optional(Flag),
					interactive: Type.Optional(Flag),
				},
				{ additionalProperties: false },
			),
			response: responses({
				200: Type.Object({
					output: Nullable(Type.String()),
					exit_code: Nullable(Type.Integer()),
					exec_id: Nullable(Type.String()),
					proxy_url: Nullable(Type.String()),
				}),
			}),
		},
		handler: async (request, reply) => {
			const words = shellWords(request.body.command);
			if (words.length === 0) throw fail('schema-validation-error', `Invalid input for field 'command'. It must hold a word.`);
			if (!flag(request.body.run, true) || flag(request.body.interactive)) return streamsNotServed('Interactive execution');
			const result = await containers.execute(principalOf(request), request.params.id, words, hostSignal(reply, context));
			const output = Buffer.from(result.output).toString('utf8');
			return sendJson(reply, 200, { output, exit_code: result.exitCode, exec_id: null, proxy_url: null });
		},
	});

	app.route({
		method: 'POST',
		url: '/v1/containers/:id/execute_resize',
		config: { rule: 'container:execute_resize', merge: true },
		schema: {
			summary: 'Size of the terminal of an interactive command',
			params: IdParams,
			body: Type.Object({ exec_id: Type.String({ pattern: '^[0-9a-f]{64}$' }), ...Size }, { additionalProperties: false }),
			response: responses({ 200: Type.Null() }),
		},
		handler: () => streamsNotServed('Interactive execution'),
	});

	app.route({
		method: 'GET',
		url: '/v1/containers/:id/attach',
		config: { rule: 'container:attach' },
		schema: { summary: 'Link to a stream to the first process', params: IdParams, response: responses({ 200: Type.String() }) },
		handler: async (request) => {
			const view = await containers.show(principalOf(request), request.params.id);
			if (!view.interactive) throw fail('no-interactive-flag', `Container ${view.id} is not in interactive mode`);
			return streamsNotServed('Attaching');
		},
	});

	app.route({
		method: 'POST',
		url: '/v1/containers/:id/resize',
		config: { rule: 'container:resize', merge: true },
		schema: {
			summary: 'Size of the terminal of the first process',
			params: IdParams,
			body: Type.Object(Size, { additionalProperties: false }),
			response: responses({ 200: Type.Null() }),
		},
		handler: async (request, reply) => {
			const width = quantity('w', request.body.w, terminalLimits) ?? 80;
			const height = quantity('h', request.body.h, terminalLimits) ?? 24;
			await containers.resize(principalOf(request), request.params.id, { width, height }, hostSignal(reply, context));
			return sendJson(reply, 200, null);
		},
	});
}
