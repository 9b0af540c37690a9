import type { Place } from '../place.ts';
import { password, ports, region, urls } from '../settings.ts';
import type { Sections } from './ini.ts';

export function databaseUrl(name: string): string {
	return `mysql+pymysql://cloud:${password}@127.0.0.1:${ports.database}/${name}?charset=utf8`;
}

export const brokerUrl = `rabbit://cloud:${password}@127.0.0.1:${ports.broker}/`;

/** How a service calls others as its own user. */
export function account(user: string): Record<string, string> {
	return {
		auth_type: 'password',
		auth_url: urls.keystone,
		username: user,
		password,
		project_name: 'service',
		user_domain_id: 'default',
		project_domain_id: 'default',
		region_name: region,
	};
}

/** How a service checks its callers' tokens. An expired one counts for a while beside a token of a service. */
export function tokenCheck(user: string): Sections {
	return {
		keystone_authtoken: {
			...account(user),
			www_authenticate_uri: urls.keystone,
			memcached_servers: `127.0.0.1:${ports.cache}`,
			service_token_roles: 'service',
			service_token_roles_required: true,
		},
	};
}

/** For services that talk to their other processes through the broker. */
export function messaging(place: Place): Sections {
	return {
		oslo_messaging_rabbit: { heartbeat_in_pthread: false },
		oslo_messaging_notifications: { driver: 'noop' },
		oslo_concurrency: { lock_path: place.data('lock') },
	};
}
