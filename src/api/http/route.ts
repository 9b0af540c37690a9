import type { IncomingMessage, ServerResponse } from 'node:http';
import type {
	FastifyBaseLogger,
	FastifyContextConfig,
	FastifyInstance,
	FastifyRequest,
	FastifySchema,
	FastifyTypeProvider,
	RawServerDefault,
} from 'fastify';
import type { Static, TSchema } from 'typebox';
import type { Principal } from '../../model/principal.ts';
import type { VersionRange } from '../microversion/version.ts';
import type { PolicyRule } from '../policy.ts';

declare module 'fastify' {
	interface FastifySchema {
		/** For the OpenAPI document. */
		summary?: string;
		description?: string;
		tags?: readonly string[];
	}
	interface FastifyInstance {
		/** Every route, in the order of registration. */
		routes: readonly RouteFacts[];
	}
	interface FastifyContextConfig {
		/** Row of the policy table that the route needs, or `public`: no token is asked for. Every route names one. */
		rule?: PolicyRule | 'public';
		/** Microversions that have the route; outside them it answers 406. Only on /v1 routes. */
		versions?: VersionRange;
		/** Parameters may come in the query as well as in the body: both are merged before validation, the body first. */
		merge?: boolean;
		/** A body of another content type than JSON is refused with 415. */
		jsonOnly?: boolean;
	}
	interface FastifyRequest {
		/** Who asks; null on public routes. */
		principal: Principal | null;
		/** The microversion that the request is served at, as its minor number. */
		microversion: number;
	}
}

/** What is known of a route when it is registered. */
export interface RouteFacts {
	readonly method: string;
	/** In the router's form, such as `/v1/containers/:id`. */
	readonly url: string;
	readonly schema: FastifySchema;
	readonly config: FastifyContextConfig;
}

/** Makes what a handler sees of body, query and params the type of the schema that they were validated with. */
export interface TypeboxProvider extends FastifyTypeProvider {
	readonly validator: this['schema'] extends TSchema ? Static<this['schema']> : unknown;
	readonly serializer: unknown;
}

export type Api = FastifyInstance<RawServerDefault, IncomingMessage, ServerResponse, FastifyBaseLogger, TypeboxProvider>;

/** The principal of a route that is not public. */
export function principalOf(request: Pick<FastifyRequest, 'principal'>): Principal {
	if (request.principal === null) throw new Error('a route that needs a principal is public');
	return request.principal;
}
