import fc from 'fast-check';
import { nearly } from '../garbage.ts';
import { mutated } from './bodies.ts';
import type { Who } from './world.ts';

/** A request as it goes out. */
export interface OddRequest {
	readonly who: Who | 'nobody';
	readonly method: string;
	readonly url: string;
	readonly headers: Readonly<Record<string, string>>;
	readonly payload: string | undefined;
}

/** One operation of an OpenAPI document, its references resolved. */
export interface DocumentedOperation {
	readonly method: string;
	readonly path: string;
	readonly query: object;
	/** null = it takes none. */
	readonly body: unknown;
}

type Json = Readonly<Record<string, unknown>>;

export function operationsOf(document: unknown): readonly DocumentedOperation[] {
	const paths = record(record(document)['paths']);
	return Object.entries(paths).flatMap(([path, methods]) =>
		Object.entries(record(methods)).map(([method, operation]) => {
			const { parameters, requestBody } = record(operation);
			const inQuery = (Array.isArray(parameters) ? parameters.map(record) : []).filter((parameter) => parameter['in'] === 'query');
			const properties = inQuery.map((parameter) => [String(parameter['name']), resolved(parameter['schema'], document)]);
			const required = inQuery.filter((parameter) => parameter['required'] === true).map((parameter) => parameter['name']);
			const json = record(record(record(requestBody)['content'])['application/json']);
			return {
				method: method.toUpperCase(),
				path,
				query: { type: 'object', properties: Object.fromEntries(properties), required },
				body: json['schema'] === undefined ? null : resolved(json['schema'], document),
			};
		}),
	);
}

function resolved(schema: unknown, document: unknown): unknown {
	if (Array.isArray(schema)) return schema.map((part) => resolved(part, document));
	if (typeof schema !== 'object' || schema === null) return schema;
	const { $ref } = record(schema);
	if (typeof $ref === 'string') {
		const target = $ref
			.split('/')
			.slice(1)
			.reduce<unknown>((part, key) => record(part)[key], document);
		return resolved(target, document);
	}
	return Object.fromEntries(Object.entries(schema).map(([key, part]) => [key, resolved(part, document)]));
}

const versions = ['latest', 'latest', 'latest', 'latest', '1.1', '1.12', '1.19', '1.25', '1.40', '1.41', '1.42'];
const oddVersions = ['', 'container', 'container ', 'container 1', 'container 1.', 'container 1.999', 'container 2.1', 'container -1.1'];
const stranger = [
	'container 1.1e9',
	`container 1.${'9'.repeat(400)}`,
	'compute 2.1',
	'container 1.1, container 1.40',
	'container latest latest',
];
const contentTypes = [
	'application/json; charset=utf-8',
	'text/plain',
	'application/x-www-form-urlencoded',
	'application/octet-stream',
	';',
	'a/b/c',
];
const otherHeaders: readonly (readonly [string, readonly string[]])[] = [
	['idempotency-key', ['once', 'once', '', ' ', 'x'.repeat(256), 'k\u00e9y']],
	['last-event-id', ['0', '-1', '999999999999999', '1e3', 'NaN']],
	['x-subject-token', ['', 'nonsense', 'x'.repeat(5000)]],
	['x-openstack-request-id', ['mine', "req-' OR 1=1"]],
	['origin', ['null', 'http://evil.test', '*']],
	['accept', ['text/html', '*/*;q=0', '']],
	['x-http-method-override', ['DELETE']],
	['x-forwarded-host', ['evil.test', ':::']],
	['range', ['bytes=0-0']],
	['expect', ['100-continue']],
	['if-match', ['*']],
];

/** Deeper than any schema goes; and wide. */
const monsters = fc.constantFrom(
	`${'['.repeat(20_000)}${']'.repeat(20_000)}`,
	`${'{"labels":'.repeat(5_000)}1${'}'.repeat(5_000)}`,
	`{"name":"deep","labels":{"a":${'['.repeat(3_000)}${']'.repeat(3_000)}},"image":"busybox"}`,
	`{"name":"${'x'.repeat(100_000)}","image":"${'y/'.repeat(5_000)}"}`,
	`{"image":"busybox","environment":{${Array.from({ length: 2_000 }, (_, index) => `"k${index}":"v"`).join(',')}}}`,
	`{"image":"busybox","cpu":1e999,"memory":-1e999,"name":null}`,
	`{"template":"{\\"spec\\":${'['.repeat(3_000)}${']'.repeat(3_000)}}"}`,
	'{"image":"busybox","image":1,"__proto__":{"name":"x"},"constructor":{"prototype":{"y":1}}}',
	'\ufeff{"image":"busybox"}',
	'{"image":"busy\\u0000box","\\u0000":1}',
	'{"image":"\\ud800","name":"\\udfff"}',
	'{"a":1,}',
	'{"image":NaN}',
	'null',
	'""',
	'[{}]',
);

