import path from 'node:path';
import { type ClientSettings, findClientSettings, findDataDirectory } from '../../config/client.ts';
import { CliError, exitCodes } from '../exit-code.ts';

/** Who the caller is and where they log in. */
export interface Credentials extends ClientSettings {
	/** Instead of the name. */
	readonly userId: string | null;
	readonly userDomain: Domain;
	readonly projectDomain: Domain;
	/** null = whatever the catalog has first. */
	readonly region: string | null;
	/** Which of the catalog's addresses is used: public, internal or admin. */
	readonly interface: string;
	/** File with the certificates (PEM) that a service's own is checked with; null = those that the machine trusts. */
	readonly caFile: string | null;
}

/** Users' and projects' names are of a domain, which itself is known by id or name. */
export type Domain = { readonly id: string } | { readonly name: string };

export function domainOf(id: string | null | undefined, name: string | null | undefined): Domain {
	return id ? { id } : { name: name || 'Default' };
}

/** `public` of `publicURL` too, as older clients write it. */
export function interfaceOf(text: string | null | undefined): string {
	return (text || 'public').replace(/URL$/, '');
}

export interface CredentialSources {
	readonly environment: Readonly<Record<string, string | undefined>>;
	readonly dataDirectory?: string;
	/** Entry of a clouds.yaml. */
	readonly cloud?: string;
}

/** The credentials that a command works with: those of a named cloud, of OS_* variables, or of the local service. */
export async function findCredentials(sources: CredentialSources): Promise<Credentials> {
	const { environment } = sources;
	const cloud = sources.cloud ?? (environment['OS_CLOUD'] || undefined);
	if (cloud !== undefined) {
		const { readCloud } = await import('./clouds.ts');
		return await readCloud(cloud, environment, await findDataDirectory(sources));
	}
	const settings = await localSettings(sources);
	return {
		...settings,
		userId: environment['OS_USER_ID'] || null,
		userDomain: domainOf(environment['OS_USER_DOMAIN_ID'], environment['OS_USER_DOMAIN_NAME']),
		projectDomain: domainOf(environment['OS_PROJECT_DOMAIN_ID'], environment['OS_PROJECT_DOMAIN_NAME']),
		region: environment['OS_REGION_NAME'] || null,
		interface: interfaceOf(environment['OS_INTERFACE'] || environment['OS_ENDPOINT_TYPE']),
		caFile: environment['OS_CACERT'] || null,
	};
}

async function localSettings(sources: CredentialSources): Promise<ClientSettings> {
	let settings: ClientSettings | null;
	try {
		settings = await findClientSettings(sources);
	} catch (error) {
		if (!(error instanceof Error && 'code' in error && error.code === 'EACCES')) throw error;
		throw new CliError(
			"the local service's credentials are for its own user only: use sudo, or set OS_AUTH_URL, OS_USERNAME, OS_PASSWORD and OS_PROJECT_NAME",
		);
	}
	if (settings !== null) return settings;
	const file = path.join(await findDataDirectory(sources), 'credentials', 'openrc');
	throw new CliError(
		`no service has been started here (${file} is not there); start it with npm start or zunbox serve, or set OS_AUTH_URL to reach another`,
		exitCodes.noService,
	);
}
