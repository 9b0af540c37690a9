import { usageError } from './exit-code.ts';
import type { Io } from './io.ts';
import { Output, type OutputForm } from './output/output.ts';
import type { Client } from './session/client.ts';
import type { Credentials } from './session/credentials.ts';
import type { Input } from './tree/input.ts';

/** What the service itself does, which the commands only begin. Given by the program's main file. */
export interface Roles {
	/** Runs the service until it is told to stop. `flags` by the names of options, such as `--listen-port`. */
	serve(options: { readonly file?: string; readonly flags: Readonly<Record<string, string>> }): Promise<number>;
	/** Writes a copy of the database in the folder to a file. */
	backUpDatabase(dataDirectory: string, target: string, options: { readonly replace: boolean }): Promise<{ readonly bytes: number }>;
	/** What is wrong with the database; empty = nothing. */
	checkDatabase(dataDirectory: string): Promise<readonly string[]>;
	/** Seals every secret in the database with a new key; answers how many there are. */
	rotateKeys(dataDirectory: string): Promise<number>;
	/** Makes the next start choose a new password for `admin`. */
	resetAdministrator(dataDirectory: string): Promise<void>;
	/** Tests what the service needs with this configuration. Never fails. */
	doctor(sources: ConfigurationSources, signal: AbortSignal): Promise<Examined>;
	/** Makes the service known at Keystone; harmless when repeated. */
	register(request: RegisterRequest, signal: AbortSignal): Promise<Registered>;
}

/** From where the service's own configuration is read. */
export interface ConfigurationSources {
	readonly file?: string;
	readonly environment: Readonly<Record<string, string | undefined>>;
	/** Values by the names of settings. */
	readonly flags: Readonly<Record<string, string>>;
}

export interface Examined {
	readonly healthy: boolean;
	readonly checks: readonly {
		readonly name: string;
		/** ok, warning, failed, skipped. */
		readonly outcome: string;
		readonly found: string;
		readonly advice: string | null;
	}[];
}

export interface RegisterRequest {
	readonly sources: ConfigurationSources;
	/** Credentials of an administrator of the cloud. */
	readonly administrator: Pick<
		Credentials,
		'authUrl' | 'username' | 'userId' | 'projectName' | 'projectId' | 'userDomain' | 'projectDomain'
	> & {
		readonly password: string;
		/** Certificates (PEM) of the cloud's own authority. */
		readonly authority: string | null;
	};
	readonly region: string | null;
	/** null = as the configuration has it. */
	readonly urls: { readonly public: string | null; readonly internal: string | null; readonly admin: string | null };
}

export interface Registered {
	readonly steps: readonly { readonly what: string; readonly done: string }[];
	/** Why the service's own user cannot log in; null = it can. */
	readonly loginProblem: string | null;
}

/** What a command works with. */
export interface CommandContext {
	readonly input: Input;
	readonly io: Io;
	readonly output: Output;
	readonly roles: Roles;
	/** The service, as the caller. */
	client(): Promise<Client>;
	/** Where the local service keeps its files. */
	dataDirectory(): Promise<string>;
}

export function createContext(input: Input, io: Io, roles: Roles): CommandContext {
	const given = input.text('data-directory');
	let client: Promise<Client> | null = null;
	return {
		input,
		io,
		roles,
		output: new Output(io, outputForm(input)),
		client: () => {
			client ??= connect(input, io);
			return client;
		},
		dataDirectory: async () => {
			const { findDataDirectory } = await import('../config/client.ts');
			return await findDataDirectory({ environment: io.environment, ...(given === undefined ? {} : { dataDirectory: given }) });
		},
	};
}

function outputForm(input: Input): OutputForm {
	const form = input.text('output');
	if (input.flag('quiet') === true && form === 'json') throw usageError('--quiet and --output json cannot be given together');
	return input.flag('quiet') === true ? 'ids' : form === 'json' ? 'json' : 'table';
}

async function connect(input: Input, io: Io): Promise<Client> {
	const [{ findCredentials }, { Client }, { TokenCache }] = await Promise.all([
		import('./session/credentials.ts'),
		import('./session/client.ts'),
		import('./session/token-cache.ts'),
	]);
	const dataDirectory = input.text('data-directory');
	const cloud = input.text('os-cloud');
	const credentials = await findCredentials({
		environment: io.environment,
		...(dataDirectory === undefined ? {} : { dataDirectory }),
		...(cloud === undefined ? {} : { cloud }),
	});
	return new Client(credentials, new TokenCache(credentials, io.environment, io.now), io.signal);
}
