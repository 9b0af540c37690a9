import type { Fields } from './fields.ts';

/** A server as the compute service shows it. */
export interface NovaServer {
	readonly id: string;
	readonly name: string;
	readonly projectId: string;
	readonly userId: string;
	/** BUILD, ACTIVE, SHUTOFF, PAUSED, ERROR, DELETED, ... */
	readonly status: string;
	/** What is being done with it; null = nothing. */
	readonly taskState: string | null;
	readonly vmState: string | null;
	/** Name of its compute host; null = none yet, or not the caller's to know. */
	readonly host: string | null;
	readonly availabilityZone: string | null;
	readonly metadata: Readonly<Record<string, string>>;
	readonly tags: readonly string[];
	/** Why it is in ERROR, in the compute service's words. */
	readonly fault: string | null;
	/** ms since the epoch. */
	readonly updatedAt: number | null;
	readonly volumeIds: readonly string[];
}

export interface NewServer {
	readonly name: string;
	/** Name inside; given when the service takes it (2.90), else it is made of the name. */
	readonly hostname?: string;
	readonly flavorId: string;
	readonly imageId: string;
	/** In the order of its interfaces. */
	readonly portIds: readonly string[];
	readonly volumes?: readonly { readonly volumeId: string; readonly deleteWithServer: boolean }[];
	readonly metadata: Readonly<Record<string, string>>;
	/** By which it is found again. */
	readonly tags: readonly string[];
	/** `zone` or `zone:host`. */
	readonly availabilityZone?: string;
	readonly schedulerHints?: Readonly<Record<string, unknown>>;
	readonly description?: string;
}

export interface NovaFlavor {
	readonly id: string;
	readonly name: string;
	readonly vcpus: number;
	readonly memoryMib: number;
	readonly diskGib: number;
	readonly isPublic: boolean;
	readonly extraSpecs: Readonly<Record<string, string>>;
}

/** A port of a server. */
export interface NovaInterface {
	readonly portId: string;
	readonly networkId: string;
	readonly macAddress: string;
	readonly addresses: readonly string[];
}

export function bodyOfServer(server: NewServer, withHostname: boolean): object {
	const volumes = server.volumes ?? [];
	const image = { uuid: server.imageId, source_type: 'image', destination_type: 'local', boot_index: 0, delete_on_termination: true };
	const attached = volumes.map((volume) => ({
		uuid: volume.volumeId,
		source_type: 'volume',
		destination_type: 'volume',
		boot_index: -1,
		delete_on_termination: volume.deleteWithServer,
	}));
	return {
		server: {
			name: server.name,
			flavorRef: server.flavorId,
			imageRef: server.imageId,
			networks: server.portIds.length === 0 ? 'none' : server.portIds.map((port) => ({ port })),
			...(attached.length === 0 ? {} : { block_device_mapping_v2: [image, ...attached] }),
			metadata: server.metadata,
			tags: server.tags,
			...(server.availabilityZone === undefined ? {} : { availability_zone: server.availabilityZone }),
			...(server.description === undefined ? {} : { description: server.description }),
			...(withHostname && server.hostname !== undefined ? { hostname: server.hostname } : {}),
		},
		...(server.schedulerHints === undefined ? {} : { 'os:scheduler_hints': server.schedulerHints }),
	};
}

export function readServer(server: Fields): NovaServer {
	const fault = server.fieldsOrNull('fault');
	return {
		id: server.text('id'),
		name: server.textOr('name', ''),
		projectId: server.text('tenant_id'),
		userId: server.textOr('user_id', ''),
		status: server.text('status'),
		taskState: server.textOrNull('OS-EXT-STS:task_state'),
		vmState: server.textOrNull('OS-EXT-STS:vm_state'),
		host: server.textOrNull('OS-EXT-SRV-ATTR:host'),
		availabilityZone: server.textOrNull('OS-EXT-AZ:availability_zone'),
		metadata: server.map('metadata'),
		tags: server.texts('tags'),
		fault: fault === null ? null : fault.textOrNull('message'),
		updatedAt: server.timeOrNull('updated'),
		volumeIds: server.list('os-extended-volumes:volumes_attached').map((volume) => volume.text('id')),
	};
}
