import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { fail } from '../../../src/model/errors.ts';
import type { Principal } from '../../../src/model/principal.ts';
import type { ServerCall, ServerPort, ServerVolume } from '../../../src/model/server.ts';
import type {
	ComputeProvider,
	ServerAction,
	ServerOrder,
	ServerState,
	ServerView,
	ServerWish,
} from '../../../src/providers/compute/compute-provider.ts';
import type { Delegation } from '../../../src/providers/delegation.ts';
import type { NetworkResolver, RequestedNet } from '../../../src/providers/network/network-provider.ts';
import type { ExposingOrder, PortFacts, PortOrder, PortService } from '../../../src/providers/network/port-service.ts';
import { ProviderError } from '../../../src/providers/provider-error.ts';
import type { VolumeService } from '../../../src/providers/volume/volume-service.ts';
import { ModelVolumes } from './model-volumes.ts';
import { Script } from './script.ts';

/** The compute service's driver on a host: a call that it is done with, or the reason why not. */
export type HostDriver = (call: ServerCall) => Promise<void>;

interface ModelServer {
	readonly id: string;
	readonly order: ServerOrder;
	readonly projectId: string;
	state: ServerState;
	busy: boolean;
	fault: string | null;
	host: string | null;
	portIds: string[];
	changedAt: number;
}

interface ModelPort extends PortFacts {
	readonly name: string;
	readonly groupIds: readonly string[];
	deviceId: string;
}

const flavors = [
	{ name: 'small', vcpus: 1, memoryMib: 512, diskGib: 1 },
	{ name: 'large', vcpus: 8, memoryMib: 16384, diskGib: 100 },
];

/**
 * A compute service and a network service in memory, as far as sandboxes are concerned. They outlive the process that
 * uses them: `connect` gives what one process sees of them. Servers are built, changed and deleted beside the calls, and
 * their hosts' drivers are called as the real one calls them.
 */
export class ModelCloud {
	readonly servers = new Map<string, ModelServer>();
	readonly ports = new Map<string, ModelPort>();
	readonly groups = new Map<string, { readonly id: string; readonly name: string; readonly projectId: string; rules: number }>();
	readonly volumes = new ModelVolumes();
	readonly networks = new Map<string, { readonly id: string; readonly name: string }>();
	/** Tokens that are taken. */
	readonly tokens = new Set<string>();
	/** By host; a host without one is down. */
	readonly drivers = new Map<string, HostDriver>();
	/** Why the next servers cannot be placed; null = they can. */
	noValidHost: string | null = null;
	/** Where servers are put. */
	host = 'host-1';
	/** What a change of state takes, in ms. */
	pace = 1;
	/** Waits for this before a server is built. */
	beforeBuild: Promise<void> = Promise.resolve();
	/** List calls of servers that were made. */
	lists = 0;
	#addresses = 10;
	#work = new Set<Promise<void>>();

	constructor() {
		for (const name of ['net-a', 'net-b']) this.networks.set(name, { id: randomUUID(), name });
	}

	networkId(name: string): string {
		return this.networks.get(name)?.id ?? '';
	}

