import http from 'node:http';
import path from 'node:path';
import type { TestContext } from 'node:test';
import type { AgentOptions } from '../../../src/agent/options.ts';
import { ServerSocket } from '../../../src/agent/server-socket/server-socket.ts';
import type { Driver } from '../../../src/drivers/driver.ts';
import type { ServerPort } from '../../../src/model/server.ts';
import { eventually } from '../eventually.ts';
import { AgentWorld, owner } from './agent-world.ts';
import { RecordedNetworking, RecordedVolumes } from './recorded-host.ts';

export interface SocketAnswer {
	readonly status: number;
	readonly body: unknown;
}

/** An agent with its socket for a compute service's driver, whose engine has a network namespace for each run of a sandbox. */
export class ServerWorld {
	readonly agents: AgentWorld;
	readonly networking = new RecordedNetworking();
	readonly volumes = new RecordedVolumes();
	readonly socketPath: string;
	#socket: ServerSocket | null = null;

	private constructor(agents: AgentWorld) {
		this.agents = agents;
		this.socketPath = path.join(agents.stateDirectory, 'agent.sock');
		agents.networking = this.networking;
		agents.volumes = this.volumes;
		agents.wrap = (driver) => this.networked(driver);
	}

	static async make(t: TestContext): Promise<ServerWorld> {
		const world = new ServerWorld(await AgentWorld.make(t));
		t.after(() => world.stop());
		return world;
	}

	networked(driver: Driver): Driver {
		driver.sandboxes.networkNamespacePath = async (id) => {
			const { sandbox } = this.agents.engine.observe(owner, id);
			return sandbox?.status === 'running' || sandbox?.status === 'paused' ? `/run/${id}/${sandbox.startedAt}` : null;
		};
		Object.defineProperty(driver, 'capabilities', { value: { ...driver.capabilities, networkNamespace: true } });
		return driver;
	}

	async start(options: Partial<AgentOptions> = {}): Promise<void> {
		const agent = await this.agents.start(options);
		const log = { debug: () => {}, info: () => {}, warn: () => {} };
		this.#socket = await ServerSocket.open({ path: this.socketPath, calls: agent.servers, log });
	}

	/** As a process that ends: who waits is cut off. */
	async stop(): Promise<void> {
		await this.#socket?.close();
		this.#socket = null;
		await this.agents.stop();
	}

	/** One request. Rejects when nobody serves, or who serves goes before it has answered. */
	async ask(method: string, target: string, body?: unknown): Promise<SocketAnswer> {
		const { promise, resolve, reject } = Promise.withResolvers<SocketAnswer>();
		const request = http.request({ socketPath: this.socketPath, method, path: target, agent: false }, (response) => {
			const chunks: Buffer[] = [];
			response.on('data', (chunk: Buffer) => chunks.push(chunk));
			response.on('error', reject);
			response.on('end', () => {
				const text = Buffer.concat(chunks).toString('utf8');
				resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) });
			});
		});
		request.on('error', reject);
		request.end(body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body));
		return await promise;
	}

	/** A call, asked again until somebody has answered it, as the driver does. */
	async call(serverId: string, kind: string, body: object = {}): Promise<SocketAnswer> {
		return await eventually(`an answer to ${kind}`, () => this.ask('PUT', `/servers/${serverId}/${kind}`, body));
	}

	/** What the engine shows of a sandbox's holder. */
	holder(sandboxId: string): string | null {
		return this.agents.engine.observe(owner, sandboxId).sandbox?.status ?? null;
	}
}

/** The body of a spawn. */
export function spawnBody(fields: { metadata?: Record<string, string>; ports?: readonly ServerPort[]; projectId?: string } = {}) {
	const { metadata = {}, ports = [serverPort('port-1')], projectId = 'project-1' } = fields;
	const server = { name: 'box', hostname: 'box', projectId, userId: 'user-1', metadata, vcpus: 1, memoryMib: 64, diskGib: 1 };
	return { server, ports, volumes: [] };
}

export function serverPort(portId: string): ServerPort {
	return {
		portId,
		networkId: 'network-1',
		macAddress: 'fa:16:3e:00:00:01',
		mtu: 1450,
		bridge: 'brq-1',
		device: `tap-${portId}`,
		addresses: [{ address: '10.0.0.5', prefixLength: 24, version: 4, gateway: '10.0.0.1', subnetId: null }],
		routes: [{ destination: '169.254.169.254/32', nexthop: '10.0.0.2' }],
		nameservers: ['10.0.0.2'],
	};
}
