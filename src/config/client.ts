/**
 * How a client command finds the service and its credentials. It must load in a few ms, so it imports nothing of
 * the schema.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';

export const defaultConfigFile = '/etc/zunbox/zunbox.yaml';
const defaultDataDirectory = '/var/lib/zunbox';

/** What a client needs to log in, in the terms of OpenStack's environment variables. */
export interface ClientSettings {
	/** Keystone v3, such as `http://127.0.0.1:9517/identity/v3`. */
	readonly authUrl: string;
	readonly username: string | null;
	readonly password: string | null;
	readonly projectName: string | null;
	readonly projectId: string | null;
	readonly applicationCredentialId: string | null;
	readonly applicationCredentialSecret: string | null;
	/** A token to use as it is. */
	readonly token: string | null;
	/** Where this was found, for messages: `environment` or the path of a file. */
	readonly source: string;
}

export interface ClientSources {
	readonly environment: Readonly<Record<string, string | undefined>>;
	/** Data directory given as an option. */
	readonly dataDirectory?: string;
}

/** The credentials in OS_* when OS_AUTH_URL is set, else those that the local service wrote; null = neither is there. */
export async function findClientSettings(sources: ClientSources): Promise<ClientSettings | null> {
	if ((sources.environment['OS_AUTH_URL'] ?? '') !== '') return fromVariables(sources.environment, 'environment');
	const file = path.join(await findDataDirectory(sources), 'credentials', 'openrc');
	const content = await readOrNull(file);
	return content === null ? null : fromVariables(parseOpenrc(content), file);
}

/** Where the local service keeps its files, found without reading more of the configuration than must be. */
export async function findDataDirectory(sources: ClientSources): Promise<string> {
	const given = sources.dataDirectory ?? sources.environment['ZUNBOX_DATA_DIRECTORY'];
	if (given !== undefined && given !== '') return given;
	const content = await readOrNull(sources.environment['ZUNBOX_CONFIG'] || defaultConfigFile);
	if (content === null || !content.includes('dataDirectory')) return defaultDataDirectory;
	const { parse } = await import('yaml');
	const tree: unknown = parse(content);
	const configured = typeof tree === 'object' && tree !== null && 'dataDirectory' in tree ? tree.dataDirectory : null;
	return typeof configured === 'string' ? configured : defaultDataDirectory;
}

/** Reads lines of `export NAME='value'`, as the service writes them. */
export function parseOpenrc(content: string): Record<string, string> {
	const found: Record<string, string> = {};
	for (const match of content.matchAll(/^\s*(?:export\s+)?([A-Z][A-Z0-9_]*)=(.*)$/gm)) {
		const [, name = '', value = ''] = match;
		found[name] = value.startsWith("'") ? value.replaceAll("'\\''", "'").slice(1, -1) : value;
	}
	return found;
}

function fromVariables(variables: Readonly<Record<string, string | undefined>>, source: string): ClientSettings {
	const read = (name: string): string | null => variables[name] || null;
	return {
		authUrl: (read('OS_AUTH_URL') ?? '').replace(/\/+$/, ''),
		username: read('OS_USERNAME'),
		password: read('OS_PASSWORD'),
		projectName: read('OS_PROJECT_NAME'),
		projectId: read('OS_PROJECT_ID'),
		applicationCredentialId: read('OS_APPLICATION_CREDENTIAL_ID'),
		applicationCredentialSecret: read('OS_APPLICATION_CREDENTIAL_SECRET'),
		token: read('OS_TOKEN'),
		source,
	};
}

/** null = not there. One that may not be read is an error, which tells a user that root's credentials are not theirs. */
async function readOrNull(file: string): Promise<string | null> {
	try {
		return await readFile(file, 'utf8');
	} catch (error) {
		if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return null;
		throw error;
	}
}