	/** What a process sees of it, and what goes wrong with that. */
	connect(): {
		readonly script: Script;
		readonly provider: ComputeProvider;
		readonly portService: PortService;
		readonly resolver: NetworkResolver;
		readonly volumeService: VolumeService;
	} {
		const script = new Script();
		return {
			script,
			provider: this.#provider(script),
			portService: this.#portService(script),
			resolver: this.#resolver(),
			volumeService: this.volumes.service(script, (user) => this.#check(user)),
		};
	}

	/** Ends when nothing goes on beside the calls. */
	async settled(): Promise<void> {
		while (this.#work.size > 0) await Promise.allSettled(this.#work);
	}

	/** Does with a server what a user does with the compute service's own tools. */
	async act(serverId: string, action: ServerAction | 'delete'): Promise<void> {
		const server = this.#server(serverId);
		if (action === 'delete') this.#delete(server);
		else this.#act(server, action);
		await this.settled();
	}

	/** A server that somebody made without us. */
	async boot(projectId: string, name: string, metadata: Readonly<Record<string, string>> = {}): Promise<string> {
		const order = { sandboxId: '', name, flavorId: '1', imageId: '1', availabilityZone: null, hints: {}, portIds: [], requestId: '' };
		const server = this.#insert(order, projectId);
		this.#begin(() => this.#build(server, metadata));
		await this.settled();
		return server.id;
	}

	serverOf(sandboxId: string): ModelServer | undefined {
		return [...this.servers.values()].find((server) => server.order.sandboxId === sandboxId && server.state !== 'gone');
	}

	/** Servers that are not gone, and ports and groups: what must not be left over. */
	left(): { readonly servers: number; readonly ports: number; readonly groups: number } {
		const servers = [...this.servers.values()].filter(({ state }) => state !== 'gone').length;
		return { servers, ports: this.ports.size, groups: this.groups.size };
	}

	/** As a user does it with the compute service's own tools. */
	async detachVolume(serverId: string, volumeId: string): Promise<void> {
		this.#detachVolume(serverId, volumeId);
		await this.settled();
	}

	/** A port that a user made. */
	makePort(projectId: string, network: string): string {
		return this.#makePort({ name: 'own', projectId, networkId: this.networkId(network), groupIds: ['group-default'], addresses: [] })
			.portId;
	}

	#provider(script: Script): ComputeProvider {
		return {
			choose: async (_principal: Principal, wish: ServerWish) => {
				const fit = flavors.find(
					(flavor) => flavor.vcpus >= wish.cpu && flavor.memoryMib >= wish.memoryMib && flavor.diskGib >= wish.diskGib,
				);
				if (fit === undefined) throw fail('invalid-value', 'No flavor is large enough.');
				return { flavorId: fit.name, imageId: 'image', vcpus: fit.vcpus, memoryMib: fit.memoryMib, diskGib: fit.diskGib };
			},
			create: (order, user, signal) =>
				script.run('create', signal, () => {
					this.#check(user);
					for (const portId of order.portIds) {
						const port = this.ports.get(portId);
						if (port === undefined) throw new ProviderError('refused', `Port ${portId} could not be found.`);
						if (port.deviceId !== '') throw new ProviderError('refused', `Port ${portId} is still in use.`);
					}
					const server = this.#insert(order, user.projectId);
					for (const portId of order.portIds) this.#port(portId).deviceId = server.id;
					this.#begin(() => this.#build(server, { zunbox_sandbox: order.sandboxId }));
					return server.id;
				}),
			find: (sandboxId, signal) =>
				script.run('find', signal, () =>
					[...this.servers.values()].filter((server) => server.order.sandboxId === sandboxId && server.state !== 'gone').map(viewOf),
				),
			server: (serverId, signal) =>
				script.run('server', signal, () => {
					const server = this.servers.get(serverId);
					return server === undefined || server.state === 'gone' ? null : viewOf(server);
				}),
			servers: (changedSince, signal) =>
				script.run('servers', signal, () => {
					this.lists += 1;
					const all = [...this.servers.values()];
					const seen =
						changedSince === null ? all.filter(({ state }) => state !== 'gone') : all.filter(({ changedAt }) => changedAt >= changedSince);
					return seen.map(viewOf);
				}),
			act: (serverId, action, signal) => script.run(action, signal, () => this.#act(this.#server(serverId), action)),
			remove: (serverId, _force, signal) =>
				script.run('remove', signal, () => {
					const server = this.servers.get(serverId);
					if (server !== undefined && server.state !== 'gone') this.#delete(server);
				}),
			attachPort: (serverId, portId, signal) =>
				script.run('attachPort', signal, async () => {
					const server = this.#server(serverId);
					const port = this.#port(portId);
					port.deviceId = serverId;
					await this.#host(server)({ kind: 'attach-port', serverId, port: this.#wired(port) });
					server.portIds.push(portId);
				}),
			detachPort: (serverId, portId, signal) =>
				script.run('detachPort', signal, () => {
					const server = this.#server(serverId);
					if (!server.portIds.includes(portId)) return;
					this.#begin(async () => {
						await this.#host(server)({ kind: 'detach-port', serverId, portId });
						server.portIds = server.portIds.filter((id) => id !== portId);
						this.#unbind(portId);
					});
				}),
			attachedPorts: (serverId, signal) => script.run('attachedPorts', signal, () => [...this.#server(serverId).portIds]),
			attachVolume: (serverId, volumeId, signal) =>
				script.run('attachVolume', signal, () => {
					const server = this.#server(serverId);
					const volume = this.volumes.reserve(volumeId, serverId);
					this.#begin(async () => {
						if (this.volumes.unconnectable) return this.volumes.release(volumeId);
						try {
							await this.#host(server)({ kind: 'attach-volume', serverId, volume });
							this.volumes.attached(volumeId);
						} catch {
							await this.#host(server)({ kind: 'detach-volume', serverId, volumeId });
							this.volumes.release(volumeId);
						}
					});
				}),
			detachVolume: (serverId, volumeId, signal) => script.run('detachVolume', signal, () => this.#detachVolume(serverId, volumeId)),
			attachedVolumes: (serverId, signal) =>
				script.run('attachedVolumes', signal, () => this.volumes.of(this.#server(serverId).id).map((volume) => volume.volumeId)),
		};
	}

	#detachVolume(serverId: string, volumeId: string): void {
		const server = this.#server(serverId);
		if (!this.volumes.beginDetach(volumeId, serverId)) return;
		this.#begin(async () => {
			await this.#host(server)({ kind: 'detach-volume', serverId, volumeId });
			this.volumes.release(volumeId);
		});
	}

