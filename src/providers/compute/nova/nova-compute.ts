import { fail } from '../../../model/errors.ts';
import { isId } from '../../../model/ids.ts';
import type { Principal } from '../../../model/principal.ts';
import type { GlanceClient } from '../../../openstack/glance.ts';
import type { NovaClient, NovaServer } from '../../../openstack/nova.ts';
import { asService } from '../../../openstack/session.ts';
import { type Delegation, delegationOf } from '../../delegation.ts';
import { asUser, calling } from '../../openstack-failure.ts';
import { isNotFound } from '../../provider-error.ts';
import type { ComputeProvider, ServerAction, ServerChoice, ServerOrder, ServerState, ServerView, ServerWish } from '../compute-provider.ts';
import { chooseFlavor } from './flavors.ts';

export interface NovaComputeOptions {
	readonly nova: NovaClient;
	readonly glance: GlanceClient;
	/** Id or name of the image that servers are made of. Nothing of it is used, but Nova wants one. */
	readonly image: string;
}

/** Nova: each sandbox is a server in the user's own project, made in the user's name; all else is done by the service user. */
export class NovaCompute implements ComputeProvider {
	readonly #nova: NovaClient;
	readonly #glance: GlanceClient;
	readonly #image: string;
	/** The image's id, once it was found. */
	#imageId: string | null = null;

	constructor({ nova, glance, image }: NovaComputeOptions) {
		this.#nova = nova;
		this.#glance = glance;
		this.#image = image;
	}

	async choose(principal: Principal, wish: ServerWish, signal: AbortSignal): Promise<ServerChoice> {
		const user = asUser(delegationOf(principal));
		const [flavors, imageId] = await Promise.all([calling(user, this.#nova.flavors(user, signal)), this.#findImage(signal)]);
		const { id, vcpus, memoryMib, diskGib } = chooseFlavor(flavors, wish);
		return { flavorId: id, imageId, vcpus, memoryMib, diskGib };
	}

	async create(order: ServerOrder, user: Delegation, signal: AbortSignal): Promise<string> {
		const caller = asUser(user);
		const { name, flavorId, imageId, portIds, availabilityZone, hints, sandboxId } = order;
		const created = this.#nova.createServer(
			caller,
			{
				name,
				flavorId,
				imageId,
				portIds,
				metadata: { zunbox_sandbox: sandboxId },
				tags: [tagOf(sandboxId)],
				...(availabilityZone === null ? {} : { availabilityZone }),
				...(Object.keys(hints).length === 0 ? {} : { schedulerHints: hints }),
			},
			signal,
		);
		return await calling(caller, created, true);
	}

	async find(sandboxId: string, signal: AbortSignal): Promise<readonly ServerView[]> {
		return (await calling(asService, this.#nova.serversByTag(asService, tagOf(sandboxId), signal))).map(viewOf);
	}

	async server(serverId: string, signal: AbortSignal): Promise<ServerView | null> {
		try {
			return viewOf(await calling(asService, this.#nova.server(asService, serverId, signal)));
		} catch (error) {
			if (isNotFound(error)) return null;
			throw error;
		}
	}

	async servers(changedSince: number | null, signal: AbortSignal): Promise<readonly ServerView[]> {
		return (await calling(asService, this.#nova.serversChangedSince(changedSince, signal))).map(viewOf);
	}

	async act(serverId: string, action: ServerAction, signal: AbortSignal): Promise<void> {
		await calling(asService, this.#nova.action(asService, serverId, action, signal));
	}

	async remove(serverId: string, force: boolean, signal: AbortSignal): Promise<void> {
		const removed = force ? this.#nova.forceDelete(serverId, signal) : this.#nova.deleteServer(asService, serverId, signal);
		await calling(asService, removed);
	}

	async attachPort(serverId: string, portId: string, signal: AbortSignal): Promise<void> {
		await calling(asService, this.#nova.attachInterface(asService, serverId, portId, signal));
	}

	async detachPort(serverId: string, portId: string, signal: AbortSignal): Promise<void> {
		await calling(asService, this.#nova.detachInterface(asService, serverId, portId, signal));
	}

	async attachedPorts(serverId: string, signal: AbortSignal): Promise<readonly string[]> {
		return (await calling(asService, this.#nova.interfaces(asService, serverId, signal))).map(({ portId }) => portId);
	}

	async attachVolume(serverId: string, volumeId: string, signal: AbortSignal): Promise<void> {
		await calling(asService, this.#nova.attachVolume(asService, serverId, volumeId, signal));
	}

	async detachVolume(serverId: string, volumeId: string, signal: AbortSignal): Promise<void> {
		await calling(asService, this.#nova.detachVolume(asService, serverId, volumeId, signal));
	}

	async attachedVolumes(serverId: string, signal: AbortSignal): Promise<readonly string[]> {
		return await calling(asService, this.#nova.volumes(asService, serverId, signal));
	}

	async #findImage(signal: AbortSignal): Promise<string> {
		if (isId(this.#image)) return this.#image;
		if (this.#imageId !== null) return this.#imageId;
		const found = await calling(asService, this.#glance.images(asService, { name: this.#image, status: 'active' }, signal));
		const [first, second] = found;
		if (first === undefined || second !== undefined) {
			const what = first === undefined ? 'There is no image' : 'There are several images';
			throw fail(
				'service-unavailable',
				`${what} ${this.#image} (compute.image), of which Nova makes sandboxes: an administrator must see to it.`,
			);
		}
		this.#imageId = first.id;
		return first.id;
	}
}

/** By which a server is found again. */
function tagOf(sandboxId: string): string {
	return `zunbox-${sandboxId}`;
}

const states: Readonly<Record<string, ServerState>> = {
	BUILD: 'building',
	ACTIVE: 'running',
	SHUTOFF: 'stopped',
	PAUSED: 'paused',
	ERROR: 'error',
	DELETED: 'gone',
};

function viewOf(server: NovaServer): ServerView {
	return {
		serverId: server.id,
		projectId: server.projectId,
		state: server.vmState === 'deleted' ? 'gone' : Object.hasOwn(states, server.status) ? (states[server.status] ?? 'other') : 'other',
		busy: server.taskState !== null,
		fault: server.fault,
		host: server.host,
		availabilityZone: server.availabilityZone,
	};
}
