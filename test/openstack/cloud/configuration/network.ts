import type { Place } from '../place.ts';
import { hostName, systemPath } from '../settings.ts';
import type { Sections } from './ini.ts';
import { account, brokerUrl, databaseUrl, messaging, tokenCheck } from './shared.ts';

/** Link of the host that flat networks go out by. */
export const physicalLink = 'cloud-phys0';

export function neutron(place: Place): Sections {
	return {
		DEFAULT: {
			host: hostName,
			bind_host: '127.0.0.1',
			core_plugin: 'ml2',
			service_plugins: '',
			auth_strategy: 'keystone',
			api_paste_config: place.etc('neutron', 'api-paste.ini'),
			state_path: place.data('neutron'),
			transport_url: brokerUrl,
			api_workers: 1,
			rpc_workers: 1,
			rpc_state_report_workers: 0,
			notify_nova_on_port_status_changes: true,
			notify_nova_on_port_data_changes: true,
			// Nova waits for these with each server that it builds.
			send_events_interval: 0,
		},
		experimental: { linuxbridge: true },
		agent: {
			// The agents are root already; this only puts the cloud's own ebtables first.
			root_helper: `env PATH=${place.folder}/bin:${systemPath}`,
			report_interval: 10,
			polling_interval: 1,
		},
		database: { connection: databaseUrl('neutron') },
		nova: account('nova'),
		placement: account('placement'),
		...tokenCheck('neutron'),
		...messaging(place),
	};
}

export const ml2: Sections = {
	ml2: { type_drivers: 'local,flat', tenant_network_types: 'local', mechanism_drivers: 'linuxbridge', extension_drivers: 'port_security' },
	ml2_type_flat: { flat_networks: 'physnet1' },
	securitygroup: { enable_ipset: true },
};

export const linuxBridgeAgent: Sections = {
	linux_bridge: { physical_interface_mappings: `physnet1:${physicalLink}` },
	vxlan: { enable_vxlan: false },
	securitygroup: { firewall_driver: 'iptables', enable_security_group: true, enable_ipset: true },
};

export const dhcpAgent: Sections = { DEFAULT: { interface_driver: 'linuxbridge', enable_isolated_metadata: false } };
