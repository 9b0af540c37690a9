import { Readable } from 'node:stream';
import { Type } from 'typebox';
import { fail } from '../../model/errors.ts';
import { linkBase } from '../http/links.ts';
import { clientGone, hostSignal, sendJson, sendStreamNow } from '../http/reply.ts';
import { responses } from '../http/responses.ts';
import { type Api, principalOf } from '../http/route.ts';
import type { RouteContext } from '../options.ts';
import { flag } from '../parse/flag.ts';
import { logTail, logTime } from '../parse/log-time.ts';
import { shellWords } from '../parse/shell-words.ts';
import { given } from '../parse/text.ts';
import { Flag, IdParams, Nullable } from '../schemas.ts';
import { bytesOf, collectText } from './output.ts';

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
				reply.headers({ 'content-type': 'text/plain; charset=utf-8', connection: 'close' });
				return sendStreamNow(reply, Readable.from(bytesOf(chunks, close), { objectMode: false }));
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
			description:
				'With run=true to its end. With run=false the answer is a WebSocket link, and the command starts when it is opened: in a terminal when interactive.',
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
			if (!flag(request.body.run, true)) {
				const { base } = linkBase(request, options.publicUrl, options.pathPrefix);
				const tty = flag(request.body.interactive);
				const { exec, link } = await context.terminals.execute(principalOf(request), request.params.id, words, tty, base);
				return sendJson(reply, 200, { output: null, exit_code: null, exec_id: exec.id, proxy_url: link });
			}
			const result = await containers.execute(principalOf(request), request.params.id, words, hostSignal(reply, context));
			const output = Buffer.from(result.output).toString('utf8');
			return sendJson(reply, 200, { output, exit_code: result.exitCode, exec_id: null, proxy_url: null });
		},
	});
}
