import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { Agent } from '../../../src/agent/agent.ts';
import { type ComputeOptions, defaultComputeOptions } from '../../../src/control/servers/compute.ts';
import { ServerPlacement } from '../../../src/control/servers/server-placement.ts';
import type { Driver } from '../../../src/drivers/driver.ts';
import { createDriver, FakeEngine } from '../../../src/drivers/fake/index.ts';
import { ZunboxError } from '../../../src/model/errors.ts';
import type { Principal } from '../../../src/model/principal.ts';
import { Secret } from '../../../src/model/secret.ts';
import type { ServerCall } from '../../../src/model/server.ts';
import { NeutronNetworkProvider } from '../../../src/providers/network/neutron/neutron-network-provider.ts';
import { quickPlan } from '../agent/agent-world.ts';
import { RecordedNetworking, RecordedVolumes } from '../agent/recorded-host.ts';
import { plainSealer, principal, startControl, type TestControl } from '../control.ts';
import { ModelCloud } from './model-cloud.ts';
import type { Script } from './script.ts';

export const image = 'zunbox/busybox:latest';
export const patience = 30_000;
export const never = new AbortController().signal;

const quick: Partial<ComputeOptions> = {
	pollInterval: 30,
	fullPollInterval: 300,
	firstLook: 5,
	longestLook: 20,
	firstRetry: 10,
	longestRetry: 50,
	callTimeout: 20_000,
};

export interface WorldOptions extends Partial<ComputeOptions> {
	/** Whether volumes are the cloud's; else they are the hosts' own. */
	readonly withVolumes?: boolean;
}

/** The service with an agent on a fake engine, and a cloud in memory that outlives both, as the engine and the database do. */
export class ServerWorld {
	readonly cloud = new ModelCloud();
	readonly engine = new FakeEngine();
	/** What the host's kernel has of networks. */
	readonly networking = new RecordedNetworking();
	readonly volumes = new RecordedVolumes();
	readonly ann: Principal;
	readonly #directory: string;
	readonly #options: Partial<ComputeOptions>;
	/** Whether volumes are the cloud's. */
	readonly #withVolumes: boolean;
	/** Nobody waits for the host any more. */
	#over = false;
	#running: { readonly control: TestControl; readonly agent: Agent } | null = null;
	script: Script = this.cloud.connect().script;

	private constructor(directory: string, { withVolumes = false, ...options }: WorldOptions) {
		this.#directory = directory;
		this.#options = options;
		this.#withVolumes = withVolumes;
		this.ann = { ...principal('project-of-ann'), token: new Secret('token-of-ann') };
		this.cloud.tokens.add('token-of-ann');
		this.cloud.drivers.set('host-1', (call) => this.#drive(call));
	}

	static async make(t: TestContext, options: WorldOptions = {}): Promise<ServerWorld> {
		const world = new ServerWorld(await mkdtemp(path.join(os.tmpdir(), 'zunbox-servers-')), options);
		t.after(async () => {
			world.#over = true;
			await world.stop();
			world.cloud.drivers.clear();
			await rm(world.#directory, { recursive: true, force: true });
		});
		await world.start();
		return world;
	}

	get control(): TestControl {
		if (this.#running === null) throw new Error('the service does not run');
		return this.#running.control;
	}

	/** A process on the database, the engine and the cloud. */
	async start(): Promise<void> {
		const { script, provider, portService, resolver, volumeService } = this.cloud.connect();
		this.script = script;
		const control = await startControl({
			path: path.join(this.#directory, 'zunbox.db'),
			deps: (deps) => ({
				network: new NeutronNetworkProvider(resolver, deps.now),
				placement: new ServerPlacement(),
				compute: {
					provider,
					ports: portService,
					...(this.#withVolumes ? { volumes: volumeService } : {}),
					sealer: plainSealer,
					options: { ...defaultComputeOptions, ...quick, ...this.#options },
				},
			}),
		});
		const driver = this.#networked(
			await createDriver({ owner: 'test', stateDirectory: this.#directory, settings: { engine: this.engine } }),
		);
		const agent = new Agent({
			link: control.bus.controlLink(control.link),
			driver,
			networking: this.networking,
			volumes: this.volumes,
			stateDirectory: this.#directory,
			options: { hostname: 'host-1', lookInterval: 100, longestPause: 100, plan: quickPlan },
		});
		control.bus.connect('host-1', agent.link);
		this.#running = { control, agent };
		await agent.start();
	}

	/** Ends the process in the middle of whatever it does. */
	async stop(): Promise<void> {
		const running = this.#running;
		this.#running = null;
		if (running === null) return;
		await running.agent.stop();
		await running.control.close();
	}

	/** A container in a sandbox of its own. */
	async run(name: string, fields: object = {}) {
		const made = await this.control.service.containers.create(this.ann, { name, image, command: ['sleep', '1000'], run: true, ...fields });
		return await this.control.service.containers.wait(this.ann, made.id, 'Running', patience, never);
	}

	/** An engine that has a network namespace for each run of a sandbox. */
	#networked(driver: Driver): Driver {
		driver.sandboxes.networkNamespacePath = async (id) => {
			const { sandbox } = this.engine.observe('test', id);
			return sandbox?.status === 'running' || sandbox?.status === 'paused' ? `/run/${id}/${sandbox.startedAt}` : null;
		};
		Object.defineProperty(driver, 'capabilities', { value: { ...driver.capabilities, networkNamespace: true } });
		return driver;
	}

	/** As the compute service's driver: again and again while the host's agent is away. */
	async #drive(call: ServerCall): Promise<void> {
		const deadline = performance.now() + patience;
		for (;;) {
			const running = this.#running;
			try {
				if (running === null || this.script.isDead) throw new Error('the agent is away');
				return await running.agent.servers.call(call, patience, never);
			} catch (error) {
				const away = this.#running === null || this.script.isDead || this.#running !== running || isAway(error);
				if (!away || this.#over || performance.now() > deadline) throw error;
				await delay(5);
			}
		}
	}
}

function isAway(error: unknown): boolean {
	return error instanceof ZunboxError && error.code === 'service-unavailable';
}
