import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { FastifyBaseLogger } from 'fastify';
import { Agent } from './agent/agent.ts';
import { KernelNetworking } from './agent/network/kernel-networking.ts';
import { upstreamNameservers } from './agent/network/nameservers.ts';
import { NoNetworking } from './agent/network/no-networking.ts';
import { hostVolumes } from './agent/volumes/choose-volumes.ts';
import { capsuleRoutes } from './api/capsules/routes.ts';
import { hostRoutes } from './api/hosts/routes.ts';
import { identityRoutes } from './api/identity/routes.ts';
import { imageRoutes } from './api/images/routes.ts';
import { networkRoutes } from './api/network/routes.ts';
import { quotaRoutes } from './api/quotas/routes.ts';
import { registryRoutes } from './api/registries/routes.ts';
import { createApi } from './api/server.ts';
import { volumeRoutes } from './api/volumes/routes.ts';
import { zunNetworkRoutes } from './api/zun-networks/routes.ts';
import { InProcessBus } from './bus/in-process.ts';
import { publicUrlOf } from './config/load.ts';
import type { Config } from './config/schema.ts';
import { type Deps, defaultControlOptions } from './control/deps.ts';
import { Hosts } from './control/hosts.ts';
import { Hub } from './control/hub.ts';
import { ImageSearch } from './control/image-search.ts';
import { Images } from './control/images.ts';
import { createNetworkControl } from './control/networks/network-control.ts';
import { QuotaControl } from './control/quota-control.ts';
import { RegistryControl } from './control/registry-control.ts';
import { Service } from './control/service.ts';
import { SqlPlacement } from './control/sql-placement.ts';
import { SqlQuotas } from './control/sql-quotas.ts';
import { SqlRegistries } from './control/sql-registries.ts';
import { SqlVolumes } from './control/sql-volumes.ts';
import { VolumeControl } from './control/volume-control.ts';
import type { Driver } from './drivers/driver.ts';
import { loadDriver } from './drivers/load-driver.ts';
import { EmbeddedIdentity } from './providers/identity/embedded/embedded-identity.ts';
import { HttpRegistryCatalog } from './providers/image/registry-catalog.ts';
import { EmbeddedNetworkProvider } from './providers/network/embedded/embedded-network-provider.ts';
import { Secrets } from './store/secrets.ts';
import { Store } from './store/store.ts';

export interface RunningService {
	/** Where clients reach it, without a slash at its end. */
	readonly url: string;
	/** Ends it; sandboxes and containers go on running. */
	stop(): Promise<void>;
}

export interface StartOptions {
	readonly log: FastifyBaseLogger;
	/** A driver to use instead of the configured one; it is not closed at the end. */
	readonly driver?: Driver;
}

const seconds = 1000;
const day = 24 * 3_600_000;
/** Largest injected file, in bytes. */
const maxInjectedFile = 256 * 1024;

/**
 * The whole service in one process: control, its API, and the agent of this host. Everything is made here and handed
 * to what needs it. Serving begins before the host is ready, so that an engine that is away delays only its own work.
 */
