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

/** Whether a NUL character is anywhere in a value: no field of ours may hold one, and what lies behind us stumbles over it. */
export function holdsNul(value: unknown): boolean {
	if (typeof value === 'string') return value.includes('\0');
	if (Array.isArray(value)) return value.some(holdsNul);
	if (isRecord(value)) return Object.entries(value).some(([key, inner]) => key.includes('\0') || holdsNul(inner));
	return false;
}

function isRecord(value: unknown): value is Record<string, unknown> {
	return typeof value === 'object' && value !== null && !Array.isArray(value);
}