const sometimes = <T>(weight: number, arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
	fc.oneof({ weight: 20 - weight, arbitrary: fc.constant(undefined) }, { weight, arbitrary });

/** `names` are of things that exist, by the beginning of paths or by what they stand for in them: most requests find what they are about. */
export function oddRequests(operation: DocumentedOperation, names: Readonly<Record<string, readonly string[]>>): fc.Arbitrary<OddRequest> {
	const { method, path, query, body } = operation;
	const own = Object.entries(names).find(([start]) => path.startsWith(start))?.[1] ?? [];
	const segment = (hole: string) =>
		fc.oneof(
			{ weight: 12, arbitrary: fc.constantFrom(...(names[hole] ?? own), ...(own.length === 0 ? ['x'] : [])) },
			{ weight: 1, arbitrary: fc.constantFrom(...Object.values(names).flat()) },
			{ weight: 1, arbitrary: nearly({ type: 'string' }).map((value) => encode(value) || 'x') },
			{ weight: 1, arbitrary: fc.constantFrom('%ff', '%', '..', '%2e%2e%2f', 'a'.repeat(600), '*', ';', 'None') },
		);
	const holes = path.match(/\{\w+\}/g) ?? [];
	const almost = mutated(`${method} ${path}`);
	const takesBody = method !== 'GET' && method !== 'HEAD';
	return fc
		.record({
			who: fc.oneof(
				{ weight: 15, arbitrary: fc.constantFrom<Who>('admin', 'admin', 'member', 'member', 'member', 'reader') },
				{ weight: 1, arbitrary: fc.constant('nobody' as const) },
			),
			segments: fc.tuple(...holes.map(segment)),
			query: nearly(query),
			twice: sometimes(
				2,
				fc.constantFrom('limit=1&limit=2', 'name=a&name=b', 'label=a=b&label=c', 'all_projects=1&all_projects=0', '&&==&', '%ff=%'),
			),
			version: fc.oneof(
				{ weight: 12, arbitrary: fc.constantFrom(...versions).map((version) => `container ${version}`) },
				{ weight: 1, arbitrary: fc.constantFrom(...oddVersions, ...stranger) },
			),
			contentType: sometimes(2, fc.constantFrom(...contentTypes)),
			other: sometimes(
				5,
				fc.constantFrom(...otherHeaders).chain(([name, values]) => fc.constantFrom(...values).map((value) => [name, value] as const)),
			),
			body: almost === null ? nearly(body ?? {}) : fc.oneof({ weight: 2, arbitrary: almost }, { weight: 1, arbitrary: nearly(body ?? {}) }),
			raw: sometimes(2, fc.oneof(monsters, fc.string({ unit: 'binary', maxLength: 60 }))),
		})
		.map(({ who, segments, query: parameters, twice, version, contentType, other, body: value, raw }) => {
			let index = 0;
			const pairs = Object.entries(record(parameters)).map(([name, given]) => `${encode(name)}=${encode(given)}`);
			const search = [...pairs, ...(twice === undefined ? [] : [twice])].join('&');
			return {
				who,
				method,
				url: path.replaceAll(/\{\w+\}/g, () => segments[index++] ?? 'x') + (search === '' ? '' : `?${search}`),
				headers: {
					'openstack-api-version': version,
					...(takesBody ? { 'content-type': contentType ?? 'application/json' } : {}),
					...(other === undefined ? {} : { [other[0]]: other[1] }),
				},
				payload: takesBody ? (raw ?? withIds(JSON.stringify(value), names)) : undefined,
			};
		});
}

/** With the ids of things in the place of their names in braces. */
function withIds(text: string, names: Readonly<Record<string, readonly string[]>>): string {
	return Object.entries(names).reduce((whole, [name, [id = '']]) => (name.startsWith('{') ? whole.replaceAll(name, id) : whole), text);
}

/** Percent-encoded; half a surrogate pair becomes the sign for it. */
function encode(value: unknown): string {
	return encodeURIComponent((typeof value === 'string' ? value : (JSON.stringify(value) ?? '')).toWellFormed());
}

function record(value: unknown): Json {
	return typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.fromEntries(Object.entries(value)) : {};
}
