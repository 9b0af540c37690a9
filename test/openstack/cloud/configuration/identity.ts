import type { Place } from '../place.ts';
import { ports } from '../settings.ts';
import type { Sections } from './ini.ts';
import { databaseUrl, tokenCheck } from './shared.ts';

export function keystone(place: Place): Sections {
	return {
		DEFAULT: { log_file: place.log('keystone.log') },
		database: { connection: databaseUrl('keystone') },
		token: { provider: 'fernet' },
		fernet_tokens: { key_repository: place.data('keystone', 'fernet') },
		credential: { key_repository: place.data('keystone', 'credential') },
		// The least: what is tested here is not how hard a password is to guess.
		identity: { password_hash_rounds: 4 },
		cache: { enabled: true, backend: 'dogpile.cache.pymemcache', memcache_servers: `127.0.0.1:${ports.cache}` },
	};
}

export function placement(place: Place): Sections {
	return {
		DEFAULT: { log_file: place.log('placement.log') },
		api: { auth_strategy: 'keystone' },
		placement_database: { connection: databaseUrl('placement') },
		...tokenCheck('placement'),
	};
}

export function glance(place: Place): Sections {
	return {
		DEFAULT: {
			log_file: place.log('glance.log'),
			bind_host: '127.0.0.1',
			bind_port: ports.glance,
			// One process, which is the server itself.
			workers: 0,
			enabled_backends: 'files:file',
			node_staging_uri: `file://${place.data('glance', 'staging')}`,
		},
		glance_store: { default_backend: 'files' },
		files: { filesystem_store_datadir: place.data('glance', 'images') },
		os_glance_staging_store: { filesystem_store_datadir: place.data('glance', 'staging') },
		os_glance_tasks_store: { filesystem_store_datadir: place.data('glance', 'tasks') },
		database: { connection: databaseUrl('glance') },
		paste_deploy: { flavor: 'keystone' },
		oslo_concurrency: { lock_path: place.data('lock') },
		...tokenCheck('glance'),
	};
}
