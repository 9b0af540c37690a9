import type { Fields } from './fields.ts';

export interface NeutronNetwork {
	readonly id: string;
	readonly name: string;
	readonly projectId: string;
	readonly shared: boolean;
	readonly external: boolean;
	readonly adminStateUp: boolean;
	readonly status: string;
	readonly mtu: number | null;
	readonly subnetIds: readonly string[];
	readonly portSecurityEnabled: boolean;
	/** null = not the caller's to know. */
	readonly physicalType: string | null;
	/** ms since the epoch; null = the service does not tell. */
	readonly createdAt: number | null;
}

export interface NeutronSubnet {
	readonly id: string;
	readonly name: string;
	readonly networkId: string;
	readonly projectId: string;
	readonly cidr: string;
	readonly version: 4 | 6;
	readonly gateway: string | null;
	readonly dhcp: boolean;
	readonly nameservers: readonly string[];
}

export interface NeutronPort {
	readonly id: string;
	readonly name: string;
	readonly description: string;
	readonly networkId: string;
	readonly projectId: string;
	readonly macAddress: string;
	/** ACTIVE, DOWN, BUILD, N/A. */
	readonly status: string;
	readonly adminStateUp: boolean;
	/** Id of the server that has it; empty = none. */
	readonly deviceId: string;
	readonly deviceOwner: string;
	readonly fixedIps: readonly { readonly subnetId: string; readonly address: string }[];
	readonly securityGroupIds: readonly string[];
	/** null = not the caller's to know. */
	readonly bindingHost: string | null;
	readonly vifType: string | null;
	readonly tags: readonly string[];
}

export interface NeutronSecurityGroup {
	readonly id: string;
	readonly name: string;
	readonly description: string;
	readonly projectId: string;
	readonly rules: readonly NeutronRule[];
}

export interface NeutronRule {
	readonly id: string;
	readonly securityGroupId: string;
	readonly direction: string;
	readonly ethertype: string;
	readonly protocol: string | null;
	readonly portRangeMin: number | null;
	readonly portRangeMax: number | null;
	readonly remoteIpPrefix: string | null;
	readonly remoteGroupId: string | null;
}

export interface NeutronFloatingIp {
	readonly id: string;
	readonly address: string;
	readonly fixedAddress: string | null;
	readonly portId: string | null;
	readonly projectId: string;
	readonly status: string;
}

/** An agent of the network service on some host. */
export interface NeutronAgent {
	readonly id: string;
	readonly type: string;
	readonly binary: string;
	readonly host: string;
	readonly alive: boolean;
	readonly adminStateUp: boolean;
}

const projectOf = (record: Fields): string => record.textOr('project_id', record.textOr('tenant_id', ''));

export function readNetwork(network: Fields): NeutronNetwork {
	return {
		id: network.text('id'),
		name: network.textOr('name', ''),
		projectId: projectOf(network),
		shared: network.flag('shared'),
		external: network.flag('router:external'),
		adminStateUp: network.flag('admin_state_up'),
		status: network.textOr('status', ''),
		mtu: network.numberOr('mtu', null),
		subnetIds: network.texts('subnets'),
		portSecurityEnabled: !network.has('port_security_enabled') || network.flag('port_security_enabled'),
		physicalType: network.textOrNull('provider:network_type'),
		createdAt: network.timeOrNull('created_at'),
	};
}

export function readSubnet(subnet: Fields): NeutronSubnet {
	return {
		id: subnet.text('id'),
		name: subnet.textOr('name', ''),
		networkId: subnet.text('network_id'),
		projectId: projectOf(subnet),
		cidr: subnet.text('cidr'),
		version: subnet.number('ip_version') === 6 ? 6 : 4,
		gateway: subnet.textOrNull('gateway_ip'),
		dhcp: subnet.flag('enable_dhcp'),
		nameservers: subnet.texts('dns_nameservers'),
	};
}

export function readPort(port: Fields): NeutronPort {
	return {
		id: port.text('id'),
		name: port.textOr('name', ''),
		description: port.textOr('description', ''),
		networkId: port.text('network_id'),
		projectId: projectOf(port),
		macAddress: port.textOr('mac_address', ''),
		status: port.textOr('status', ''),
		adminStateUp: port.flag('admin_state_up'),
		deviceId: port.textOr('device_id', ''),
		deviceOwner: port.textOr('device_owner', ''),
		fixedIps: port.list('fixed_ips').map((ip) => ({ subnetId: ip.text('subnet_id'), address: ip.text('ip_address') })),
		securityGroupIds: port.texts('security_groups'),
		bindingHost: port.textOrNull('binding:host_id'),
		vifType: port.textOrNull('binding:vif_type'),
		tags: port.texts('tags'),
	};
}

export function readSecurityGroup(group: Fields): NeutronSecurityGroup {
	return {
		id: group.text('id'),
		name: group.textOr('name', ''),
		description: group.textOr('description', ''),
		projectId: projectOf(group),
		rules: group.list('security_group_rules').map(readRule),
	};
}

export function readRule(rule: Fields): NeutronRule {
	return {
		id: rule.text('id'),
		securityGroupId: rule.text('security_group_id'),
		direction: rule.text('direction'),
		ethertype: rule.textOr('ethertype', 'IPv4'),
		protocol: rule.textOrNull('protocol'),
		portRangeMin: rule.numberOr('port_range_min', null),
		portRangeMax: rule.numberOr('port_range_max', null),
		remoteIpPrefix: rule.textOrNull('remote_ip_prefix'),
		remoteGroupId: rule.textOrNull('remote_group_id'),
	};
}

export function readFloatingIp(floating: Fields): NeutronFloatingIp {
	return {
		id: floating.text('id'),
		address: floating.text('floating_ip_address'),
		fixedAddress: floating.textOrNull('fixed_ip_address'),
		portId: floating.textOrNull('port_id'),
		projectId: projectOf(floating),
		status: floating.textOr('status', ''),
	};
}

export function readAgent(agent: Fields): NeutronAgent {
	return {
		id: agent.text('id'),
		type: agent.textOr('agent_type', ''),
		binary: agent.textOr('binary', ''),
		host: agent.text('host'),
		alive: agent.flag('alive'),
		adminStateUp: agent.flag('admin_state_up'),
	};
}
