import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { FastifyBaseLogger } from 'fastify';
import { Agent } from './agent/agent.ts';
import { KernelNetworking } from './agent/network/kernel-networking.ts';
import { NoNetworking } from './agent/network/no-networking.ts';
import { ServerSocket } from './agent/server-socket/server-socket.ts';
import { hostVolumes } from './agent/volumes/choose-volumes.ts';
import { publicUrlOf } from './config/load.ts';
import type { Config } from './config/schema.ts';
import type { Driver } from './drivers/driver.ts';
import { loadDriver } from './drivers/load-driver.ts';
import { wireApi } from './wiring/api.ts';
import { openCloud } from './wiring/cloud.ts';
import { type WiredControl, wireControl } from './wiring/control.ts';
import { wireIdentity } from './wiring/identity.ts';
import { holdAlone } from './wiring/single-instance.ts';
import { Stops } from './wiring/stops.ts';

export interface RunningService {
	/** Where clients reach it, without a slash at its end. */
	readonly url: string;
	/** TCP port that it listens on; a proxy may stand between it and `url`. */
	readonly port: number;
	/** Ends it; sandboxes and containers go on running. */
	stop(): Promise<void>;
}

export interface StartOptions {
	readonly log: FastifyBaseLogger;
	/** A driver to use instead of the configured one; it is not closed at the end. */
	readonly driver?: Driver;
}

const seconds = 1000;

/**
 * The whole service in one process: control, its API, and the agent of this host. Everything is made here and handed
 * to what needs it. Serving begins before the host is ready, so that an engine that is away delays only its own work.
 */
export async function startService(config: Config, options: StartOptions): Promise<RunningService> {
	const { log } = options;
	const stops = new Stops(log);
	try {
		stops.add(await holdAlone(await folder(config)));
		const cloud = await openCloud(config, log);
		if (cloud !== null) stops.add(() => cloud.session.close());
		const control = await wireControl(config, options.driver?.name ?? config.driver.name, cloud, log, stops);
		let url = publicUrlOf(config);
		const publicUrl = () => url;
		const identity = wireIdentity(config, control.store, cloud, publicUrl, log);
		const api = await wireApi(config, control, identity, publicUrl, log);
		stops.add(() => api.close());
		await api.listen({ host: config.listen.host, port: config.listen.port });
		const address = api.server.address();
		const port = typeof address === 'object' && address !== null ? address.port : config.listen.port;
		url = publicUrlOf(config, port);
		await identity.begin(() => folder(config, 'credentials'));
		await startAgent(config, control, options, stops);
		return { url, port, stop: () => stops.run() };
	} catch (error) {
		await stops.run();
		throw error;
	}
}

async function startAgent(config: Config, control: WiredControl, options: StartOptions, stops: Stops): Promise<void> {
	const { log } = options;
	const { name, settings } = config.driver;
	const driver =
		options.driver ?? (await loadDriver(name, { owner: config.owner, stateDirectory: await folder(config, 'driver'), settings }));
	if (options.driver === undefined) stops.add(() => driver.close());
	const stateDirectory = await folder(config, 'agent');
	const agent = new Agent({
		link: control.bus.controlLink(control.service.hostLink({ availabilityZone: config.hosts.availabilityZone })),
		driver,
		networking: config.network.enabled ? new KernelNetworking({ owner: config.owner }) : new NoNetworking(),
		volumes: await hostVolumes(driver.name, {
			dataDirectory: config.dataDirectory,
			stateDirectory,
			maxAtOnce: config.volumes.atOnce,
			log,
		}),
		stateDirectory,
		options: {
			hostname: config.hostname,
			heartbeatInterval: config.agent.heartbeatInterval * seconds,
			lookInterval: config.agent.reconcileInterval * seconds,
			log,
		},
	});
	stops.add(control.bus.connect(config.hostname, agent.link));
	stops.add(() => agent.stop());
	if (config.compute.provider === 'nova') {
		const socketPath = config.compute.socket ?? path.join(stateDirectory, 'nova.sock');
		const socket = await ServerSocket.open({ path: socketPath, calls: agent.servers, log });
		stops.add(() => socket.close());
	}
	// An engine that is away must not keep the service from answering: the agent goes on trying by itself.
	agent.start().catch((error: unknown) => log.error({ err: error }, 'the agent ended'));
}

/** A folder of the service's own below its data folder; made when it is not there. */
async function folder(config: Config, ...names: string[]): Promise<string> {
	const directory = path.join(config.dataDirectory, ...names);
	await mkdir(directory, { recursive: true, mode: 0o700 });
	return directory;
}
