import { fail } from '../../../model/errors.ts';
import { isId } from '../../../model/ids.ts';
import { inCidr, parseCidr, parseIp } from '../../../model/ip.ts';
import { failNetwork } from '../../../model/network-errors.ts';
import { isAdmin, type Principal } from '../../../model/principal.ts';
import type { NeutronClient, NeutronNetwork, NeutronPort } from '../../../openstack/neutron.ts';
import type { Caller } from '../../../openstack/session.ts';
import { one, preferOwn } from '../../choose.ts';
import { delegationOf } from '../../delegation.ts';
import { asUser, calling } from '../../openstack-failure.ts';
import type { NetworkResolver, RequestedNet } from '../network-provider.ts';
import { factsOf } from './neutron-ports.ts';

/** What users name, looked up with their own tokens: what they may not see is not there. */
export class NeutronResolver implements NetworkResolver {
	readonly #neutron: NeutronClient;

	constructor(neutron: NeutronClient) {
		this.#neutron = neutron;
	}

	async nets(
		principal: Principal,
		nets: readonly RequestedNet[],
		securityGroups: readonly string[] | null,
		signal: AbortSignal,
	): Promise<{ readonly nets: readonly RequestedNet[]; readonly securityGroups: readonly string[] }> {
		const user = asUser(delegationOf(principal));
		const wanted = nets.length > 0 ? nets : [{ network: (await this.#default(user, principal, signal)).id }];
		const [resolved, groups] = await Promise.all([
			Promise.all(wanted.map((net) => this.#net(user, principal, net, signal))),
			Promise.all((securityGroups ?? ['default']).map((group) => this.#group(user, principal, group, signal))),
		]);
		return { nets: resolved, securityGroups: [...new Set(groups)] };
	}

	async network(principal: Principal, idOrName: string, signal: AbortSignal): Promise<string> {
		return (await this.#network(asUser(delegationOf(principal)), principal, idOrName, signal)).id;
	}

	async port(principal: Principal, idOrName: string, signal: AbortSignal): Promise<string> {
		return (await this.#port(asUser(delegationOf(principal)), principal, idOrName, signal)).id;
	}

	async securityGroup(principal: Principal, idOrName: string, signal: AbortSignal): Promise<string> {
		return await this.#group(asUser(delegationOf(principal)), principal, idOrName, signal);
	}

	async #net(user: Caller, principal: Principal, net: RequestedNet, signal: AbortSignal): Promise<RequestedNet> {
		if (net.port !== undefined) {
			const port = await this.#port(user, principal, net.port, signal);
			if (port.projectId !== principal.projectId)
				throw fail('port-not-usable', `Port ${port.id} is not usable: it belongs to another project.`);
			if (port.deviceId !== '') throw failNetwork('PortInUse', `Port ${port.id} is in use by ${port.deviceId}.`);
			const network = await calling(user, this.#neutron.network(user, port.networkId, signal));
			return { ...net, resolved: { networkId: network.id, portSecurity: network.portSecurityEnabled, port: factsOf(port) } };
		}
		const network = await this.#network(user, principal, net.network ?? '', signal);
		if (network.external && !network.shared && network.projectId !== principal.projectId && !isAdmin(principal)) {
			throw fail('external-network-attach-forbidden', `It is not allowed to create an interface on external network ${network.id}.`);
		}
		await this.#requireAddresses(user, network, net, signal);
		return { ...net, resolved: { networkId: network.id, portSecurity: network.portSecurityEnabled, port: null } };
	}

	/** Whether an address is free is known when its port is made; that it can never be had is known now. */
	async #requireAddresses(user: Caller, network: NeutronNetwork, net: RequestedNet, signal: AbortSignal): Promise<void> {
		if (network.subnetIds.length === 0) {
			throw fail('invalid-value', `Network ${network.id} has no subnet, so its ports have no addresses: make a subnet first.`);
		}
		const chosen = [net.v4FixedIp ?? '', net.v6FixedIp ?? ''].filter((address) => address !== '');
		if (chosen.length === 0) return;
		const subnets = await calling(user, this.#neutron.subnets(user, { network_id: network.id }, signal));
		for (const address of chosen) {
			const ip = parseIp(address);
			if (ip === null) throw fail('invalid-value', `'${address}' is not an address.`);
			const within = subnets.some(({ cidr }) => {
				const block = parseCidr(cidr);
				return block !== null && inCidr(block, ip);
			});
			if (!within) throw failNetwork('InvalidIpForNetwork', `Address ${address} is in no subnet of network ${network.id}.`);
		}
	}

	/** The project's own network made first, else one that is shared and no way out. */
	async #default(user: Caller, principal: Principal, signal: AbortSignal): Promise<NeutronNetwork> {
		const own = await calling(user, this.#neutron.networks(user, { project_id: principal.projectId }, signal));
		// The network service cannot sort by that.
		const usable = own.filter(({ external }) => !external).sort((one, other) => (one.createdAt ?? 0) - (other.createdAt ?? 0));
		const [first] =
			usable.length > 0 ? usable : await calling(user, this.#neutron.networks(user, { shared: true, 'router:external': false }, signal));
		if (first === undefined) throw fail('conflict', 'There is no network to connect to: make one first.');
		return first;
	}

	async #network(user: Caller, principal: Principal, ref: string, signal: AbortSignal): Promise<NeutronNetwork> {
		const found = await findAll(user, ref, (filter) => this.#neutron.networks(user, filter, signal));
		return one(preferOwn(found, principal.projectId), 'network', ref, () =>
			failNetwork('NetworkNotFound', `Network ${ref} could not be found.`),
		);
	}

	async #port(user: Caller, principal: Principal, ref: string, signal: AbortSignal): Promise<NeutronPort> {
		const found = await findAll(user, ref, (filter) => this.#neutron.ports(user, filter, signal));
		return one(preferOwn(found, principal.projectId), 'port', ref, () => failNetwork('PortNotFound', `Port ${ref} could not be found.`));
	}

	async #group(user: Caller, principal: Principal, ref: string, signal: AbortSignal): Promise<string> {
		const found = await findAll(user, ref, (filter) => this.#neutron.securityGroups(user, filter, signal));
		// Every project has one of the name `default`, and an administrator sees them all.
		const own = isId(ref) ? preferOwn(found, principal.projectId) : found.filter(({ projectId }) => projectId === principal.projectId);
		return one(own, 'security group', ref, () => failNetwork('SecurityGroupNotFound', `Security group ${ref} does not exist.`)).id;
	}
}

/** By id, or, where no thing has it, by name. */
async function findAll<Thing>(
	user: Caller,
	ref: string,
	list: (filter: Readonly<Record<string, string>>) => Promise<readonly Thing[]>,
): Promise<readonly Thing[]> {
	const byId = isId(ref) ? await calling(user, list({ id: ref })) : [];
	return byId.length > 0 ? byId : await calling(user, list({ name: ref }));
}
