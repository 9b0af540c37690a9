import { randomUUID } from 'node:crypto';
import type { TestContext } from 'node:test';
import Fastify from 'fastify';
import type { Api, TypeboxProvider } from '../../../src/api/http/route.ts';
import { networkRoutes } from '../../../src/api/network/routes.ts';
import { createNetworkControl } from '../../../src/control/networks/network-control.ts';
import type { QuotaResource } from '../../../src/control/quotas.ts';
import { fail } from '../../../src/model/errors.ts';
import type { Principal } from '../../../src/model/principal.ts';
import { type EmbeddedWorld, embeddedWorld, somebody } from './world.ts';

export type Json = Readonly<Record<string, unknown>>;

export interface Answer {
	readonly status: number;
	readonly body: Json;
}

/** Somebody who speaks to the network API. */
export interface Client {
	readonly principal: Principal;
	request(method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: object): Promise<Answer>;
	/** The thing that was made; throws when it was not. */
	create(kind: string, attributes: object): Promise<Json & { readonly id: string }>;
	/** The things of a list. */
	list(pathAndQuery: string): Promise<readonly Json[]>;
}

export interface ApiWorld extends EmbeddedWorld {
	client(principal?: Principal): Client;
	readonly url: () => string;
	/** Limits of every project by control's names. */
	readonly limits: Partial<Record<QuotaResource, number>>;
}

/** The network API over an embedded provider, asked without a server. */
export async function apiWorld(context: TestContext): Promise<ApiWorld> {
	const world = await embeddedWorld(context);
	const limits: Partial<Record<QuotaResource, number>> = {};
	const networks = createNetworkControl({
		store: world.store,
		provider: world.provider,
		quotas: {
			check: async (tx, projectId, resources) => {
				for (const resource of resources.filter((name) => name === 'ports' || name === 'networks')) {
					const table = resource === 'ports' ? 'port' : 'network';
					const rows = await tx.selectFrom(table).select('id').where('project_id', '=', projectId).execute();
					if (rows.length > (limits[resource] ?? Number.POSITIVE_INFINITY)) throw fail('over-quota', `Quota exceeded for ${resource}.`);
				}
			},
		},
		quotaLimits: async () => ({ networks: limits.networks ?? -1, ports: limits.ports ?? -1 }),
	});
	const principals = new Map<string, Principal>();
	const app: Api = Fastify().withTypeProvider<TypeboxProvider>();
	const url = 'http://zunbox.test:9517';
	app.decorateRequest('principal', null);
	app.addHook('onRequest', async (request) => {
		request.principal = principals.get(String(request.headers['x-auth-token'])) ?? null;
	});
	await app.register(async (scope) => networkRoutes(scope.withTypeProvider<TypeboxProvider>(), { networks, publicUrl: () => url }));
	context.after(() => app.close());
	const client = (principal: Principal = somebody()): Client => {
		const token = randomUUID();
		principals.set(token, principal);
		const request: Client['request'] = async (method, path, body) => {
			const target = path.startsWith('http') ? path.slice(url.length) : `/network/v2.0${path}`;
			const answer = await app.inject({
				method,
				url: target,
				headers: { 'x-auth-token': token },
				...(body === undefined ? {} : { payload: body }),
			});
			return { status: answer.statusCode, body: answer.body === '' ? {} : answer.json() };
		};
		return {
			principal,
			request,
			create: async (kind, attributes) => {
				const answer = await request('POST', `/${kind.replaceAll('_', '-')}s`, { [kind]: attributes });
				const made = answer.body[kind];
				if (answer.status !== 201 || !isThing(made)) throw new Error(JSON.stringify(answer));
				return made;
			},
			list: async (path) => {
				const answer = await request('GET', path);
				const [things] = Object.values(answer.body);
				if (answer.status !== 200 || !Array.isArray(things)) throw new Error(JSON.stringify(answer));
				return things;
			},
		};
	};
	return { ...world, client, limits, url: () => url };
}

function isThing(value: unknown): value is Json & { readonly id: string } {
	return typeof value === 'object' && value !== null && 'id' in value && typeof value.id === 'string';
}
