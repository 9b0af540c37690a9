import { gone } from './errors.ts';
import { Fields } from './fields.ts';
import {
	type NeutronAgent,
	type NeutronFloatingIp,
	type NeutronNetwork,
	type NeutronPort,
	type NeutronRule,
	type NeutronSecurityGroup,
	type NeutronSubnet,
	readAgent,
	readFloatingIp,
	readNetwork,
	readPort,
	readRule,
	readSecurityGroup,
	readSubnet,
} from './neutron-records.ts';
import { asService, type Caller, type Query, type RequestFacts, type Session } from './session.ts';

export type * from './neutron-records.ts';

/** What a port is made of. */
export interface NewPort {
	readonly networkId: string;
	/** Missing = the caller's own; another's needs an administrator. */
	readonly projectId?: string;
	readonly name?: string;
	readonly description?: string;
	/** Each with a subnet, an address, or both; missing = the network service chooses. */
	readonly fixedIps?: readonly { readonly subnetId?: string; readonly address?: string }[];
	/** Missing = the project's default one. */
	readonly securityGroupIds?: readonly string[];
	readonly macAddress?: string;
	/** Placeholder of what it will belong to. */
	readonly deviceId?: string;
	readonly portSecurityEnabled?: boolean;
}

export interface PortChange {
	readonly name?: string;
	readonly description?: string;
	readonly securityGroupIds?: readonly string[];
	readonly deviceId?: string;
	readonly deviceOwner?: string;
}

export interface NewRule {
	readonly securityGroupId: string;
	readonly direction: 'ingress' | 'egress';
	readonly ethertype: 'IPv4' | 'IPv6';
	readonly protocol?: string;
	readonly portRangeMin?: number;
	readonly portRangeMax?: number;
	readonly remoteIpPrefix?: string;
	readonly remoteGroupId?: string;
	readonly projectId?: string;
}

/** Filters by the network service's own names, such as `{ network_id: id, name: 'x' }`. */
export type NeutronFilter = Query;

/**
 * The network service. Every method fails with an OpenStackError: 404 for what is not there (or not the caller's), 409 for
 * a quota that is used up (`OverQuota`), an address that is taken, or something that is in use.
 */
export class NeutronClient {
	readonly #session: Session;

	constructor(session: Session) {
		this.#session = session;
	}

