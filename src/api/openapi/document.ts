import type { FastifyContextConfig, FastifySchema } from 'fastify';
import type { RouteFacts } from '../http/route.ts';
import { fieldGates } from '../microversion/gates.ts';
import { maximumVersion, minimumVersion } from '../microversion/version.ts';

/** The OpenAPI 3.1 document of the routes, made from the schemas that validate their requests. */
export function openApiDocument(routes: readonly RouteFacts[], serverUrl: string): object {
	const components = new Map<string, unknown>();
	const paths: Record<string, Record<string, unknown>> = {};
	for (const route of routes) {
		const path = route.url.replaceAll(/:(\w+)/g, '{$1}');
		paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation(route, path, components) };
	}
	return {
		openapi: '3.1.0',
		info: {
			title: 'Zunbox',
			version: maximumVersion,
			description: `Containers in sandboxes, through the API of OpenStack Zun. Microversions ${minimumVersion} to ${maximumVersion} are chosen with the header OpenStack-API-Version: container <version>; without it a request has ${minimumVersion}.`,
		},
		servers: [{ url: serverUrl }],
		security: [{ token: [] }],
		paths,
		components: {
			securitySchemes: { token: { type: 'apiKey', in: 'header', name: 'X-Auth-Token' } },
			schemas: Object.fromEntries([...components].sort(([left], [right]) => (left < right ? -1 : 1))),
		},
	};
}

function operation(route: RouteFacts, path: string, components: Map<string, unknown>): object {
	const { schema, config } = route;
	const gates = fieldGates[config.rule ?? ''] ?? {};
	const merged = config.merge === true ? parameters(schema.body, 'query', components, false) : [];
	return {
		operationId: `${route.method.toLowerCase()}${path.replaceAll(/[^a-zA-Z0-9]+(.)?/g, (_all, next: string | undefined) => (next ?? '').toUpperCase())}`,
		summary: schema.summary ?? `${route.method} ${path}`,
		...(schema.description === undefined ? {} : { description: schema.description }),
		tags: [...(schema.tags ?? [tagOf(path)])],
		parameters: [
			...pathParameters(path, schema.params, components),
			...parameters(schema.querystring, 'query', components, true),
			...(isGetLike(route.method) ? [] : merged),
		],
		...(schema.body === undefined || isGetLike(route.method)
			? {}
			: {
					requestBody: { required: config.jsonOnly === true, content: { 'application/json': { schema: share(schema.body, components) } } },
				}),
		responses: responsesOf(schema, components),
		...(config.rule === 'public' ? { security: [] } : {}),
		...(config.rule === undefined ? {} : { 'x-policy': config.rule }),
		...(config.versions === undefined ? {} : { 'x-microversions': versionsOf(config.versions) }),
		...(Object.keys(gates).length === 0
			? {}
			: { 'x-field-microversions': Object.fromEntries(Object.entries(gates).map(([field, gate]) => [field, `1.${gate.from}`])) }),
	};
}

function versionsOf({ from, to }: NonNullable<FastifyContextConfig['versions']>): object {
	return { ...(from === undefined ? {} : { min: `1.${from}` }), ...(to === undefined ? {} : { max: `1.${to}` }) };
}

function isGetLike(method: string): boolean {
	return method === 'GET' || method === 'HEAD';
}

function tagOf(path: string): string {
	const [first = '', second = ''] = path.split('/').filter((part) => part !== '' && !part.startsWith('{'));
	return first === 'v1' && second !== '' ? second : first || 'root';
}

/** Those of the schema; where a route has none, each name of the path as text. */
function pathParameters(path: string, schema: unknown, components: Map<string, unknown>): object[] {
	if (schema !== undefined) return parameters(schema, 'path', components, true);
	return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({ name, in: 'path', required: true, schema: { type: 'string' } }));
}

/** Properties of an object schema as parameters of a request. */
function parameters(schema: unknown, place: 'path' | 'query', components: Map<string, unknown>, mayRequire: boolean): object[] {
	if (!isObject(schema) || !isObject(schema['properties'])) return [];
	const required = Array.isArray(schema['required']) ? schema['required'] : [];
	return Object.entries(schema['properties']).map(([name, property]) => ({
		name,
		in: place,
		required: place === 'path' || (mayRequire && required.includes(name)),
		schema: share(property, components),
	}));
}

function responsesOf(schema: FastifySchema, components: Map<string, unknown>): object {
	if (!isObject(schema.response)) {
		return Object.fromEntries(Object.entries(descriptions).map(([first, description]) => [`${first}XX`, { description }]));
	}
	const entries = Object.entries(schema.response).map(([status, body]) => {
		const content =
			isObject(body) && body['type'] === 'null' && status === '204'
				? {}
				: { content: { 'application/json': { schema: share(body, components) } } };
		return [status.toUpperCase(), { description: descriptions[status.charAt(0)] ?? 'Answer', ...content }];
	});
	return Object.fromEntries(entries);
}

const descriptions: Readonly<Record<string, string>> = {
	'2': 'Success',
	'4': 'The request is refused',
	'5': 'The service or a host failed',
};

/** The schema as plain JSON, with each titled part kept once among the components. */
function share(schema: unknown, components: Map<string, unknown>): unknown {
	if (Array.isArray(schema)) return schema.map((part) => share(part, components));
	if (!isObject(schema)) return schema;
	const copy = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, share(value, components)]));
	const title = schema['title'];
	if (typeof title !== 'string' || schema['type'] !== 'object') return copy;
	components.set(title, copy);
	return { $ref: `#/components/schemas/${title}` };
}

function isObject(value: unknown): value is Record<string, unknown> {
	return typeof value === 'object' && value !== null && !Array.isArray(value);
}
