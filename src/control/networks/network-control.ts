import type { Port, SecurityGroupRule, Subnet } from '../../model/network.ts';
import type { Principal } from '../../model/principal.ts';
import type { NetworkChange, SubnetChange } from '../../providers/network/embedded/networks.ts';
import { type Collection, defaultNetworkLimits, type NetworkControlDeps, type NetworkLimits, requireAdmin } from './collection.ts';
import { type CreateNetwork, type NetworkView, networkCollection } from './networks.ts';
import { type CreatePort, type PortChange, portCollection } from './ports.ts';
import {
	type CreateSecurityGroup,
	type CreateSecurityGroupRule,
	type SecurityGroupChange,
	type SecurityGroupRuleChange,
	type SecurityGroupView,
	securityGroupCollection,
	securityGroupRuleCollection,
} from './security-groups.ts';
import { type CreateSubnet, subnetCollection } from './subnets.ts';

/** Limits of a project by Neutron's names of resources; -1 = none. */
export type NetworkQuotas = Readonly<Record<string, number>>;

/** Networks and what belongs to them as resources of their own: what the network API is a front of. */
export interface NetworkControl {
	readonly networks: Collection<NetworkView, CreateNetwork, NetworkChange>;
	readonly subnets: Collection<Subnet, CreateSubnet, SubnetChange>;
	readonly ports: Collection<Port, CreatePort, PortChange>;
	readonly securityGroups: Collection<SecurityGroupView, CreateSecurityGroup, SecurityGroupChange>;
	readonly securityGroupRules: Collection<SecurityGroupRule, CreateSecurityGroupRule, SecurityGroupRuleChange>;
	/** Another project's only for administrators. */
	quotas(principal: Principal, projectId: string): Promise<NetworkQuotas>;
}

export interface NetworkControlOptions extends Omit<NetworkControlDeps, 'limits'> {
	readonly limits?: NetworkLimits;
	/** Limits that control counts: of networks and ports. */
	readonly quotaLimits: (projectId: string) => Promise<{ readonly networks: number; readonly ports: number }>;
}

export function createNetworkControl({ quotaLimits, limits = defaultNetworkLimits, ...rest }: NetworkControlOptions): NetworkControl {
	const deps: NetworkControlDeps = { ...rest, limits };
	return {
		networks: networkCollection(deps),
		subnets: subnetCollection(deps),
		ports: portCollection(deps),
		securityGroups: securityGroupCollection(deps),
		securityGroupRules: securityGroupRuleCollection(deps),
		quotas: async (principal, projectId) => {
			if (projectId !== principal.projectId) requireAdmin(principal, 'the quota of another project');
			const { networks, ports } = await quotaLimits(projectId);
			return {
				network: networks,
				subnet: limits.subnets,
				port: ports,
				security_group: limits.securityGroups,
				security_group_rule: limits.securityGroupRules,
				router: 0,
				floatingip: 0,
				subnetpool: 0,
				rbac_policy: 0,
			};
		},
	};
}