	#connected(server: ModelServer): readonly ServerVolume[] {
		return this.volumes.of(server.id).map(({ volumeId, device }) => ({ volumeId, device, readOnly: false }));
	}

	#portService(script: Script): PortService {
		return {
			create: (order: PortOrder, user, signal) =>
				script.run('createPort', signal, () => {
					this.#check(user);
					return this.#makePort({ ...order, name: `zunbox-${order.sandboxId}-${order.position}`, groupIds: order.groupIds ?? [] });
				}),
			find: (projectId, sandboxId, position, signal) =>
				script.run('findPort', signal, () => {
					const name = `zunbox-${sandboxId}-${position}`;
					return [...this.ports.values()].find((port) => port.name === name && port.projectId === projectId) ?? null;
				}),
			port: (portId, signal) => script.run('port', signal, () => this.ports.get(portId) ?? null),
			setGroups: (portId, groupIds, signal) =>
				script.run('setGroups', signal, () => {
					this.ports.set(portId, { ...this.#port(portId), groupIds });
				}),
			remove: (portId, signal) =>
				script.run('removePort', signal, () => {
					this.ports.delete(portId);
				}),
			ensureExposing: (order: ExposingOrder, signal) =>
				script.run('ensureExposing', signal, () => {
					const name = `zunbox-${order.containerId}`;
					const known = [...this.groups.values()].find((group) => group.name === name);
					const group = known ?? { id: randomUUID(), name, projectId: order.projectId, rules: 0 };
					group.rules = order.ports.length;
					this.groups.set(group.id, group);
					return group.id;
				}),
			findExposing: (projectId, containerId, signal) =>
				script.run('findExposing', signal, () => {
					const name = `zunbox-${containerId}`;
					return [...this.groups.values()].find((group) => group.name === name && group.projectId === projectId)?.id ?? null;
				}),
			removeGroup: (groupId, signal) =>
				script.run('removeGroup', signal, () => {
					if ([...this.ports.values()].some((port) => port.groupIds.includes(groupId)))
						throw new ProviderError('conflict', 'The group is in use.');
					this.groups.delete(groupId);
				}),
		};
	}

	#resolver(): NetworkResolver {
		const network = (name: string): string => {
			const found = this.networks.get(name) ?? [...this.networks.values()].find(({ id }) => id === name);
			if (found === undefined) throw fail('network-not-found', `Network ${name} could not be found.`);
			return found.id;
		};
		const resolve = (net: RequestedNet): RequestedNet => {
			if (net.port === undefined) return { ...net, resolved: { networkId: network(net.network ?? ''), portSecurity: true, port: null } };
			const port = this.ports.get(net.port);
			if (port === undefined) throw fail('port-not-found', `Port ${net.port} could not be found.`);
			return { ...net, resolved: { networkId: port.networkId, portSecurity: true, port } };
		};
		return {
			nets: async (_principal, nets, groups) => ({
				nets: (nets.length === 0 ? [{ network: 'net-a' }] : nets).map(resolve),
				securityGroups: groups ?? ['group-default'],
			}),
			network: async (_principal, ref) => network(ref),
			port: async (_principal, ref) => ref,
			securityGroup: async (_principal, ref) => ref,
		};
	}

	#check({ token }: Delegation): void {
		if (!this.tokens.has(token.reveal())) throw new ProviderError('unauthorized', 'The request you have made requires authentication.');
	}

	#insert(order: ServerOrder, projectId: string): ModelServer {
		const server: ModelServer = {
			id: randomUUID(),
			order,
			projectId,
			state: 'building',
			busy: true,
			fault: null,
			host: null,
			portIds: [...order.portIds],
			changedAt: Date.now(),
		};
		this.servers.set(server.id, server);
		return server;
	}

	async #build(server: ModelServer, metadata: Readonly<Record<string, string>>): Promise<void> {
		await this.beforeBuild;
		await delay(this.pace);
		try {
			if (this.noValidHost !== null) throw new Error(this.noValidHost);
			server.host = this.host;
			const facts = { serverId: server.id, name: server.order.name, hostname: 'inside', projectId: server.projectId, userId: 'somebody' };
			const size = { vcpus: 1, memoryMib: 512, diskGib: 1 };
			const ports = this.#wiredPorts(server);
			await this.#host(server)({ kind: 'spawn', server: { ...facts, ...size, metadata }, ports, volumes: [] });
			await this.#host(server)({ kind: 'ready', serverId: server.id });
			this.#change(server, 'running');
		} catch (error) {
			if (server.host !== null) await this.#host(server)({ kind: 'destroy', serverId: server.id });
			for (const portId of server.portIds) this.#unbind(portId);
			server.fault = error instanceof Error ? error.message : String(error);
			this.#change(server, 'error');
		}
	}

	#act(server: ModelServer, action: ServerAction): void {
		const from: Readonly<Record<ServerAction, readonly ServerState[]>> = {
			start: ['stopped'],
			stop: ['running', 'paused'],
			pause: ['running'],
			unpause: ['paused'],
			reboot: ['running', 'error', 'stopped'],
		};
		if (server.busy || !from[action].includes(server.state)) {
			throw new ProviderError('conflict', `Cannot '${action}' instance ${server.id} while it is in state ${server.state}`);
		}
		server.busy = true;
		this.#begin(async () => {
			const before = server.state;
			try {
				await delay(this.pace);
				await this.#carryOut(server, action);
				this.#change(server, action === 'stop' ? 'stopped' : action === 'pause' ? 'paused' : 'running');
			} catch {
				this.#change(server, before);
			}
		});
	}

	async #carryOut(server: ModelServer, action: ServerAction): Promise<void> {
		const host = this.#host(server);
		const serverId = server.id;
		if (action === 'pause' || action === 'unpause') return await host({ kind: action, serverId });
		if (action !== 'start') await host({ kind: 'power-off', serverId, timeout: 0 });
		if (action !== 'stop') await host({ kind: 'power-on', serverId, ports: this.#wiredPorts(server), volumes: this.#connected(server) });
	}

	#delete(server: ModelServer): void {
		server.busy = true;
		server.changedAt = Date.now();
		this.#begin(async () => {
			await delay(this.pace);
			const driver = server.host === null ? undefined : this.drivers.get(server.host);
			if (driver !== undefined) await driver({ kind: 'destroy', serverId: server.id });
			for (const portId of server.portIds) this.#unbind(portId);
			for (const { volumeId } of this.volumes.of(server.id)) this.volumes.release(volumeId);
			this.#change(server, 'gone');
		});
	}

	#change(server: ModelServer, state: ServerState): void {
		if (server.state !== 'gone') server.state = state;
		server.busy = false;
		server.changedAt = Date.now();
	}

	#begin(work: () => Promise<void>): void {
		const running = work().finally(() => this.#work.delete(running));
		this.#work.add(running);
		running.catch(() => {});
	}

	#host(server: ModelServer): HostDriver {
		const driver = server.host === null ? undefined : this.drivers.get(server.host);
		if (driver === undefined) throw new Error(`host ${server.host} is down`);
		return driver;
	}

	#server(id: string): ModelServer {
		const server = this.servers.get(id);
		if (server === undefined || server.state === 'gone') throw new ProviderError('not-found', `Instance ${id} could not be found.`);
		return server;
	}

	#port(id: string): ModelPort {
		const port = this.ports.get(id);
		if (port === undefined) throw new ProviderError('not-found', `Port ${id} could not be found.`);
		return port;
	}

	#makePort(
		order: Pick<PortOrder, 'projectId' | 'networkId' | 'addresses'> & { readonly name: string; readonly groupIds: readonly string[] },
	): ModelPort {
		this.#addresses += 1;
		const port: ModelPort = {
			portId: randomUUID(),
			name: order.name,
			projectId: order.projectId,
			networkId: order.networkId,
			macAddress: `fa:16:3e:00:00:${this.#addresses.toString(16).padStart(2, '0')}`,
			fixedIps: [{ subnetId: `subnet-of-${order.networkId}`, ipAddress: order.addresses[0] ?? `10.0.0.${this.#addresses}` }],
			groupIds: order.groupIds,
			deviceId: '',
		};
		this.ports.set(port.portId, port);
		return port;
	}

	#unbind(portId: string): void {
		const port = this.ports.get(portId);
		if (port !== undefined) port.deviceId = '';
	}

	#wiredPorts(server: ModelServer): ServerPort[] {
		return server.portIds.flatMap((id) => {
			const port = this.ports.get(id);
			return port === undefined ? [] : this.#wired(port);
		});
	}

	#wired(port: ModelPort): ServerPort {
		return {
			portId: port.portId,
			networkId: port.networkId,
			macAddress: port.macAddress,
			mtu: 1450,
			bridge: 'brq-test',
			device: `tap${port.portId.slice(0, 11)}`,
			addresses: port.fixedIps.map(({ ipAddress }) => ({
				address: ipAddress,
				prefixLength: 24,
				version: 4,
				gateway: '10.0.0.1',
				subnetId: null,
			})),
			routes: [],
			nameservers: ['10.0.0.2'],
		};
	}
}

function viewOf({ id, projectId, state, busy, fault, host }: ModelServer): ServerView {
	return { serverId: id, projectId, state, busy, fault, host, availabilityZone: 'nova' };
}
