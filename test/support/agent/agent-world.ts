import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { Agent } from '../../../src/agent/agent.ts';
import type { HostNetworking } from '../../../src/agent/network/host-networking.ts';
import { NoNetworking } from '../../../src/agent/network/no-networking.ts';
import type { AgentOptions } from '../../../src/agent/options.ts';
import { defaultPlanSettings } from '../../../src/agent/plan/context.ts';
import type { HostVolumes } from '../../../src/agent/volumes/host-volumes.ts';
import { NoVolumes } from '../../../src/agent/volumes/no-volumes.ts';
import type { ControlLink } from '../../../src/bus/bus.ts';
import type { Driver } from '../../../src/drivers/driver.ts';
import { createDriver, FakeEngine } from '../../../src/drivers/fake/index.ts';
import { ScriptedControl } from './scripted-control.ts';

export const owner = 'test';

/** Everything around an agent that outlives it: engine, control, state folder. Agents come and go. */
export class AgentWorld {
	readonly engine = new FakeEngine();
	readonly control = new ScriptedControl();
	readonly stateDirectory: string;
	readonly #agents: Agent[] = [];
	/** What the next agent is made with. */
	networking: HostNetworking = new NoNetworking();
	volumes: HostVolumes = new NoVolumes();
	wrap: (driver: Driver) => Driver = (driver) => driver;
	wrapLink: (link: ControlLink) => ControlLink = (link) => link;

	constructor(stateDirectory: string) {
		this.stateDirectory = stateDirectory;
	}

	static async make(t: TestContext): Promise<AgentWorld> {
		const world = new AgentWorld(await mkdtemp(path.join(os.tmpdir(), 'zunbox-agent-')));
		t.after(async () => {
			world.engine.faults.clear();
			await world.stop();
			await rm(world.stateDirectory, { recursive: true, force: true });
		});
		return world;
	}

	/** An agent on the engine, with pauses that are short enough for a test. */
	async start(options: Partial<AgentOptions> = {}): Promise<Agent> {
		const driver = await createDriver({ owner, stateDirectory: this.stateDirectory, settings: { engine: this.engine } });
		const { networking, volumes, stateDirectory } = this;
		const link = this.wrapLink(this.control);
		const quick = { lookInterval: 100, networkCheckInterval: 50, longestPause: 100, progressInterval: 5, plan: quickPlan, ...options };
		const agent = new Agent({ link, driver: this.wrap(driver), networking, volumes, stateDirectory, options: quick });
		this.#agents.push(agent);
		await agent.start();
		return agent;
	}

	/** Ends the agents that run. What they were doing is given up in the middle. */
	async stop(): Promise<void> {
		await Promise.all(this.#agents.splice(0).map((agent) => agent.stop()));
	}

	/** Status of a container as the engine has it; null = it has it not. */
	status(sandboxId: string, containerId: string): string | null {
		return this.state(sandboxId, containerId)?.status ?? null;
	}

	state(sandboxId: string, containerId: string) {
		return this.engine.observe(owner, sandboxId).containers.find(({ id }) => id === containerId) ?? null;
	}
}

export const quickPlan = {
	...defaultPlanSettings,
	settle: 30,
	restartFirst: 5,
	restartLongest: 40,
	transientFirst: 5,
	transientLongest: 20,
	repairFirst: 10,
	repairLongest: 50,
	removalLongest: 20,
};
