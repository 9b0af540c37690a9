import { readFile } from 'node:fs/promises';
import { Value } from 'typebox/value';
import { defaultConfigFile } from './client.ts';
import { contradictions } from './rules.ts';
import { type Config, type ConfigValues, configSchema } from './schema.ts';
import { isRecord } from './settings.ts';
import { readEnvironment, readFlags, readTree, type SourceResult } from './sources.ts';

/** The configuration cannot be used. The message names every mistake, where it is and what would be right. */
export class ConfigError extends Error {
	override readonly name = 'ConfigError';
	readonly problems: readonly string[];

	constructor(problems: readonly string[]) {
		super(
			`the configuration has ${problems.length === 1 ? 'a mistake' : `${problems.length} mistakes`}:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`,
		);
		this.problems = problems;
	}
}

export interface ConfigSources {
	/** Path of the file; missing = ZUNBOX_CONFIG, or /etc/zunbox/zunbox.yaml when that exists. */
	readonly file?: string;
	readonly environment?: Readonly<Record<string, string | undefined>>;
	/** Options of the command by setting name, such as `{ 'listen.port': '9000' }`. */
	readonly flags?: Readonly<Record<string, string>>;
}

/** Reads the configuration. What is given later wins: defaults, file, environment, flags. Throws ConfigError. */
export async function loadConfig(sources: ConfigSources = {}): Promise<Config> {
	const environment = sources.environment ?? {};
	const read = [await readConfigFile(sources.file, environment), readEnvironment(environment), readFlags(sources.flags ?? {})];
	const problems = read.flatMap((source) => source.problems);
	if (problems.length > 0) throw new ConfigError(problems);
	const config = defaultConfig();
	for (const source of read) for (const [name, value] of source.values) assign(config, name.split('.'), value);
	const wrong = contradictions(config);
	if (wrong.length > 0) throw new ConfigError(wrong);
	return config;
}

/** Every setting at its default. */
export function defaultConfig(): ConfigValues {
	return Value.Create(configSchema);
}

/** Where clients reach the service. `port` is the one it listens on, which matters when the setting is 0. */
export function publicUrlOf(config: Config, port: number = config.listen.port): string {
	if (config.publicUrl !== null) return config.publicUrl;
	const any = config.listen.host === '0.0.0.0' || config.listen.host === '::';
	const host = any ? config.hostname : config.listen.host;
	return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

async function readConfigFile(given: string | undefined, environment: Readonly<Record<string, string | undefined>>): Promise<SourceResult> {
	const named = given ?? (environment['ZUNBOX_CONFIG'] || undefined);
	const path = named ?? defaultConfigFile;
	let content: string;
	try {
		content = await readFile(path, 'utf8');
	} catch (error) {
		if (named === undefined && isRecord(error) && error['code'] === 'ENOENT') return { values: new Map(), problems: [] };
		return { values: new Map(), problems: [`${path} cannot be read: ${error instanceof Error ? error.message : error}`] };
	}
	// Loaded only now: most starts have no file.
	const { parseDocument } = await import('yaml');
	const document = parseDocument(content, { uniqueKeys: true });
	if (document.errors.length > 0) {
		return { values: new Map(), problems: document.errors.map((error) => `${path}: ${error.message.split('\n')[0]}`) };
	}
	return readTree(document.toJS({ maxAliasCount: 100 }), path);
}

function assign(target: object, path: readonly string[], value: unknown): void {
	const [first = '', ...rest] = path;
	if (rest.length === 0) {
		Reflect.set(target, first, value);
		return;
	}
	const inner = Reflect.get(target, first);
	if (isRecord(inner)) assign(inner, rest, value);
}
