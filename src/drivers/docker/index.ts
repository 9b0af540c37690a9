import type { Driver, DriverCapabilities, DriverFactory } from '../driver.ts';
import { CgroupParents } from './cgroup/cgroup-parents.ts';
import { DockerContainers } from './containers.ts';
import type { DockerContext } from './context.ts';
import { EngineClient } from './engine/engine-client.ts';
import { EngineObjects } from './engine-objects.ts';
import { driverEvents } from './events.ts';
import { hostFacts } from './facts.ts';
import { DockerImages } from './images.ts';
import { Observation } from './observation.ts';
import { DockerSandboxes } from './sandboxes.ts';
import { readSettings } from './settings.ts';

const capabilities: DriverCapabilities = {
	pause: true,
	exec: true,
	attach: true,
	archive: true,
	commit: true,
	updateLimits: true,
	healthcheck: true,
	privileged: true,
	networkNamespace: true,
};

/**
 * The Docker driver: a sandbox is a container that runs only our `pause` program, and containers join its network, IPC
 * and PID namespaces. Needs Docker Engine 20.10 or newer on this host and the right to write to its control groups.
 * The engine need not run yet: each call finds out, and fails with `unavailable` until it does.
 */
export const createDriver: DriverFactory = async (options): Promise<Driver> => {
	const settings = readSettings(options.settings);
	const engine = new EngineClient(settings.socket);
	const context: DockerContext = {
		owner: options.owner,
		settings,
		engine,
		objects: new EngineObjects(engine, options.owner),
		cgroups: new CgroupParents(engine, options.owner),
	};
	const observation = new Observation(context);
	let swept = false;
	return {
		name: 'docker',
		capabilities,
		sandboxes: new DockerSandboxes(context),
		containers: new DockerContainers(context),
		images: new DockerImages(engine),
		facts: (signal) => hostFacts(engine, 'docker', signal),
		list: async (signal) => {
			const state = await observation.list(signal);
			if (!swept) {
				swept = true;
				const ids = state.sandboxes.map((sandbox) => sandbox.id);
				await context.cgroups.sweep(ids, signal);
			}
			return state;
		},
		observe: (sandboxId, signal) => observation.observe(sandboxId, signal),
		events: (signal) => driverEvents(context, signal),
		close: async () => {
			await context.cgroups.close();
			engine.close();
		},
	};
};
