import type { Static, TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { type ErrorCode, fail, type ZunboxError } from '../../model/errors.ts';

interface Problem {
	readonly keyword: string;
	readonly instancePath: string;
	readonly params: object;
	readonly message: string;
}

/**
 * Checks values against a schema without changing them, and names the field, its value and the reason of the first
 * problem. Unknown query parameters are `invalid-value`, everything else `schema-validation-error`.
 */
export function compileSchema<Schema extends TSchema>(
	schema: Schema,
	part: string,
): (value: unknown) => { value: Static<Schema> } | { error: ZunboxError } {
	const validator = Compile(schema);
	return (value) => (validator.Check(value) ? { value } : { error: problemOf(validator.Errors(value), value, part) });
}

function problemOf(problems: readonly Problem[], value: unknown, part: string): ZunboxError {
	const where = part === 'querystring' ? 'parameter' : 'field';
	const code: ErrorCode = part === 'querystring' ? 'invalid-value' : 'schema-validation-error';
	for (const problem of problems) {
		const names = namesIn(problem.params);
		if (names === null) continue;
		const place = problem.instancePath === '' ? '' : ` in '${fieldName(problem.instancePath)}'`;
		const list = names.map((name) => `'${shorten(name)}'`).join(', ');
		const reason = problem.keyword === 'required' ? `is a required property` : 'was unexpected';
		return fail(code, `Invalid input${place}: ${where} ${list} ${reason}.`);
	}
	const first = problems.find((problem) => problem.keyword !== 'anyOf') ?? problems[0];
	if (first === undefined) return fail(code, 'Invalid input.');
	const reasons = problems.filter((problem) => problem.instancePath === first.instancePath && problem.keyword !== 'anyOf').map(reasonOf);
	const name = first.instancePath === '' ? 'body' : fieldName(first.instancePath);
	const shown = shorten(JSON.stringify(valueAt(value, first.instancePath)) ?? 'undefined');
	return fail(code, `Invalid input for ${where} '${name}'. Value: ${shown}. It ${[...new Set(reasons)].join(' or ')}.`);
}

function reasonOf(problem: Problem): string {
	if ('allowedValues' in problem.params && Array.isArray(problem.params.allowedValues)) {
		return `must be one of ${problem.params.allowedValues.map((value) => JSON.stringify(value)).join(', ')}`;
	}
	return problem.message;
}

/** Names of the missing or unexpected properties that a problem is about; null = it is about something else. */
function namesIn(params: object): string[] | null {
	const names =
		'requiredProperties' in params ? params.requiredProperties : 'additionalProperties' in params ? params.additionalProperties : null;
	return Array.isArray(names) ? names.map(String) : null;
}

function fieldName(pointer: string): string {
	return shorten(
		pointer
			.slice(1)
			.split('/')
			.map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
			.join('.'),
	);
}

function valueAt(value: unknown, pointer: string): unknown {
	let current = value;
	for (const part of pointer.split('/').slice(1)) {
		if (typeof current !== 'object' || current === null) return undefined;
		current = Reflect.get(current, part.replaceAll('~1', '/').replaceAll('~0', '~'));
	}
	return current;
}

function shorten(text: string): string {
	return text.length <= 100 ? text : `${text.slice(0, 100)}…`;
}
