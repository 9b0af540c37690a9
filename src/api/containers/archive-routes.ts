import { Readable } from 'node:stream';
import { Type } from 'typebox';
import { fail } from '../../model/errors.ts';
import { hostSignal, sendJson, streamCounter } from '../http/reply.ts';
import { responses } from '../http/responses.ts';
import { type Api, principalOf } from '../http/route.ts';
import type { RouteContext } from '../options.ts';
import { decodeArchive } from '../parse/archive-data.ts';
import { given } from '../parse/text.ts';
import { IdParams, Nullable } from '../schemas.ts';
import { archiveJson, begun, oneChunk } from './output.ts';

/** Most bytes of an archive that is put: it is one string in the request, and in memory for as long. */
const largestPut = 64 * 1024 * 1024;

/** Archives that are put at the same time; a project may have a quarter of the places. */
const putsAtOnce = 8;

/** From this version archives are base64. */
const base64From = 25;

const Path = Type.String({ minLength: 1, maxLength: 4096, description: 'Path in the container.' });

/** Files in and out of a container, and images made of it. */
export function archiveRoutes(app: Api, context: RouteContext): void {
	const { archiveLimit } = context.options;
	const { containers } = context.control;
	const putLimit = Math.min(archiveLimit, largestPut);
	const puts = streamCounter(putsAtOnce);

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
			const signal = AbortSignal.any([hostSignal(reply, context), refused.signal]);
			const archive = await containers.getArchive(principalOf(request), request.params.id, request.query.path, signal);
			if (archive.stat.size > archiveLimit) {
				// A file says its size before its bytes come. The host need not go on sending them.
				refused.abort();
				throw fail('payload-too-large', `The archive is larger than the limit of ${archiveLimit} bytes.`);
			}
			const json = await begun(archiveJson(archive, request.microversion >= base64From, archiveLimit));
			return reply.header('content-type', 'application/json').send(Readable.from(json, { objectMode: false }));
		},
	});

	app.route({
		method: 'POST',
		url: '/v1/containers/:id/put_archive',
		// Base64 takes four bytes for three.
		bodyLimit: Math.ceil((putLimit * 4) / 3) + 65_536,
		config: { rule: 'container:put_archive', merge: true },
		// Before the body is read: what waits for a place takes no memory.
		preParsing: async (request, reply) => {
			const close = puts.open(principalOf(request).projectId);
			reply.raw.once('close', close);
		},
		schema: {
			summary: 'Unpack a tar into a folder: base64 from version 1.25',
			params: IdParams,
			body: Type.Object({ path: Path, data: Type.String() }),
			response: responses({ 200: Type.Null() }),
		},
		handler: async (request, reply) => {
			const bytes = decodeArchive(request.body.data, request.microversion >= base64From);
			if (bytes.byteLength > putLimit) throw fail('payload-too-large', `The archive is larger than the limit of ${putLimit} bytes.`);
			await containers.putArchive(principalOf(request), request.params.id, request.body.path, oneChunk(bytes), hostSignal(reply, context));
			return sendJson(reply, 200, null);
		},
	});

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