export async function startService(config: Config, options: StartOptions): Promise<RunningService> {
	const { log } = options;
	const now = Date.now;
	const folder = async (...names: string[]) => {
		const directory = path.join(config.dataDirectory, ...names);
		await mkdir(directory, { recursive: true, mode: 0o700 });
		return directory;
	};
	await folder();
	const stops: (() => Promise<unknown>)[] = [];
	const stop = async () => {
		for (const end of stops.splice(0).reverse()) await end().catch((error: unknown) => log.error({ err: error }, 'stopping failed'));
	};
	try {
		const store = await Store.open({ path: path.join(config.dataDirectory, 'zunbox.db') });
		stops.push(() => store.close());
		const secrets = await Secrets.open(path.join(config.dataDirectory, 'keys'));
		let url = publicUrlOf(config);
		const identity = new EmbeddedIdentity({
			store,
			publicUrl: () => url,
			tokenLifetime: config.identity.tokenLifetime * seconds,
			passwordHashesAtOnce: config.identity.passwordHashesAtOnce,
			failuresBeforeDelay: config.identity.failuresBeforeDelay,
			maxDelay: config.identity.maxDelay * seconds,
		});
		const bus = new InProcessBus();
		const nameservers = config.network.nameservers.length > 0 ? config.network.nameservers : await upstreamNameservers();
		const network = new EmbeddedNetworkProvider(
			store,
			{
				defaultNetwork: { cidr: config.network.cidr, cidr6: 'auto', mtu: config.network.mtu, projectId: 'service' },
				publish: { first: 1024, last: 65535, reserved: [config.listen.port] },
			},
			(change) => {
				for (const host of change.hosts) bus.wake(host, null);
				for (const sandbox of change.sandboxes) bus.wake(sandbox.host, sandbox.id);
			},
		);
		const { volumeGigabytes, ...limits } = config.quota;
		const quotas = new SqlQuotas({ ...limits, volume_gigabytes: volumeGigabytes });
		const placement = new SqlPlacement({
			cpuRatio: config.scheduler.cpuOvercommit,
			memoryRatio: config.scheduler.memoryOvercommit,
			diskRatio: config.scheduler.diskOvercommit,
			strategy: config.scheduler.strategy === 'pack' ? 'pack' : 'spread',
			hostDownAfter: config.hosts.downAfter * seconds,
			now,
		});
		const deps: Deps = {
			store,
			bus,
			hub: new Hub(),
			network,
			placement,
			quotas,
			volumes: new SqlVolumes(secrets, {
				maxFileSize: maxInjectedFile,
				minSize: config.volumes.minSize,
				maxSize: config.volumes.maxSize,
				hasRoom: (...request) => placement.hasRoom(...request),
				now,
			}),
			registries: new SqlRegistries(secrets),
			options: {
				...defaultControlOptions,
				driver: options.driver?.name ?? config.driver.name,
				defaultCpu: config.containers.defaultCpu,
				defaultMemory: config.containers.defaultMemory,
				defaultPullPolicy: config.containers.imagePullPolicy === 'always' ? 'always' : 'ifnotpresent',
				maxLimit: config.api.maxLimit,
				executeTimeout: config.containers.executeTimeout * seconds,
				executeMaxOutput: config.containers.executeOutputLimit << 20,
				historyRetention: Math.max(config.retention.operations, config.retention.events) * day,
				idempotencyRetention: config.retention.idempotencyKeys * 3_600_000,
				uniqueContainerNames: config.containers.uniqueNames,
				nameservers,
			},
			now,
			log,
		};
		const service = new Service(deps);
		await service.start();
		stops.push(() => service.stop());

		const images = new Images(deps);
		await images.start();
		stops.push(() => images.stop());

		const networks = createNetworkControl({
			store,
			provider: network,
			quotas,
			quotaLimits: (projectId) => quotas.limits(store.db, projectId),
		});
		const api = await createApi({
			control: service,
			identity,
			logger: log,
			options: {
				publicUrl: config.publicUrl,
				trustProxy: config.listen.trustProxy,
				maxLimit: config.api.maxLimit,
				bodyLimit: config.api.bodyLimit * 1024,
				archiveLimit: config.api.archiveLimit * 1024 * 1024,
				rateLimit:
					config.api.requestsPerSecond === 0 ? null : { perSecond: config.api.requestsPerSecond, burst: 2 * config.api.requestsPerSecond },
				waitLimit: config.api.maxWait,
				maxStreams: config.api.maxStreams,
				maxSessions: config.api.maxStreams,
				pathPrefix: config.api.pathPrefix,
				corsOrigins: config.api.corsOrigins,
				allowedRuntimes: config.api.allowedRuntimes,
			},
			plugins: [
				(app) => identityRoutes(app, { identity, publicUrl: () => url }),
				(app) => networkRoutes(app, { networks, publicUrl: () => url }),
				(app, context) => capsuleRoutes(app, context, service.capsules),
				(app) =>
					volumeRoutes(app, {
						volumes: new VolumeControl(deps),
						options: { publicUrl: config.publicUrl, maxLimit: config.api.maxLimit },
					}),
				(app, context) => hostRoutes(app, context, new Hosts(deps, config.hosts.downAfter * seconds)),
				(app, context) => quotaRoutes(app, context, new QuotaControl(store, quotas)),
				(app, context) => registryRoutes(app, context, new RegistryControl(deps, secrets)),
				(app, context) => imageRoutes(app, context, { images, search: new ImageSearch(deps, new HttpRegistryCatalog()) }),
				(app, context) => zunNetworkRoutes(app, context, (principal, ref) => network.findNetwork(store.db, principal, ref)),
			],
		});
		stops.push(() => api.close());
		await api.listen({ host: config.listen.host, port: config.listen.port });
		const address = api.server.address();
		if (typeof address === 'object' && address !== null) url = publicUrlOf(config, address.port);
		await identity.ensureFirstAdministrator(await folder('credentials'));

		const driver =
			options.driver ??
			(await loadDriver(config.driver.name, {
				owner: config.owner,
				stateDirectory: await folder('driver'),
				settings: config.driver.settings,
			}));
		if (options.driver === undefined) stops.push(() => driver.close());
		const agent = new Agent({
			link: bus.controlLink(service.hostLink({ availabilityZone: config.hosts.availabilityZone })),
			driver,
			networking: config.network.enabled ? new KernelNetworking({ owner: config.owner }) : new NoNetworking(),
			volumes: await hostVolumes(driver.name, {
				dataDirectory: config.dataDirectory,
				stateDirectory: await folder('agent'),
				maxAtOnce: config.volumes.atOnce,
				log,
			}),
			stateDirectory: await folder('agent'),
			options: {
				hostname: config.hostname,
				heartbeatInterval: config.agent.heartbeatInterval * seconds,
				lookInterval: config.agent.reconcileInterval * seconds,
				log,
			},
		});
		const disconnect = bus.connect(config.hostname, agent.link);
		stops.push(async () => {
			disconnect();
			await agent.stop();
		});
		// An engine that is away must not keep the service from answering: the agent goes on trying by itself.
		agent.start().catch((error: unknown) => log.error({ err: error }, 'the agent ended'));
		return { url, stop };
	} catch (error) {
		await stop();
		throw error;
	}
}
