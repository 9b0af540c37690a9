import { readFile } from 'node:fs/promises';
import { usesOpenStack } from '../config/openstack-rules.ts';
import type { Config } from '../config/schema.ts';
import { messageOf } from '../model/errors.ts';
import { Secret } from '../model/secret.ts';
import { CinderClient } from '../openstack/cinder.ts';
import { GlanceClient } from '../openstack/glance.ts';
import { KeystoneClient } from '../openstack/keystone.ts';
import { NeutronClient } from '../openstack/neutron.ts';
import { NovaClient } from '../openstack/nova.ts';
import { Session, type SessionLog } from '../openstack/session.ts';

/** The cloud's services, as the service user reaches them. */
export interface Cloud {
	readonly session: Session;
	readonly keystone: KeystoneClient;
	readonly nova: NovaClient;
	readonly neutron: NeutronClient;
	readonly cinder: CinderClient;
	readonly glance: GlanceClient;
}

/** A file that the configuration names cannot be used. The message is for the administrator. */
export class CloudSettingsError extends Error {
	override readonly name = 'CloudSettingsError';
}

/** null where no provider needs them. Nothing is asked yet; who opens it closes the session. */
export async function openCloud(config: Config, log: SessionLog): Promise<Cloud | null> {
	if (!usesOpenStack(config)) return null;
	const { openstack } = config;
	const session = new Session({
		credentials: {
			authUrl: openstack.authUrl ?? '',
			username: openstack.username,
			password: await servicePassword(config),
			userDomainName: openstack.userDomainName,
			projectName: openstack.projectName,
			projectDomainName: openstack.projectDomainName,
		},
		interface: openstack.interface,
		region: openstack.region,
		authority: openstack.caFile === null ? null : await contentOf('openstack.caFile', openstack.caFile),
		requestTimeout: openstack.requestTimeout * 1000,
		maxConnections: openstack.maxConnections,
		log,
	});
	return {
		session,
		keystone: new KeystoneClient(session),
		nova: new NovaClient(session),
		neutron: new NeutronClient(session),
		cinder: new CinderClient(session),
		glance: new GlanceClient(session),
	};
}

/** The service user's password, from wherever the configuration says. */
export async function servicePassword({ openstack }: Config): Promise<Secret> {
	if (openstack.passwordFile === null) return new Secret(openstack.password ?? '');
	const text = (await contentOf('openstack.passwordFile', openstack.passwordFile)).replace(/\r?\n$/, '');
	if (text === '')
		throw new CloudSettingsError(`openstack.passwordFile: ${openstack.passwordFile} is empty; write the service user's password into it`);
	return new Secret(text);
}

async function contentOf(setting: string, file: string): Promise<string> {
	try {
		return await readFile(file, 'utf8');
	} catch (error) {
		throw new CloudSettingsError(`${setting}: ${file} cannot be read: ${messageOf(error)}`);
	}
}
