import { readFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { CliError } from '../exit-code.ts';
import { type Resource, resourceIn, textIn } from '../resource.ts';
import { type Credentials, domainOf, interfaceOf } from './credentials.ts';

/** Where a clouds.yaml is looked for, first to last, as OpenStack's clients do; then that of the local service. */
function cloudFiles(environment: Readonly<Record<string, string | undefined>>, dataDirectory: string): readonly string[] {
	const named = environment['OS_CLIENT_CONFIG_FILE'];
	const home = environment['XDG_CONFIG_HOME'] || path.join(environment['HOME'] || os.homedir(), '.config');
	return [
		...(named ? [named] : []),
		'clouds.yaml',
		path.join(home, 'openstack', 'clouds.yaml'),
		'/etc/openstack/clouds.yaml',
		path.join(dataDirectory, 'credentials', 'clouds.yaml'),
	];
}

/** The entry `name` of the first clouds.yaml that has it. */
export async function readCloud(
	name: string,
	environment: Readonly<Record<string, string | undefined>>,
	dataDirectory: string,
): Promise<Credentials> {
	const { parse } = await import('yaml');
	const known: string[] = [];
	for (const file of cloudFiles(environment, dataDirectory)) {
		const content = await readFile(file, 'utf8').catch(() => null);
		if (content === null) continue;
		const clouds = resourceIn(asResource(parseYaml(parse, content, file)), 'clouds');
		const cloud = resourceIn(clouds, name);
		if (Object.keys(cloud).length > 0) return fromCloud(await withSecrets(cloud, name, file, parse), file);
		known.push(...Object.keys(clouds));
	}
	const others = known.length === 0 ? 'no clouds.yaml has an entry' : `there are ${known.join(', ')}`;
	throw new CliError(`there is no cloud "${name}"; ${others}`);
}

/** Beside a clouds.yaml there may be a secure.yaml with the parts of its entries that not everybody may read. */
async function withSecrets(cloud: Resource, name: string, file: string, parse: (content: string) => unknown): Promise<Resource> {
	const secure = path.join(path.dirname(file), 'secure.yaml');
	const content = await readFile(secure, 'utf8').catch(() => null);
	if (content === null) return cloud;
	const secrets = resourceIn(resourceIn(asResource(parseYaml(parse, content, secure)), 'clouds'), name);
	return { ...cloud, ...secrets, auth: { ...resourceIn(cloud, 'auth'), ...resourceIn(secrets, 'auth') } };
}

function parseYaml(parse: (content: string) => unknown, content: string, file: string): unknown {
	try {
		return parse(content);
	} catch (error) {
		throw new CliError(`${file} cannot be read: ${error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)}`);
	}
}

function fromCloud(cloud: Resource, source: string): Credentials {
	const auth = resourceIn(cloud, 'auth');
	const read = (field: string): string | null => textIn(auth, field) || null;
	const authUrl = read('auth_url');
	if (authUrl === null) throw new CliError(`${source}: the entry has no auth.auth_url`);
	return {
		authUrl: authUrl.replace(/\/+$/, ''),
		username: read('username'),
		password: read('password'),
		projectName: read('project_name'),
		projectId: read('project_id'),
		applicationCredentialId: read('application_credential_id'),
		applicationCredentialSecret: read('application_credential_secret'),
		token: read('token'),
		source,
		userId: read('user_id'),
		userDomain: domainOf(read('user_domain_id'), read('user_domain_name')),
		projectDomain: domainOf(read('project_domain_id'), read('project_domain_name')),
		region: textIn(cloud, 'region_name') || null,
		interface: interfaceOf(textIn(cloud, 'interface') || textIn(cloud, 'endpoint_type')),
		caFile: textIn(cloud, 'cacert') || null,
	};
}

function asResource(value: unknown): Resource {
	return resourceIn({ value }, 'value');
}
