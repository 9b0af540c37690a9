import { Type } from 'typebox';
import type { Commits } from '../../control/commits.ts';
import { hostSignal, sendJson } from '../http/reply.ts';
import { responses } from '../http/responses.ts';
import { type Api, principalOf } from '../http/route.ts';
import type { RouteContext } from '../options.ts';
import { zunTime } from '../parse/time.ts';
import { IdParams } from '../schemas.ts';

const CommitList = Type.Object(
	{ commits: Type.Array(Type.Object({ uuid: Type.String(), image: Type.String(), created_at: Type.String() })) },
	{ title: 'Commits' },
);

/** Not Zun's: images that a project made of its containers, which it has a number of. */
export function commitRoutes(app: Api, context: RouteContext, commits: Commits): void {
	app.route({
		method: 'GET',
		url: '/v1/commits',
		config: { rule: 'commit:get_all' },
		schema: {
			summary: 'List the images that the project made of containers, newest first',
			querystring: Type.Object({}, { additionalProperties: false }),
			response: responses({ 200: CommitList }),
		},
		handler: async (request, reply) => {
			const rows = await commits.list(principalOf(request));
			return sendJson(reply, 200, {
				commits: rows.map(({ id, image, createdAt }) => ({ uuid: id, image, created_at: zunTime(createdAt) })),
			});
		},
	});

	app.route({
		method: 'DELETE',
		url: '/v1/commits/:id',
		config: { rule: 'commit:delete' },
		schema: { summary: 'Remove a committed image from its host', params: IdParams, response: responses({ 204: Type.Null() }) },
		handler: async (request, reply) => {
			await commits.delete(principalOf(request), request.params.id, hostSignal(reply, context));
			return reply.code(204).send();
		},
	});
}
