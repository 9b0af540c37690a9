import { createHash } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import type { Idempotency } from '../../control/control.ts';
import { fail } from '../../model/errors.ts';

/** `Idempotency-Key` of a create request, with a digest of what is asked; undefined = none. */
export function idempotency(
	request: Pick<FastifyRequest, 'headers' | 'method' | 'routeOptions' | 'body' | 'microversion'>,
): Idempotency | undefined {
	const key = request.headers['idempotency-key'];
	if (key === undefined) return undefined;
	if (typeof key !== 'string' || !/^[\x21-\x7e]{1,255}$/.test(key)) {
		throw fail('invalid-value', 'Invalid Idempotency-Key: give 1 to 255 printable characters without spaces.');
	}
	const asked = [request.method, request.routeOptions.url, request.microversion, sorted(request.body)];
	return { key, fingerprint: createHash('sha256').update(JSON.stringify(asked)).digest('hex') };
}

/** The value with the keys of objects in order, so that the order in which a client writes them does not matter. */
function sorted(value: unknown): unknown {
	if (Array.isArray(value)) return value.map(sorted);
	if (typeof value !== 'object' || value === null) return value;
	return Object.entries(value)
		.sort(([left], [right]) => (left < right ? -1 : 1))
		.map(([key, inner]) => [key, sorted(inner)]);
}
