import type { NetworkControl } from '../../control/networks/network-control.ts';
import type { CreateNetwork, NetworkView } from '../../control/networks/networks.ts';
import type { CreatePort, PortChange } from '../../control/networks/ports.ts';
import type {
	CreateSecurityGroup,
	CreateSecurityGroupRule,
	SecurityGroupChange,
	SecurityGroupRuleChange,
	SecurityGroupView,
} from '../../control/networks/security-groups.ts';
import type { CreateSubnet } from '../../control/networks/subnets.ts';
import type { Port, SecurityGroupRule, Subnet } from '../../model/network.ts';
import { failNetwork } from '../../model/network-errors.ts';
import type { NetworkChange, SubnetChange } from '../../providers/network/embedded/networks.ts';
import type { Attributes } from './attributes.ts';
import { renderNetwork, renderPort, renderSecurityGroup, renderSecurityGroupRule, renderSubnet } from './render.ts';
import type { Resource } from './resource.ts';

/**
 * Longest lists in one thing. Most are Neutron's defaults. Without them one port could take all addresses of a network
 * that its project shares with others.
 */
const most = { fixedIps: 5, addressPairs: 10, securityGroups: 64, pools: 64, nameservers: 5, routes: 20 } as const;

const common = ['id', 'name', 'tenant_id', 'project_id', 'description', 'tags', 'created_at', 'updated_at', 'revision_number'] as const;

export function networkResource({ networks }: NetworkControl): Resource<NetworkView, CreateNetwork, NetworkChange> {
	const change = (attributes: Attributes): NetworkChange =>
		given({
			name: attributes.text('name'),
			description: attributes.text('description'),
			adminStateUp: attributes.boolean('admin_state_up'),
			shared: attributes.boolean('shared'),
			external: attributes.boolean('router:external'),
			mtu: attributes.integer('mtu'),
			portSecurityEnabled: attributes.boolean('port_security_enabled'),
		});
	return {
		singular: 'network',
		plural: 'networks',
		collection: networks,
		readCreate: (attributes) => {
			attributes.fixed('is_default', false);
			attributes.fixed('availability_zone_hints');
			attributes.fixed('qos_policy_id');
			attributes.fixed('provider:network_type', 'local');
			return { ...change(attributes), ...given({ projectId: attributes.projectId() }) };
		},
		readUpdate: change,
		render: renderNetwork,
		attributes: [
			...common,
			'status',
			'admin_state_up',
			'shared',
			'router:external',
			'is_default',
			'mtu',
			'subnets',
			'port_security_enabled',
			'provider:network_type',
			'provider:physical_network',
			'provider:segmentation_id',
		],
	};
}

export function subnetResource({ subnets }: NetworkControl): Resource<Subnet, CreateSubnet, SubnetChange> {
	const change = (attributes: Attributes): SubnetChange => {
		attributes.fixed('service_types');
		return given({
			name: attributes.text('name'),
			description: attributes.text('description'),
			gatewayIp: attributes.nullableText('gateway_ip'),
			allocationPools: attributes.things('allocation_pools', most.pools, (pool) => ({
				start: pool.requiredText('start'),
				end: pool.requiredText('end'),
			})),
			dnsNameservers: attributes.texts('dns_nameservers', most.nameservers),
			hostRoutes: attributes.things('host_routes', most.routes, (route) => ({
				destination: route.requiredText('destination'),
				nexthop: route.requiredText('nexthop'),
			})),
			enableDhcp: attributes.boolean('enable_dhcp'),
		});
	};
	return {
		singular: 'subnet',
		plural: 'subnets',
		collection: subnets,
		readCreate: (attributes) => {
			const { name, description, dnsNameservers, hostRoutes, enableDhcp, ...rest } = change(attributes);
			for (const name of ['ipv6_ra_mode', 'ipv6_address_mode', 'subnetpool_id', 'segment_id', 'prefixlen']) attributes.fixed(name);
			attributes.fixed('use_default_subnetpool', false);
			attributes.fixed('dns_publish_fixed_ip', false);
			const request = {
				networkId: attributes.requiredText('network_id'),
				cidr: attributes.requiredText('cidr'),
				name: name ?? '',
				description: description ?? '',
				dnsNameservers: dnsNameservers ?? [],
				hostRoutes: hostRoutes ?? [],
				enableDhcp: enableDhcp ?? true,
			};
			return { ...request, ...rest, ...given({ ipVersion: attributes.integer('ip_version'), projectId: attributes.projectId() }) };
		},
		readUpdate: change,
		render: renderSubnet,
		attributes: [
			...common,
			'network_id',
			'ip_version',
			'cidr',
			'gateway_ip',
			'enable_dhcp',
			'subnetpool_id',
			'ipv6_ra_mode',
			'ipv6_address_mode',
			'segment_id',
		],
	};
}

