import { parseArgs } from 'node:util';
import { closest } from '../../model/closest.ts';
import { usageError } from '../exit-code.ts';
import { Input } from './input.ts';
import type { CommandSpec, OptionSpec } from './spec.ts';

export type Parsed =
	| { readonly kind: 'run'; readonly spec: CommandSpec; readonly input: Input }
	/** Help is asked for: of a command, of a group, or with an empty path of all. */
	| { readonly kind: 'help'; readonly path: string }
	| { readonly kind: 'version' };

/** Reads a command line. Throws a usage error that says what would be right. */
export function parseCommandLine(words: readonly string[], commands: readonly CommandSpec[]): Parsed {
	const [first] = words;
	if (first === undefined || first === '--help' || first === '-h') return { kind: 'help', path: '' };
	if (first === '--version' || first === '-V') return { kind: 'version' };
	if (first === 'help') return { kind: 'help', path: knownPath(words.slice(1), commands) };
	const { spec, path, rest } = findCommand(words, commands);
	if (spec === null) {
		if (rest[0] === '--help' || rest[0] === '-h') return { kind: 'help', path };
		throw wrongWord(path, rest[0], commands);
	}
	if (spec.settings) {
		if (rest.includes('--help') || rest.includes('-h')) return { kind: 'help', path };
		return { kind: 'run', spec, input: new Input(new Map(), new Map(), rest) };
	}
	return parseRest(spec, rest);
}

/** The command that the words begin with, and what follows it. */
function findCommand(words: readonly string[], commands: readonly CommandSpec[]) {
	let path = '';
	for (const [index, word] of words.entries()) {
		const longer = path === '' ? word : `${path} ${word}`;
		const spec = commands.find((command) => command.path === longer);
		if (spec !== undefined) return { spec, path: longer, rest: words.slice(index + 1) };
		if (!commands.some((command) => command.path.startsWith(`${longer} `))) return { spec: null, path, rest: words.slice(index) };
		path = longer;
	}
	return { spec: null, path, rest: [] };
}

function knownPath(words: readonly string[], commands: readonly CommandSpec[]): string {
	const { path, rest } = findCommand(words, commands);
	if (rest.length > 0) throw wrongWord(path, rest[0], commands);
	return path;
}

function wrongWord(path: string, word: string | undefined, commands: readonly CommandSpec[]): Error {
	const prefix = path === '' ? '' : `${path} `;
	const next = [
		...new Set(commands.filter((c) => !c.hidden && c.path.startsWith(prefix)).map((c) => c.path.slice(prefix.length).split(' ')[0] ?? '')),
	];
	if (word === undefined || word.startsWith('-')) return usageError(`say what to do: zunbox ${prefix}${next.join('|')}`);
	const near = closest(word, next);
	const advice = near === null ? `zunbox ${prefix}--help lists what there is` : `did you mean zunbox ${prefix}${near}?`;
	return usageError(`there is no command "${prefix}${word}"; ${advice}`);
}

function parseRest(spec: CommandSpec, rest: readonly string[]): Parsed {
	const options = spec.options ?? [];
	const config = parserConfig(options);
	const end = spec.command ? endOfOurs(spec, rest, config) : rest.length;
	const parsed = parseOurs(spec, { ...config, args: withNegatives(rest.slice(0, end), options) });
	if (parsed.values['help'] === true) return { kind: 'help', path: spec.path };
	const given = new Map<string, (string | boolean)[]>();
	for (const token of parsed.tokens) {
		if (token.kind !== 'option') continue;
		const negated = token.rawName.startsWith('--no-') && !options.some(({ name }) => name === token.name && name.startsWith('no-'));
		checkChoice(options, token.name, token.value);
		given.set(token.name, [...(given.get(token.name) ?? []), token.value ?? !negated]);
	}
	return { kind: 'run', spec, input: new Input(given, placeArguments(spec, parsed.positionals), commandWords(spec, rest.slice(end))) };
}

function commandWords(spec: CommandSpec, words: readonly string[]): readonly string[] {
	const command = words[0] === '--' ? words.slice(1) : words;
	if (spec.command === 'required' && command.length === 0) throw usageError(`say which command; see zunbox ${spec.path} --help`);
	return command;
}

