/**
 * The whole life of a sandbox with one container, with the Docker driver, as a process that a test can kill:
 * `node docker-life.ts <owner> <sandbox id> <container id> <image> <state directory>`. Run again, it goes on.
 */
import { createDriver } from '../../src/drivers/docker/index.ts';

const [owner = '', sandboxId = '', containerId = '', image = '', stateDirectory = ''] = process.argv.slice(2);
const signal = AbortSignal.timeout(60_000);
const driver = await createDriver({ owner, stateDirectory, settings: {} });
const { sandboxes, containers } = driver;
const none = { runtime: null, cpu: null, memory: null };
await driver.list(signal);
await sandboxes.create(
	{ id: sandboxId, name: 't', hostname: 't', ipc: true, pid: true, ...none, memory: 64, hostsFile: null, resolvFile: null },
	signal,
);
await sandboxes.start(sandboxId, signal);
await containers.create(
	{
		...{ id: containerId, sandboxId, name: 't', revision: 1, image, command: ['sleep', '1000'], entrypoint: null, workdir: null },
		...{ hostname: null, environment: {}, labels: {}, interactive: false, tty: false, privileged: false, ipc: true, pid: true },
		...{ healthcheck: null, exposedPorts: [], mounts: [], disk: null, pids: null, ...none },
	},
	signal,
);
await containers.start(containerId, signal);
const { sandbox, containers: seen } = await driver.observe(sandboxId, signal);
if (sandbox?.status !== 'running' || seen.length !== 1 || seen[0]?.status !== 'running') throw new Error('it does not run');
await containers.stop(containerId, 5, signal);
await containers.remove(containerId, signal);
await sandboxes.stop(sandboxId, signal);
await sandboxes.remove(sandboxId, signal);
await driver.close();
