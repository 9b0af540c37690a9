import type { NetworkView } from '../../control/networks/networks.ts';
import type { SecurityGroupView } from '../../control/networks/security-groups.ts';
import type { Port, SecurityGroupRule, Subnet } from '../../model/network.ts';
import type { Shown } from './list-query.ts';

/** Things in Neutron's form. `full` adds what only administrators see. */

export function renderNetwork(network: NetworkView, full: boolean): Shown {
	return {
		id: network.id,
		name: network.name,
		...ownership(network),
		description: network.description,
		status: network.adminStateUp ? 'ACTIVE' : 'DOWN',
		admin_state_up: network.adminStateUp,
		shared: network.shared,
		'router:external': network.external,
		is_default: network.isDefault,
		mtu: network.mtu,
		subnets: network.subnetIds,
		port_security_enabled: network.portSecurityEnabled,
		availability_zone_hints: [],
		availability_zones: [],
		ipv4_address_scope: null,
		ipv6_address_scope: null,
		l2_adjacency: true,
		...(full ? { 'provider:network_type': 'local', 'provider:physical_network': null, 'provider:segmentation_id': null } : {}),
		...standardAttributes(network),
	};
}

export function renderSubnet(subnet: Subnet): Shown {
	return {
		id: subnet.id,
		name: subnet.name,
		...ownership(subnet),
		description: subnet.description,
		network_id: subnet.networkId,
		ip_version: subnet.ipVersion,
		cidr: subnet.cidr,
		gateway_ip: subnet.gatewayIp,
		allocation_pools: subnet.allocationPools,
		dns_nameservers: subnet.dnsNameservers,
		host_routes: subnet.hostRoutes,
		enable_dhcp: subnet.enableDhcp,
		ipv6_address_mode: null,
		ipv6_ra_mode: null,
		service_types: [],
		subnetpool_id: null,
		segment_id: null,
		...standardAttributes(subnet),
	};
}

export function renderPort(port: Port, full: boolean): Shown {
	const bound = port.sandboxId !== null && port.host !== null;
	return {
		id: port.id,
		name: port.name,
		...ownership(port),
		description: port.description,
		network_id: port.networkId,
		mac_address: port.macAddress,
		admin_state_up: port.adminStateUp,
		status: port.status,
		device_id: port.sandboxId ?? '',
		device_owner: port.sandboxId === null ? '' : 'compute:zunbox',
		fixed_ips: port.fixedIps.map((fixedIp) => ({ subnet_id: fixedIp.subnetId, ip_address: fixedIp.ipAddress })),
		security_groups: port.securityGroupIds,
		port_security_enabled: port.portSecurityEnabled,
		allowed_address_pairs: port.allowedAddressPairs.map((pair) => ({
			ip_address: pair.ipAddress,
			mac_address: pair.macAddress ?? port.macAddress,
		})),
		extra_dhcp_opts: [],
		'binding:vnic_type': 'normal',
		...(full
			? {
					'binding:host_id': port.host ?? '',
					'binding:profile': {},
					'binding:vif_type': bound ? 'bridge' : 'unbound',
					'binding:vif_details': bound ? { port_filter: true, connectivity: 'l2' } : {},
				}
			: {}),
		...standardAttributes(port),
	};
}

export function renderSecurityGroup(group: SecurityGroupView): Shown {
	return {
		id: group.id,
		name: group.name,
		...ownership(group),
		description: group.description,
		stateful: true,
		shared: false,
		security_group_rules: group.rules.map(renderSecurityGroupRule),
		...standardAttributes(group),
	};
}

export function renderSecurityGroupRule(rule: SecurityGroupRule): Shown {
	return {
		id: rule.id,
		...ownership(rule),
		description: rule.description,
		security_group_id: rule.securityGroupId,
		direction: rule.direction,
		ethertype: rule.ethertype,
		protocol: rule.protocol,
		port_range_min: rule.portRangeMin,
		port_range_max: rule.portRangeMax,
		remote_ip_prefix: rule.remoteIpPrefix,
		normalized_cidr: rule.remoteIpPrefix,
		remote_group_id: rule.remoteGroupId,
		remote_address_group_id: null,
		...standardAttributes({ createdAt: rule.createdAt, updatedAt: rule.createdAt }),
	};
}

function ownership(thing: { readonly projectId: string }): Shown {
	return { tenant_id: thing.projectId, project_id: thing.projectId };
}

/** The revision grows with each change, since no two changes of a thing have one time. */
function standardAttributes(thing: { readonly createdAt: number; readonly updatedAt: number }): Shown {
	return {
		tags: [],
		created_at: timeText(thing.createdAt),
		updated_at: timeText(thing.updatedAt),
		revision_number: thing.updatedAt - thing.createdAt,
	};
}

function timeText(time: number): string {
	return new Date(time).toISOString().replace(/\.\d+Z$/, 'Z');
}
