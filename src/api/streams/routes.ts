import { Type } from 'typebox';
import { fail, messageOf, ZunboxError } from '../../model/errors.ts';
import { linkBase } from '../http/links.ts';
import { hostSignal, sendJson } from '../http/reply.ts';
import { responses } from '../http/responses.ts';
import { type Api, principalOf } from '../http/route.ts';
import type { RouteContext } from '../options.ts';
import { quantity, terminalLimits } from '../parse/quantity.ts';
import { IdParams, IntegerText, Nullable } from '../schemas.ts';
import type { Exec } from './execs.ts';

const Size = { h: IntegerText, w: IntegerText };
const ExecId = Type.String({ pattern: '^[0-9a-f]{64}$' });

/** What goes with a terminal: the link to it, its size, and how a command in it ended. */
export function streamRoutes(app: Api, context: RouteContext): void {
	const { options, terminals } = context;
	const { containers } = context.control;

	app.route({
		method: 'GET',
		url: '/v1/containers/:id/attach',
		config: { rule: 'container:attach' },
		schema: {
			summary: 'Link to a stream to the first process',
			description: 'A WebSocket link (subprotocol binary, binary messages both ways) that can be opened once, within a minute.',
			params: IdParams,
			response: responses({ 200: Type.String() }),
		},
		handler: async (request, reply) => {
			const { base } = linkBase(request, options.publicUrl, options.pathPrefix);
			return sendJson(reply, 200, await terminals.attach(principalOf(request), request.params.id, base));
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
			const resizing = containers.resize(principalOf(request), request.params.id, readSize(request.body), hostSignal(reply, context));
			await withoutConflicts(resizing);
			return sendJson(reply, 200, null);
		},
	});

	app.route({
		method: 'POST',
		url: '/v1/containers/:id/execute_resize',
		config: { rule: 'container:execute_resize', merge: true },
		schema: {
			summary: 'Size of the terminal of an interactive command',
			params: IdParams,
			body: Type.Object({ exec_id: ExecId, ...Size }, { additionalProperties: false }),
			response: responses({ 200: Type.Null() }),
		},
		handler: async (request, reply) => {
			await withoutConflicts(terminals.resize(principalOf(request), request.params.id, request.body.exec_id, readSize(request.body)));
			return sendJson(reply, 200, null);
		},
	});

	app.route({
		method: 'GET',
		url: '/v1/containers/:id/execs/:exec_id',
		config: { rule: 'container:get_exec' },
		schema: {
			summary: 'A command that was started with a stream, and its exit code: for an hour after its end',
			params: Type.Object({ ...IdParams.properties, exec_id: ExecId }),
			response: responses({
				200: Type.Object({ exec_id: Type.String(), status: Type.String(), exit_code: Nullable(Type.Integer()) }),
			}),
		},
		handler: async (request, reply) => {
			const { id, exec_id } = request.params;
			return sendJson(reply, 200, renderExec(await terminals.exec(principalOf(request), id, exec_id)));
		},
	});
}

function renderExec(exec: Exec): object {
	const time = (at: number | null) => (at === null ? null : new Date(at).toISOString());
	const status = { waiting: 'Waiting', running: 'Running', ended: 'Ended' }[exec.state];
	return {
		exec_id: exec.id,
		container_uuid: exec.containerId,
		command: exec.command,
		tty: exec.tty,
		status,
		exit_code: exec.exitCode,
		created_at: time(exec.createdAt),
		started_at: time(exec.startedAt),
		finished_at: time(exec.finishedAt),
	};
}

function readSize({ w, h }: { readonly w: number | string; readonly h: number | string }) {
	return { width: quantity('w', w, terminalLimits) ?? 80, height: quantity('h', h, terminalLimits) ?? 24 };
}

/**
 * The stock client resizes whenever its window does, also as the process ends, and takes any answer but success and 400
 * for the end of its session. So whatever is wrong with the process is 400 here; what is wrong with the caller stays.
 */
async function withoutConflicts(resizing: Promise<void>): Promise<void> {
	try {
		await resizing;
	} catch (error) {
		const aboutCaller = error instanceof ZunboxError && [400, 401, 403, 404].includes(error.status);
		const known = error instanceof ZunboxError || (error instanceof Error && error.name === 'DriverError');
		throw known && !aboutCaller ? fail('invalid', messageOf(error), { cause: error }) : error;
	}
}
