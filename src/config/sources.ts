import type { TSchema } from 'typebox';
import { closest } from '../model/closest.ts';
import { isAllowed } from './rules.ts';
import { isRecord, note, type Setting, settings } from './settings.ts';

/** Values by setting name, and what was wrong: every mistake of a source is told at once. */
export interface SourceResult {
	readonly values: ReadonlyMap<string, unknown>;
	readonly problems: readonly string[];
}

const byName = new Map(settings.map((setting) => [setting.name, setting]));
const byVariable = new Map(settings.map((setting) => [setting.variable, setting]));
const groupNames = new Set(settings.filter((setting) => setting.path.length > 1).map((setting) => setting.path[0] ?? ''));

/**
 * Variables that are not settings. The last two are what Kubernetes gives every pod beside a service named zunbox.
 */
const otherVariables = /^ZUNBOX_(CONFIG|MAX_HEAP|FAIL_POINT|FAIL_POINT_LOG|TEST_.*|SERVICE_.*|PORT(_.*)?)$/;

/** Reads the content of a configuration file, already parsed. `where` names the file in messages. */
export function readTree(tree: unknown, where: string): SourceResult {
	const values = new Map<string, unknown>();
	const problems: string[] = [];
	if (tree === null || tree === undefined) return { values, problems };
	if (!isRecord(tree)) return { values, problems: [`${where}: the file must hold a map of settings`] };
	for (const [key, value] of Object.entries(tree)) {
		if (!groupNames.has(key)) take(key, value);
		else if (isRecord(value)) for (const [member, inner] of Object.entries(value)) take(`${key}.${member}`, inner);
		else if (value !== null) problems.push(`${where}: ${key} must be a map of settings`);
	}
	return { values, problems };

	function take(name: string, value: unknown): void {
		const setting = byName.get(name);
		if (setting === undefined) problems.push(`${where}: ${name} is not a setting${suggestion(name, [...byName.keys(), ...groupNames])}`);
		else if (isAllowed(setting.schema, value)) values.set(name, value);
		else problems.push(badValue(`${where}: ${name}`, value, setting));
	}
}

/** Reads `ZUNBOX_*`. Lists are separated by commas, maps are JSON; an empty text means null where that is allowed. */
export function readEnvironment(environment: Readonly<Record<string, string | undefined>>): SourceResult {
	const values = new Map<string, unknown>();
	const problems: string[] = [];
	for (const [variable, text] of Object.entries(environment)) {
		if (text === undefined || !variable.startsWith('ZUNBOX_')) continue;
		const setting = byVariable.get(variable);
		if (setting !== undefined) readText(setting, text, `environment variable ${variable}`, values, problems);
		else if (!otherVariables.test(variable)) {
			problems.push(`environment variable ${variable} is not a setting${suggestion(variable, [...byVariable.keys()])}`);
		}
	}
	return { values, problems };
}

/** Reads options of the command, given by setting name, such as `{ 'listen.port': '9000' }`. */
export function readFlags(flags: Readonly<Record<string, string>>): SourceResult {
	const values = new Map<string, unknown>();
	const problems: string[] = [];
	for (const [name, text] of Object.entries(flags)) {
		const setting = byName.get(name);
		if (setting === undefined) problems.push(`${name} is not a setting${suggestion(name, [...byName.keys()])}`);
		else if (isSecret(setting))
			problems.push(`option ${setting.flag} is not taken: everybody on the machine sees a command's options; use the file`);
		else readText(setting, text, `option ${setting.flag}`, values, problems);
	}
	return { values, problems };
}

function readText(setting: Setting, text: string, where: string, values: Map<string, unknown>, problems: string[]): void {
	const value = fromText(setting.schema, text);
	if (isAllowed(setting.schema, value)) values.set(setting.name, value);
	else problems.push(badValue(where, text, setting));
}

/** The value that the text stands for; the text itself when it cannot be one of that kind. */
function fromText(schema: TSchema, text: string): unknown {
	switch (note(schema, 'type')) {
		case 'integer':
		case 'number':
			return text.trim() === '' ? text : Number(text);
		case 'boolean':
			return text === 'true' ? true : text === 'false' ? false : text;
		case 'array':
			return text === '' ? [] : text.split(',').map((part) => part.trim());
		case 'object':
			try {
				return JSON.parse(text);
			} catch {
				return text;
			}
		default:
			return text === '' && note(schema, 'anyOf') !== undefined ? null : text;
	}
}

/** Whether the value must not be shown. */
function isSecret(setting: Setting): boolean {
	return note(setting.schema, 'secret') === true;
}

function badValue(where: string, value: unknown, setting: Setting): string {
	const unit = setting.unit === null ? '' : ` (${setting.unit})`;
	const given = isSecret(setting) ? 'is not right' : `is ${JSON.stringify(value)}`;
	return `${where} ${given}; it must be ${setting.expected}${unit}`;
}

function suggestion(wrong: string, known: readonly string[]): string {
	const best = closest(wrong, known);
	return best === null ? '; docs/configuration.md lists all settings' : `; did you mean ${best}?`;
}
