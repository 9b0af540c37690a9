import type { FastifyInstance } from 'fastify';
import { fail } from '../../model/errors.ts';
import type { Api } from './route.ts';

/**
 * How bodies are read. Zun's clients send empty bodies with a JSON content type and DELETE with octet-stream, and what
 * is not a JSON object counts as no body at all (a required field is missing then). The other APIs refuse bad JSON.
 */
export function installBodyParser(app: Api | FastifyInstance): void {
	app.removeAllContentTypeParsers();
	app.addContentTypeParser('*', { parseAs: 'string' }, (request, body, done) => {
		const text = typeof body === 'string' ? body : body.toString('utf8');
		try {
			done(null, request.url.startsWith('/v1') ? lenient(text) : strict(text));
		} catch (error) {
			done(error instanceof Error ? error : new Error(String(error)));
		}
	});
}

/** The object that the text holds; undefined for everything else. */
export function lenient(text: string): object | undefined {
	if (text.trim() === '') return undefined;
	let value: unknown;
	try {
		value = JSON.parse(text);
	} catch {
		return undefined;
	}
	return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
}

function strict(text: string): unknown {
	if (text.trim() === '') return undefined;
	try {
		return JSON.parse(text);
	} catch {
		throw fail('schema-validation-error', 'The body is not valid JSON.');
	}
}

/** Query and body as one set of parameters; the body's win. */
export function mergeParameters(query: unknown, body: unknown): Record<string, unknown> {
	return { ...(isRecord(query) ? query : {}), ...(isRecord(body) ? body : {}) };
}

/** Levels of objects and lists in a request. What walks through values walks no deeper, whoever sends them. */
const deepest = 64;

/**
 * What no request may hold, whatever its schema leaves open: a NUL character, which what lies behind us stumbles over,
 * and nesting without end. Throws schema-validation-error.
 */
export function checkContent(value: unknown, depth = 0): void {
	if (typeof value === 'string') {
		if (value.includes('\0')) throw fail('schema-validation-error', 'Invalid input: a NUL character is in it.');
		return;
	}
	if (typeof value !== 'object' || value === null) return;
	if (depth === deepest) throw fail('schema-validation-error', `Invalid input: it is nested deeper than ${deepest} levels.`);
	for (const [key, inner] of Object.entries(value)) {
		checkContent(key);
		checkContent(inner, depth + 1);
	}
}

function isRecord(value: unknown): value is Record<string, unknown> {
	return typeof value === 'object' && value !== null && !Array.isArray(value);
}