interface ParserConfig {
	readonly options: Record<string, { readonly type: 'string' | 'boolean'; readonly multiple?: boolean; readonly short?: string }>;
	readonly allowPositionals: true;
	readonly allowNegative: true;
	readonly tokens: true;
}

function parseOurs(spec: CommandSpec, config: ParserConfig & { readonly args: string[] }) {
	try {
		return parseArgs({ ...config, strict: true });
	} catch (error) {
		throw explained(error, spec);
	}
}

function parserConfig(options: readonly OptionSpec[]): ParserConfig {
	const help = { help: { type: 'boolean', short: 'h' } } as const;
	const entries = options.map(({ name, short, value }) => {
		const type: 'string' | 'boolean' = value === undefined ? 'boolean' : 'string';
		return [name, { type, multiple: true, ...(short === undefined ? {} : { short }) }] as const;
	});
	return { options: { ...help, ...Object.fromEntries(entries) }, allowPositionals: true, allowNegative: true, tokens: true };
}

/** A negative number is the value of the option before it, which the parser takes only where they are one word. */
function withNegatives(words: readonly string[], options: readonly OptionSpec[]): string[] {
	const joined: string[] = [];
	for (const word of words) {
		const before = joined.at(-1);
		const takesValue = options.some(({ name, value }) => value !== undefined && before === `--${name}`);
		if (takesValue && /^-\d+$/.test(word)) joined.splice(-1, 1, `${before}=${word}`);
		else joined.push(word);
	}
	return joined;
}

/** Where the command for somebody else begins: after our last argument, or after `--`. */
function endOfOurs(spec: CommandSpec, rest: readonly string[], config: ParserConfig): number {
	const { tokens } = parseArgs({ ...config, args: [...rest], strict: false });
	let wanted = spec.arguments?.length ?? 0;
	for (const token of tokens) {
		if (token.kind === 'positional') wanted -= 1;
		if (wanted === 0) return token.index + 1;
	}
	return rest.length;
}

function placeArguments(spec: CommandSpec, words: readonly string[]): ReadonlyMap<string, readonly string[]> {
	const placed = new Map<string, readonly string[]>();
	const left = [...words];
	for (const argument of spec.arguments ?? []) {
		const taken = argument.repeat ? left.splice(0) : left.splice(0, 1);
		if (taken.length === 0 && !argument.optional) throw usageError(`<${argument.name}> is missing; see zunbox ${spec.path} --help`);
		const wrong = taken.find((word) => argument.choices?.includes(word) === false);
		if (wrong !== undefined) throw usageError(`<${argument.name}> is ${argument.choices?.join(' or ')}, not "${wrong}"`);
		placed.set(argument.name, taken);
	}
	if (left.length > 0) throw usageError(`"${left[0]}" is one word too many; see zunbox ${spec.path} --help`);
	return placed;
}

function checkChoice(options: readonly OptionSpec[], name: string, value: string | undefined): void {
	const choices = options.find((option) => option.name === name)?.choices;
	if (value === undefined || choices === undefined || choices.includes(value)) return;
	throw usageError(`--${name} is one of ${choices.join(', ')}, not "${value}"`);
}

/** The parser's own words are about its API; these are about the command. */
function explained(error: unknown, spec: CommandSpec): Error {
	if (!(error instanceof Error)) return usageError(String(error));
	const option = /'(-{1,2}[^ '=,]*)/.exec(error.message)?.[1] ?? '';
	if (error.message.startsWith('Unknown option')) {
		const near = closest(
			option,
			(spec.options ?? []).map(({ name }) => `--${name}`),
		);
		const advice = near === null ? `see zunbox ${spec.path} --help` : `did you mean ${near}?`;
		return usageError(`there is no option ${option}; ${advice}`);
	}
	const known = (spec.options ?? []).find(({ name, short }) => option === `--${name}` || option === `-${short}`);
	const name = known === undefined ? option : `--${known.name}`;
	const takes = known?.value === undefined ? 'takes no value' : `needs a value: ${name} <${known.value}>`;
	return usageError(`${name} ${takes}`);
}
