import type { IncomingMessage } from 'node:http';
import type { Static, TSchema } from 'typebox';
import { Value } from 'typebox/value';
import { fail } from '../../model/errors.ts';

/** Longest body, in bytes: a hundred ports with their addresses stay well below. */
const longest = 1 << 20;

/** The request's body as JSON; an empty one is an empty object. Throws `payload-too-large` and `invalid`. */
export async function readBody(request: IncomingMessage): Promise<unknown> {
	const chunks: Buffer[] = [];
	let length = 0;
	for await (const chunk of request) {
		const bytes = Buffer.from(chunk);
		length += bytes.length;
		if (length <= longest) chunks.push(bytes);
		// One that is a little too long is read to its end: who still writes hears no answer.
		else if (length > 16 * longest) break;
	}
	if (length > longest) throw fail('payload-too-large', `The body is longer than ${longest} bytes.`);
	const text = Buffer.concat(chunks).toString('utf8');
	if (text === '') return {};
	try {
		return JSON.parse(text);
	} catch {
		throw fail('invalid', 'The body is not JSON.');
	}
}

/** The value, if it is as the schema says; throws `invalid` with what is wrong and where. */
export function checked<T extends TSchema>(schema: T, value: unknown, what: string): Static<T> {
	if (Value.Check(schema, value)) return value;
	const [first] = Value.Errors(schema, value);
	throw fail('invalid', `${what}${first?.instancePath ?? ''}: ${first?.message ?? 'is not valid'}`);
}
