import type { TSchema } from 'typebox';
import { configSchema } from './schema.ts';

/** One setting, with its names in every source. */
export interface Setting {
	/** Name in the file, such as `listen.port`. */
	readonly name: string;
	readonly path: readonly string[];
	/** Environment variable, such as `ZUNBOX_LISTEN_PORT`. */
	readonly variable: string;
	/** Option of the command, such as `--listen-port`. */
	readonly flag: string;
	readonly schema: TSchema;
	readonly description: string;
	readonly unit: string | null;
	/** How the default is shown; for one that depends on the machine, its meaning. */
	readonly defaultText: string;
	/** What a right value is, such as `a whole number from 0 to 65535`. */
	readonly expected: string;
}

/** A part of the file with its settings; the settings without a part come first. */
export interface SettingGroup {
	readonly name: string | null;
	readonly description: string;
	readonly settings: readonly Setting[];
}

const formats: Readonly<Record<string, string>> = {
	'absolute-path': 'an absolute path',
	'http-url': 'an http or https URL without query and without a slash at its end',
	cidr: 'a network such as 10.0.0.0/8 or fd00::/8',
	'ipv4-cidr': 'an IPv4 network such as 10.87.0.0/16, with 8 to 29 bits and no host bits',
	'ip-address': 'an IP address',
};

export const settingGroups: readonly SettingGroup[] = listGroups();
export const settings: readonly Setting[] = settingGroups.flatMap((group) => group.settings);

function listGroups(): SettingGroup[] {
	const plain: Setting[] = [];
	const groups: SettingGroup[] = [];
	for (const [name, schema] of Object.entries(configSchema.properties)) {
		const members = note(schema, 'properties');
		if (!isRecord(members)) {
			plain.push(settingOf([name], schema));
			continue;
		}
		const own = Object.entries(members).map(([key, member]) => settingOf([name, key], isRecord(member) ? member : {}));
		groups.push({ name, description: text(schema, 'description'), settings: own });
	}
	return [{ name: null, description: 'The service as a whole.', settings: plain }, ...groups];
}

function settingOf(path: readonly string[], schema: TSchema): Setting {
	const words = path.map((part) => part.replace(/[A-Z]/g, (letter) => `_${letter}`).toLowerCase());
	return {
		name: path.join('.'),
		path,
		variable: `ZUNBOX_${words.join('_').toUpperCase()}`,
		flag: `--${words.join('-').replaceAll('_', '-')}`,
		schema,
		description: text(schema, 'description'),
		unit: typeof note(schema, 'unit') === 'string' ? text(schema, 'unit') : null,
		defaultText: text(schema, 'defaultText') || JSON.stringify(note(schema, 'default')),
		expected: expectation(schema),
	};
}

/** Says in words what values the schema allows. */
function expectation(schema: TSchema): string {
	const choices = note(schema, 'enum');
	if (Array.isArray(choices)) return `one of ${choices.join(', ')}`;
	const either = note(schema, 'anyOf');
	if (Array.isArray(either)) {
		const format = text(schema, 'format');
		return either.map((part) => (format !== '' && part.type === 'string' ? formats[format] : expectation(part))).join(', or ');
	}
	const format = formats[text(schema, 'format')];
	if (format !== undefined) return format;
	switch (note(schema, 'type')) {
		case 'integer':
			return `a whole number${range(schema)}`;
		case 'number':
			return `a number${range(schema)}`;
		case 'boolean':
			return 'true or false';
		case 'null':
			return 'null';
		case 'array': {
			const items = note(schema, 'items');
			return `a list, each entry ${isRecord(items) ? expectation(items) : 'a value'}`;
		}
		case 'object':
			return 'a map';
		default:
			return note(schema, 'pattern') === undefined ? 'text' : `text that matches ${text(schema, 'pattern')}`;
	}
}

function range(schema: TSchema): string {
	const minimum = note(schema, 'minimum');
	const maximum = note(schema, 'maximum');
	if (maximum !== undefined) return ` from ${minimum} to ${maximum}`;
	return minimum === undefined ? '' : `, ${minimum} or more`;
}

/** A keyword of the schema, whatever it is. */
export function note(schema: TSchema, keyword: string): unknown {
	return isRecord(schema) ? schema[keyword] : undefined;
}

function text(schema: TSchema, keyword: string): string {
	const value = note(schema, keyword);
	return typeof value === 'string' ? value : '';
}

export function isRecord(value: unknown): value is Record<string, unknown> {
	return typeof value === 'object' && value !== null && !Array.isArray(value);
}
