import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { Type } from 'typebox';
import { fail } from '../../model/errors.ts';
import { checkContainerAction } from '../../model/transitions.ts';
import { type PutArchive, type ReceiveOptions, receivePut, tooLarge } from '../archives/receive.ts';
import { mergeParameters } from '../http/body.ts';
import { hostSignal, sendJson, streamCounter, transfer } from '../http/reply.ts';
import { responses } from '../http/responses.ts';
import { type Api, principalOf, type TypeboxProvider } from '../http/route.ts';
import { compileSchema } from '../http/validate.ts';
import type { RouteContext } from '../options.ts';
import { given } from '../parse/text.ts';
import { IdParams, Nullable } from '../schemas.ts';
import { archiveJson, begun } from './output.ts';

/** Archives that are put at the same time; a project may have a quarter of the places. Each may take its size on the disk. */
const putsAtOnce = 8;

/** From this version archives are base64. */
const base64From = 25;

const Path = Type.String({ minLength: 1, maxLength: 4096, description: 'Path in the container.' });

/** Files in and out of a container, and images made of it. */
export function archiveRoutes(app: Api, context: RouteContext): void {
	const { archiveLimit } = context.options;
	const { containers } = context.control;

	app.route({
		method: 'GET',
		url: '/v1/containers/:id/get_archive',
		config: { rule: 'container:get_archive' },
		schema: {
			summary: 'A tar of a path: base64 from version 1.25',
			params: IdParams,
			querystring: Type.Object({ path: Path }),
			response: responses({ 200: Type.Object({ data: Type.String(), stat: Type.Object({}) }) }),
		},
		handler: async (request, reply) => {
			const refused = new AbortController();
			const { signal: going, watched } = transfer(reply, context);
			const signal = AbortSignal.any([going, refused.signal]);
			const archive = await containers.getArchive(principalOf(request), request.params.id, request.query.path, signal);
			if (archive.stat.size > archiveLimit) {
				// A file says its size before its bytes come. The host need not go on sending them.
				refused.abort();
				throw tooLarge(archiveLimit);
			}
			const json = await begun(archiveJson({ ...archive, tar: watched(archive.tar) }, request.microversion >= base64From, archiveLimit));
			return reply.header('content-type', 'application/json').send(Readable.from(json, { objectMode: false }));
		},
	});

	app.register(async (scope) => putRoute(scope.withTypeProvider<TypeboxProvider>(), context));

	app.route({
		method: 'POST',
		url: '/v1/containers/:id/commit',
		config: { rule: 'container:commit', merge: true },
		schema: {
			summary: 'Make an image of the container',
			params: IdParams,
			body: Type.Object(
				{ repository: Type.String({ minLength: 1, maxLength: 255 }), tag: Type.Optional(Nullable(Type.String({ maxLength: 128 }))) },
				{ additionalProperties: false },
			),
			response: responses({ 202: Type.Object({ uuid: Type.String() }) }),
		},
		handler: async (request, reply) => {
			const { repository, tag } = request.body;
			await context.registries.checkImage(principalOf(request), repository);
			const uuid = await containers.commit(
				principalOf(request),
				request.params.id,
				repository,
				given(tag) ?? 'latest',
				hostSignal(reply, context),
			);
			return sendJson(reply, 202, { uuid });
		},
	});
}

/** In a scope of its own: the body is left unread, for it is handed on while it comes. */
function putRoute(app: Api, context: RouteContext): void {
	const { archiveLimit, archivePatience, spoolDirectory } = context.options;
	const { containers } = context.control;
	const puts = streamCounter(putsAtOnce);
	const Body = Type.Object({ path: Path, data: Type.String() });
	const checkPath = compileSchema(Type.Object({ path: Path }), 'body');
	app.removeAllContentTypeParsers();
	app.addContentTypeParser('*', (_request, _payload, done) => done(null, undefined));

	app.route({
		method: 'POST',
		url: '/v1/containers/:id/put_archive',
		config: { rule: 'container:put_archive', merge: true },
		// What waits for a place takes no memory.
		preParsing: async (request, reply) => {
			const close = puts.open(principalOf(request).projectId);
			reply.raw.once('close', close);
		},
		schema: {
			summary: 'Unpack a tar into a folder: base64 from version 1.25',
			description:
				'The whole archive is received and looked at before any of it is unpacked. Refused are archives that are compressed, hold sparse files, or have names or hard links that lead out of the folder.',
			params: IdParams,
			body: Body,
			response: responses({ 200: Type.Null() }),
		},
		// The body is checked by whoever reads it.
		validatorCompiler: ({ schema, httpPart }) => (httpPart === 'body' ? (value) => ({ value }) : compileSchema(schema, httpPart ?? '')),
		handler: async (request, reply) => {
			const principal = principalOf(request);
			// Only what came in the query; it may be less than the schema says.
			const query: Readonly<Record<string, unknown>> = { ...request.body };
			// Who may not, or not now, is told before an archive is sent for nothing.
			checkContainerAction('put_archive', await containers.show(principal, request.params.id));
			const options = { base64: request.microversion >= base64From, limit: archiveLimit, directory: spoolDirectory };
			const received = await receive(request.raw, query['data'], { ...options, patience: archivePatience }).catch((error: unknown) => {
				// A body without a length may have no end.
				if (!request.raw.readableEnded && request.headers['content-length'] === undefined) reply.header('connection', 'close');
				throw error;
			});
			try {
				const checked = checkPath(mergeParameters(query, received.path === undefined ? {} : { path: received.path }));
				if ('error' in checked) throw checked.error;
				if (!received.hasData) throw fail('schema-validation-error', "Invalid input: field 'data' is a required property.");
				const { signal, watched } = transfer(reply, context);
				await containers.putArchive(principal, request.params.id, checked.value.path, watched(received.tar()), signal);
			} finally {
				await received.close();
			}
			return sendJson(reply, 200, null);
		},
	});
}

/** The archive of the body or, as with every action, of the query. */
async function receive(request: IncomingMessage, data: unknown, options: ReceiveOptions): Promise<PutArchive> {
	const declared = request.headers['content-length'];
	const received = await receivePut(request, declared === undefined ? null : Number(declared), options);
	if (received.hasData || typeof data !== 'string') return received;
	await received.close();
	const body = Readable.from([Buffer.from(JSON.stringify({ data }))]);
	return { ...(await receivePut(body, null, options)), path: received.path };
}
