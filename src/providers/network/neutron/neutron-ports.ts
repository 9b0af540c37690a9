import { hasStatus } from '../../../openstack/errors.ts';
import type { NeutronClient, NeutronPort, NeutronSecurityGroup } from '../../../openstack/neutron.ts';
import { asService } from '../../../openstack/session.ts';
import type { Delegation } from '../../delegation.ts';
import { asUser, calling } from '../../openstack-failure.ts';
import { isNotFound } from '../../provider-error.ts';
import type { ExposingOrder, PortFacts, PortOrder, PortService } from '../port-service.ts';

/** Neutron: ports are made in the user's name, and found again by theirs; all else is done by the service user. */
export class NeutronPorts implements PortService {
	readonly #neutron: NeutronClient;

	constructor(neutron: NeutronClient) {
		this.#neutron = neutron;
	}

	async create(order: PortOrder, user: Delegation, signal: AbortSignal): Promise<PortFacts> {
		const caller = asUser(user);
		const created = this.#neutron.createPort(
			caller,
			{
				networkId: order.networkId,
				name: portName(order.sandboxId, order.position),
				description: `Made with sandbox ${order.sandboxId}`,
				...(order.addresses.length === 0 ? {} : { fixedIps: await this.#fixedIps(order, user, signal) }),
				...(order.groupIds === null ? {} : { securityGroupIds: order.groupIds }),
				...(order.macAddress === null ? {} : { macAddress: order.macAddress }),
			},
			signal,
		);
		return factsOf(await calling(caller, created, true));
	}

	async find(projectId: string, sandboxId: string, position: number, signal: AbortSignal): Promise<PortFacts | null> {
		const filter = { name: portName(sandboxId, position), project_id: projectId };
		const [found] = await calling(asService, this.#neutron.ports(asService, filter, signal));
		return found === undefined ? null : factsOf(found);
	}

	async port(portId: string, signal: AbortSignal): Promise<PortFacts | null> {
		try {
			return factsOf(await calling(asService, this.#neutron.port(asService, portId, signal)));
		} catch (error) {
			if (isNotFound(error)) return null;
			throw error;
		}
	}

	async setGroups(portId: string, groupIds: readonly string[], signal: AbortSignal): Promise<void> {
		await calling(asService, this.#neutron.updatePort(asService, portId, { securityGroupIds: groupIds }, signal));
	}

	async remove(portId: string, signal: AbortSignal): Promise<void> {
		await calling(asService, this.#neutron.deletePort(asService, portId, signal));
	}

	async ensureExposing(order: ExposingOrder, signal: AbortSignal): Promise<string> {
		const group = (await this.#exposing(order.projectId, order.containerId, signal)) ?? (await this.#makeExposing(order, signal));
		for (const { port, protocol } of order.ports) {
			for (const ethertype of ['IPv4', 'IPv6'] as const) {
				const range = { protocol, portRangeMin: port, portRangeMax: port, projectId: order.projectId };
				const rule = { securityGroupId: group.id, direction: 'ingress', ethertype, ...range } as const;
				await calling(asService, unlessThere(this.#neutron.createRule(asService, rule, signal)), true);
			}
		}
		return group.id;
	}

	async findExposing(projectId: string, containerId: string, signal: AbortSignal): Promise<string | null> {
		return (await this.#exposing(projectId, containerId, signal))?.id ?? null;
	}

	async removeGroup(groupId: string, signal: AbortSignal): Promise<void> {
		await calling(asService, this.#neutron.deleteSecurityGroup(asService, groupId, signal));
	}

	async #exposing(projectId: string, containerId: string, signal: AbortSignal): Promise<NeutronSecurityGroup | undefined> {
		const filter = { name: groupName(containerId), project_id: projectId };
		const [found] = await calling(asService, this.#neutron.securityGroups(asService, filter, signal));
		return found;
	}

	async #makeExposing({ containerId, projectId }: ExposingOrder, signal: AbortSignal): Promise<NeutronSecurityGroup> {
		const description = `Opens the exposed ports of container ${containerId}`;
		const group = { name: groupName(containerId), description, projectId };
		return await calling(asService, this.#neutron.createSecurityGroup(asService, group, signal), true);
	}

	/** An address that is chosen in one family leaves the other to the network service. */
	async #fixedIps({ networkId, addresses }: PortOrder, user: Delegation, signal: AbortSignal) {
		const caller = asUser(user);
		const chosen = addresses.map((address) => ({ address }));
		const families = new Set(addresses.map((address) => (address.includes(':') ? 6 : 4)));
		const subnets = await calling(caller, this.#neutron.subnets(caller, { network_id: networkId }, signal));
		const other = subnets.find(({ version }) => !families.has(version));
		return other === undefined ? chosen : [...chosen, { subnetId: other.id }];
	}
}

function portName(sandboxId: string, position: number): string {
	return `zunbox-${sandboxId}-${position}`;
}

function groupName(containerId: string): string {
	return `zunbox-${containerId}`;
}

async function unlessThere<T>(creation: Promise<T>): Promise<T | null> {
	try {
		return await creation;
	} catch (error) {
		// The one conflict that is none: the group has that very rule. A quota that is used up is another.
		if (hasStatus(error, 409) && error instanceof Error && /already exists/i.test(error.message)) return null;
		throw error;
	}
}

export function factsOf(port: NeutronPort): PortFacts {
	return {
		portId: port.id,
		projectId: port.projectId,
		networkId: port.networkId,
		macAddress: port.macAddress,
		fixedIps: port.fixedIps.map(({ subnetId, address }) => ({ subnetId, ipAddress: address })),
		groupIds: port.securityGroupIds,
		deviceId: port.deviceId,
	};
}
