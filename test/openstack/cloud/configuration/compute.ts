import type { Place } from '../place.ts';
import { hostName, region, urls } from '../settings.ts';
import type { Sections } from './ini.ts';
import { account, brokerUrl, databaseUrl, messaging, tokenCheck } from './shared.ts';

export function nova(place: Place): Sections {
	return {
		DEFAULT: {
			host: hostName,
			my_ip: '127.0.0.1',
			state_path: place.data('nova'),
			transport_url: brokerUrl,
			enabled_apis: 'osapi_compute',
			report_interval: 5,
			service_down_time: 60,
			cpu_allocation_ratio: 64,
			ram_allocation_ratio: 8,
			disk_allocation_ratio: 8,
			reserved_host_memory_mb: 0,
			vif_plugging_is_fatal: true,
			vif_plugging_timeout: 60,
			block_device_allocate_retries_interval: 1,
			update_resources_interval: 30,
			// The first look at a host is not put off by up to a minute.
			periodic_fuzzy_delay: 0,
		},
		wsgi: { api_paste_config: place.etc('nova', 'api-paste.ini') },
		api: { auth_strategy: 'keystone' },
		api_database: { connection: databaseUrl('nova_api') },
		database: { connection: databaseUrl('nova') },
		placement: account('placement'),
		neutron: account('neutron'),
		service_user: { ...account('nova'), send_service_user_token: true },
		glance: { region_name: region, api_servers: urls.glance },
		cinder: { os_region_name: region },
		conductor: { workers: 1 },
		scheduler: { workers: 1, discover_hosts_in_cells_interval: 2 },
		quota: { instances: -1, cores: -1, ram: -1 },
		// Its rootwrap takes no configuration outside of /etc.
		workarounds: { disable_rootwrap: true },
		vnc: { enabled: false },
		spice: { enabled: false },
		...tokenCheck('nova'),
		...messaging(place),
	};
}

/** Beside nova.conf, for the process on the host that loads the driver. It waits until a test starts the service. */
export function novaCompute(place: Place): Sections {
	return { DEFAULT: { compute_driver: 'zunbox_nova.driver.ZunboxDriver' }, zunbox: { socket: place.agentSocket, start_patience: 3600 } };
}

export function cinder(place: Place): Sections {
	return {
		DEFAULT: {
			host: hostName,
			my_ip: '127.0.0.1',
			state_path: place.data('cinder'),
			transport_url: brokerUrl,
			auth_strategy: 'keystone',
			api_paste_config: place.etc('cinder', 'api-paste.ini'),
			osapi_volume_listen: '127.0.0.1',
			osapi_volume_workers: 1,
			enabled_backends: 'loopfile',
			default_volume_type: 'loopfile',
			glance_api_servers: urls.glance,
			report_interval: 5,
		},
		loopfile: {
			volume_driver: 'loopfile.driver.LoopFileDriver',
			volume_backend_name: 'loopfile',
			loopfile_folder: place.data('cinder', 'volumes'),
		},
		database: { connection: databaseUrl('cinder') },
		nova: account('nova'),
		service_user: { ...account('cinder'), send_service_user_token: true },
		...tokenCheck('cinder'),
		...messaging(place),
	};
}