export function portResource({ ports }: NetworkControl): Resource<Port, CreatePort, PortChange> {
	const change = (attributes: Attributes): PortChange => {
		attributes.fixed('device_owner', '');
		attributes.fixed('binding:host_id', '');
		attributes.fixed('binding:vnic_type', 'normal');
		attributes.fixed('binding:profile');
		attributes.fixed('extra_dhcp_opts');
		attributes.fixed('qos_policy_id');
		const device = attributes.text('device_id');
		if (device !== undefined && device !== '') {
			throw failNetwork('InvalidInput', 'Invalid input for device_id. Reason: a port is attached by the sandbox: use its network_attach.');
		}
		return given({
			name: attributes.text('name'),
			description: attributes.text('description'),
			macAddress: attributes.nullableText('mac_address') ?? undefined,
			adminStateUp: attributes.boolean('admin_state_up'),
			fixedIps: attributes.things('fixed_ips', most.fixedIps, (fixedIp) =>
				given({ ipAddress: fixedIp.text('ip_address'), subnetId: fixedIp.text('subnet_id') }),
			),
			securityGroups: attributes.texts('security_groups', most.securityGroups),
			portSecurityEnabled: attributes.boolean('port_security_enabled'),
			allowedAddressPairs: attributes.things('allowed_address_pairs', most.addressPairs, (pair) => ({
				ipAddress: pair.requiredText('ip_address'),
				macAddress: pair.nullableText('mac_address') ?? null,
			})),
		});
	};
	return {
		singular: 'port',
		plural: 'ports',
		collection: ports,
		readCreate: (attributes) => ({
			...change(attributes),
			networkId: attributes.requiredText('network_id'),
			...given({ projectId: attributes.projectId() }),
		}),
		readUpdate: change,
		render: renderPort,
		attributes: [
			...common,
			'network_id',
			'mac_address',
			'admin_state_up',
			'status',
			'device_id',
			'device_owner',
			'fixed_ips',
			'security_groups',
			'port_security_enabled',
			'binding:host_id',
			'binding:vnic_type',
			'binding:vif_type',
		],
	};
}

export function securityGroupResource({
	securityGroups,
}: NetworkControl): Resource<SecurityGroupView, CreateSecurityGroup, SecurityGroupChange> {
	const change = (attributes: Attributes): SecurityGroupChange => {
		attributes.fixed('stateful', true);
		return given({ name: attributes.text('name'), description: attributes.text('description') });
	};
	return {
		singular: 'security_group',
		plural: 'security_groups',
		collection: securityGroups,
		readCreate: (attributes) => ({ ...change(attributes), ...given({ projectId: attributes.projectId() }) }),
		readUpdate: change,
		render: renderSecurityGroup,
		attributes: [...common, 'stateful', 'shared'],
	};
}

export function securityGroupRuleResource({
	securityGroupRules,
}: NetworkControl): Resource<SecurityGroupRule, CreateSecurityGroupRule, SecurityGroupRuleChange> {
	return {
		singular: 'security_group_rule',
		plural: 'security_group_rules',
		collection: securityGroupRules,
		readCreate: (attributes) => {
			attributes.fixed('remote_address_group_id');
			return {
				securityGroupId: attributes.requiredText('security_group_id'),
				description: attributes.text('description') ?? '',
				direction: oneOf('direction', attributes.requiredText('direction'), ['ingress', 'egress']),
				ethertype: oneOf('ethertype', attributes.nullableText('ethertype') ?? 'IPv4', ['IPv4', 'IPv6']),
				protocol: protocolOf(attributes),
				portRangeMin: attributes.nullableInteger('port_range_min') ?? null,
				portRangeMax: attributes.nullableInteger('port_range_max') ?? null,
				remoteIpPrefix: attributes.nullableText('remote_ip_prefix') ?? null,
				remoteGroupId: attributes.nullableText('remote_group_id') || null,
				...given({ projectId: attributes.projectId() }),
			};
		},
		readUpdate: (attributes) => given({ description: attributes.text('description') }),
		render: renderSecurityGroupRule,
		attributes: [
			...common.filter((name) => name !== 'name'),
			'security_group_id',
			'direction',
			'ethertype',
			'protocol',
			'port_range_min',
			'port_range_max',
			'remote_ip_prefix',
			'remote_group_id',
			'remote_address_group_id',
		],
	};
}

/** Name or number, which may come as a number. */
function protocolOf(attributes: Attributes): string | null {
	try {
		return attributes.nullableText('protocol') ?? null;
	} catch {
		return String(attributes.integer('protocol'));
	}
}

function oneOf<Choice extends string>(name: string, text: string, choices: readonly Choice[]): Choice {
	const choice = choices.find((candidate) => candidate.toLowerCase() === text.toLowerCase());
	if (choice === undefined)
		throw failNetwork('InvalidInput', `Invalid input for ${name}. Reason: '${text}' is not in ${choices.join(', ')}.`);
	return choice;
}

type Given<Values> = { [Key in keyof Values]?: Exclude<Values[Key], undefined> };

/** Without what was not given. */
function given<Values extends Readonly<Record<string, unknown>>>(values: Values): Given<Values>;
function given(values: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
	return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}