	async networks(caller: Caller, filter: NeutronFilter, signal: AbortSignal): Promise<readonly NeutronNetwork[]> {
		return (await this.#list(caller, 'networks', filter, signal)).map(readNetwork);
	}

	async network(caller: Caller, id: string, signal: AbortSignal): Promise<NeutronNetwork> {
		return readNetwork(await this.#one(caller, 'networks', 'network', id, signal));
	}

	async subnets(caller: Caller, filter: NeutronFilter, signal: AbortSignal): Promise<readonly NeutronSubnet[]> {
		return (await this.#list(caller, 'subnets', filter, signal)).map(readSubnet);
	}

	async subnet(caller: Caller, id: string, signal: AbortSignal): Promise<NeutronSubnet> {
		return readSubnet(await this.#one(caller, 'subnets', 'subnet', id, signal));
	}

	async ports(caller: Caller, filter: NeutronFilter, signal: AbortSignal): Promise<readonly NeutronPort[]> {
		return (await this.#list(caller, 'ports', filter, signal)).map(readPort);
	}

	async port(caller: Caller, id: string, signal: AbortSignal): Promise<NeutronPort> {
		return readPort(await this.#one(caller, 'ports', 'port', id, signal));
	}

	/** Not repeatable: after a failure without an answer, look for its name before asking again. */
	async createPort(caller: Caller, port: NewPort, signal: AbortSignal): Promise<NeutronPort> {
		const body = {
			port: {
				network_id: port.networkId,
				...defined({
					project_id: port.projectId,
					name: port.name,
					description: port.description,
					fixed_ips: port.fixedIps?.map((ip) => defined({ subnet_id: ip.subnetId, ip_address: ip.address })),
					security_groups: port.securityGroupIds,
					mac_address: port.macAddress,
					device_id: port.deviceId,
					port_security_enabled: port.portSecurityEnabled,
				}),
			},
		};
		return readPort((await this.#ask(caller, { method: 'POST', path: '/ports', body }, signal)).fields('port'));
	}

	async updatePort(caller: Caller, id: string, change: PortChange, signal: AbortSignal): Promise<NeutronPort> {
		const port = defined({
			name: change.name,
			description: change.description,
			security_groups: change.securityGroupIds,
			device_id: change.deviceId,
			device_owner: change.deviceOwner,
		});
		const answer = await this.#ask(caller, { method: 'PUT', path: `/ports/${encodeURIComponent(id)}`, body: { port } }, signal);
		return readPort(answer.fields('port'));
	}

	/** Succeeds also when it is not there. Answers whether it was. */
	async deletePort(caller: Caller, id: string, signal: AbortSignal): Promise<boolean> {
		return await this.#delete(caller, 'ports', id, signal);
	}

	async securityGroups(caller: Caller, filter: NeutronFilter, signal: AbortSignal): Promise<readonly NeutronSecurityGroup[]> {
		return (await this.#list(caller, 'security-groups', filter, signal)).map(readSecurityGroup);
	}

	async securityGroup(caller: Caller, id: string, signal: AbortSignal): Promise<NeutronSecurityGroup> {
		return readSecurityGroup(await this.#one(caller, 'security-groups', 'security_group', id, signal));
	}

	/** Not repeatable: names are not unique. */
	async createSecurityGroup(
		caller: Caller,
		group: { readonly name: string; readonly description?: string; readonly projectId?: string },
		signal: AbortSignal,
	): Promise<NeutronSecurityGroup> {
		const body = { security_group: { name: group.name, ...defined({ description: group.description, project_id: group.projectId }) } };
		return readSecurityGroup(
			(await this.#ask(caller, { method: 'POST', path: '/security-groups', body }, signal)).fields('security_group'),
		);
	}

	async deleteSecurityGroup(caller: Caller, id: string, signal: AbortSignal): Promise<boolean> {
		return await this.#delete(caller, 'security-groups', id, signal);
	}

	/** Fails with 409 when the group has such a rule. */
	async createRule(caller: Caller, rule: NewRule, signal: AbortSignal): Promise<NeutronRule> {
		const body = {
			security_group_rule: {
				security_group_id: rule.securityGroupId,
				direction: rule.direction,
				ethertype: rule.ethertype,
				...defined({
					protocol: rule.protocol,
					port_range_min: rule.portRangeMin,
					port_range_max: rule.portRangeMax,
					remote_ip_prefix: rule.remoteIpPrefix,
					remote_group_id: rule.remoteGroupId,
					project_id: rule.projectId,
				}),
			},
		};
		return readRule(
			(await this.#ask(caller, { method: 'POST', path: '/security-group-rules', body }, signal)).fields('security_group_rule'),
		);
	}

	async deleteRule(caller: Caller, id: string, signal: AbortSignal): Promise<boolean> {
		return await this.#delete(caller, 'security-group-rules', id, signal);
	}

	async floatingIps(caller: Caller, filter: NeutronFilter, signal: AbortSignal): Promise<readonly NeutronFloatingIp[]> {
		return (await this.#list(caller, 'floatingips', filter, signal)).map(readFloatingIp);
	}

	/** Administrators only. */
	async agents(filter: NeutronFilter, signal: AbortSignal): Promise<readonly NeutronAgent[]> {
		return (await this.#list(asService, 'agents', filter, signal)).map(readAgent);
	}

	/** Projects with limits of their own. Administrators only: others are refused, where most lists only show them less. */
	async projectsWithQuotas(signal: AbortSignal): Promise<readonly string[]> {
		return (await this.#list(asService, 'quotas', {}, signal)).map((one) => one.textOr('project_id', one.textOr('tenant_id', '')));
	}

	/** Names of the API's extensions that are there. */
	async extensions(signal: AbortSignal): Promise<readonly string[]> {
		return (await this.#list(asService, 'extensions', {}, signal)).map((one) => one.text('alias'));
	}

	async #list(caller: Caller, path: string, query: Query, signal: AbortSignal): Promise<readonly Fields[]> {
		const answer = await this.#ask(caller, { method: 'GET', path: `/${path}`, query }, signal);
		return answer.list(path.replaceAll('-', '_'));
	}

	async #one(caller: Caller, path: string, name: string, id: string, signal: AbortSignal): Promise<Fields> {
		return (await this.#ask(caller, { method: 'GET', path: `/${path}/${encodeURIComponent(id)}` }, signal)).fields(name);
	}

	async #delete(caller: Caller, path: string, id: string, signal: AbortSignal): Promise<boolean> {
		return await gone(this.#ask(caller, { method: 'DELETE', path: `/${path}/${encodeURIComponent(id)}` }, signal));
	}

	async #ask(caller: Caller, facts: RequestFacts, signal: AbortSignal): Promise<Fields> {
		const { body } = await this.#session.request(caller, 'network', facts, signal);
		return new Fields('network', 'answer', body ?? {});
	}
}

function defined(values: Readonly<Record<string, unknown>>): Record<string, unknown> {
	return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}
