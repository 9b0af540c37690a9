import type { FastifyBaseLogger } from 'fastify';
import type { Config } from '../config/schema.ts';
import { EmbeddedIdentity } from '../providers/identity/embedded/embedded-identity.ts';
import type { Identity } from '../providers/identity/identity.ts';
import { KeystoneIdentity } from '../providers/identity/keystone/keystone-identity.ts';
import type { IdentityManagement } from '../providers/identity/management.ts';
import type { Store } from '../store/store.ts';
import type { Cloud } from './cloud.ts';

const seconds = 1000;

/** Where users are known. */
export interface WiredIdentity {
	readonly identity: Identity;
	/** What its API is served from; null = users are another service's. */
	readonly management: IdentityManagement | null;
	/** To be done once the service listens; `directory` is for the first administrator's credentials. */
	begin(directory: () => Promise<string>): Promise<void>;
}

/** `publicUrl` is asked at each use. */
export function wireIdentity(
	config: Config,
	store: Store,
	cloud: Cloud | null,
	publicUrl: () => string,
	log: FastifyBaseLogger,
): WiredIdentity {
	const settings = config.identity;
	if (settings.provider === 'keystone' && cloud !== null) {
		const { publicAuthUrl, authUrl } = config.openstack;
		const url = publicAuthUrl ?? authUrl ?? '';
		const identity = new KeystoneIdentity({
			keystone: cloud.keystone,
			authUrl: /\/v3$/.test(url) ? url : `${url}/v3`,
			cacheTime: settings.cacheTime * seconds,
			roleNames: { admin: settings.adminRoles, member: settings.memberRoles, reader: settings.readerRoles },
			log,
		});
		return { identity, management: null, begin: async () => {} };
	}
	const identity = new EmbeddedIdentity({
		store,
		publicUrl,
		tokenLifetime: settings.tokenLifetime * seconds,
		passwordHashesAtOnce: settings.passwordHashesAtOnce,
		failuresBeforeDelay: settings.failuresBeforeDelay,
		maxDelay: settings.maxDelay * seconds,
	});
	return {
		identity,
		management: identity,
		async begin(directory) {
			await identity.ensureFirstAdministrator(await directory());
		},
	};
}
