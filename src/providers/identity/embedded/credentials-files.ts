import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { failPoint } from '../../../faults/fail-point.ts';
import { makePrivateDirectory, writePrivateFile } from '../../../store/private-file.ts';

/** What the files hold, for clients on this machine. */
export interface Credentials {
	/** Keystone v3 URL. */
	readonly authUrl: string;
	readonly username: string;
	/** Letters, digits, `-` and `_` only, so that it needs no escapes in either file. */
	readonly password: string;
	readonly projectName: string;
}

/** Writes both files, readable for the owner alone. The openrc comes last: when it is there, both are. */
export async function writeCredentials(directory: string, credentials: Credentials): Promise<void> {
	await makePrivateDirectory(directory);
	await writePrivateFile(path.join(directory, 'clouds.yaml'), cloudsYaml(credentials));
	failPoint('identity.first-start.clouds-yaml-written');
	await writePrivateFile(openrcPath(directory), openrc(credentials));
}

/** The credentials in the openrc; null when it is not there or is not as it was written. */
export async function readCredentials(directory: string): Promise<Credentials | null> {
	let content: string;
	try {
		content = await readFile(openrcPath(directory), 'utf8');
	} catch (error) {
		if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return null;
		throw error;
	}
	const read = (name: string): string => new RegExp(`^export ${name}='([^']*)'$`, 'm').exec(content)?.[1] ?? '';
	const found = {
		authUrl: read('OS_AUTH_URL'),
		username: read('OS_USERNAME'),
		password: read('OS_PASSWORD'),
		projectName: read('OS_PROJECT_NAME'),
	};
	return Object.values(found).includes('') ? null : found;
}

function openrcPath(directory: string): string {
	return path.join(directory, 'openrc');
}

function cloudsYaml({ authUrl, username, password, projectName }: Credentials): string {
	return `# For OpenStack clients: OS_CLIENT_CONFIG_FILE=<this file> openstack --os-cloud zunbox …
clouds:
  zunbox:
    auth:
      auth_url: ${JSON.stringify(authUrl)}
      username: ${JSON.stringify(username)}
      password: ${JSON.stringify(password)}
      project_name: ${JSON.stringify(projectName)}
      user_domain_name: Default
      project_domain_name: Default
    region_name: RegionOne
    identity_api_version: 3
`;
}

function openrc({ authUrl, username, password, projectName }: Credentials): string {
	return `# For OpenStack clients: . <this file>
unset OS_CLOUD OS_TOKEN OS_AUTH_TYPE OS_PROJECT_ID OS_USER_ID
export OS_AUTH_URL='${authUrl}'
export OS_USERNAME='${username}'
export OS_PASSWORD='${password}'
export OS_PROJECT_NAME='${projectName}'
export OS_USER_DOMAIN_NAME='Default'
export OS_PROJECT_DOMAIN_NAME='Default'
export OS_IDENTITY_API_VERSION='3'
export OS_REGION_NAME='RegionOne'
`;
}
