import { ConfigError, type ConfigSources, loadConfig, publicUrlOf } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import { messageOf } from '../model/errors.ts';
import { Secret } from '../model/secret.ts';
import { GlanceClient } from '../openstack/glance.ts';
import { KeystoneClient } from '../openstack/keystone.ts';
import { ensureServerImage, type RegistrationStep, register } from '../openstack/registration.ts';
import { Session } from '../openstack/session.ts';
import { openCloud, servicePassword } from './cloud.ts';

/** An administrator of the cloud. */
export interface Administrator {
	readonly authUrl: string;
	readonly username: string | null;
	readonly userId: string | null;
	readonly password: string;
	readonly projectName: string | null;
	readonly projectId: string | null;
	readonly userDomain: { readonly id: string } | { readonly name: string };
	readonly projectDomain: { readonly id: string } | { readonly name: string };
	/** Certificates (PEM) of the cloud's own authority; null = those that the machine trusts. */
	readonly authority: string | null;
}

export interface RegisterRequest {
	readonly sources: ConfigSources;
	readonly administrator: Administrator;
	/** null = that of the configuration. */
	readonly region: string | null;
	/** Roots of the API without `/v1`; null = the public one, which is that of the configuration. */
	readonly urls: { readonly public: string | null; readonly internal: string | null; readonly admin: string | null };
}

export interface Registered {
	readonly steps: readonly RegistrationStep[];
	/** Why the service's own credentials do not work though all is there; null = they do. */
	readonly loginProblem: string | null;
}

/** Makes the service known at Keystone as its configuration has it. Fails with an error whose message is for the administrator. */
export async function registerService(request: RegisterRequest, signal: AbortSignal): Promise<Registered> {
	const config = await loadConfig(request.sources);
	const { openstack } = config;
	if (openstack.password === null && openstack.passwordFile === null) {
		throw new ConfigError(["openstack.passwordFile is not given: it names the file with the service user's password"]);
	}
	const url = withVersion(request.urls.public ?? `${publicUrlOf(config)}${config.api.pathPrefix}`);
	const session = adminSession(request.administrator);
	try {
		const steps = await register(
			new KeystoneClient(session),
			{
				username: openstack.username,
				password: (await servicePassword(config)).reveal(),
				userDomainName: openstack.userDomainName,
				projectName: openstack.projectName,
				projectDomainName: openstack.projectDomainName,
				region: request.region ?? openstack.region,
				urls: {
					public: url,
					internal: request.urls.internal === null ? url : withVersion(request.urls.internal),
					admin: request.urls.admin === null ? url : withVersion(request.urls.admin),
				},
			},
			signal,
		);
		const image = isUuid(config.compute.image) || config.compute.provider !== 'nova' ? [] : [config.compute.image];
		const images = await Promise.all(image.map((name) => ensureServerImage(new GlanceClient(session), name, signal)));
		return { steps: [...steps, ...images], loginProblem: await loginProblem(config, signal) };
	} finally {
		session.close();
	}
}

/** An image that is named by its id is somebody else's to make. */
function isUuid(text: string): boolean {
	return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);
}

function withVersion(url: string): string {
	return `${url.replace(/\/+$/, '').replace(/\/v1$/, '')}/v1`;
}

function adminSession(administrator: Administrator): Session {
	const { userDomain, projectDomain } = administrator;
	return new Session({
		credentials: {
			authUrl: administrator.authUrl,
			username: administrator.username ?? '',
			password: new Secret(administrator.password),
			userDomainName: 'name' in userDomain ? userDomain.name : '',
			projectName: administrator.projectName ?? '',
			projectDomainName: 'name' in projectDomain ? projectDomain.name : '',
			ids: {
				user: administrator.userId ?? undefined,
				userDomain: 'id' in userDomain ? userDomain.id : undefined,
				project: administrator.projectId ?? undefined,
				projectDomain: 'id' in projectDomain ? projectDomain.id : undefined,
			},
		},
		interface: 'public',
		region: null,
		authority: administrator.authority,
	});
}

async function loginProblem(config: Config, signal: AbortSignal): Promise<string | null> {
	const cloud = await openCloud(config, { debug: () => {} });
	if (cloud === null) return null;
	try {
		await cloud.session.own(signal);
		return null;
	} catch (error) {
		return messageOf(error);
	} finally {
		cloud.session.close();
	}
}
