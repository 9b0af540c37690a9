import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { upstreamNameservers } from '../agent/network/nameservers.ts';
import { eventJson } from '../api/events/frames.ts';
import type { Bus } from '../bus/bus.ts';
import { InProcessBus } from '../bus/in-process.ts';
import type { Config } from '../config/schema.ts';
import { type Deps, defaultControlOptions, type Log } from '../control/deps.ts';
import { Hub } from '../control/hub.ts';
import { defaultImageServiceOptions } from '../control/image-service/image-service.ts';
import { Images } from '../control/images.ts';
import { Service } from '../control/service.ts';
import { SqlPlacement } from '../control/sql-placement.ts';
import { SqlQuotas } from '../control/sql-quotas.ts';
import { SqlRegistries } from '../control/sql-registries.ts';
import { SqlVolumes } from '../control/sql-volumes.ts';
import { defaultWebhookTries, Webhook } from '../control/webhook.ts';
import { messageOf } from '../model/errors.ts';
import type { Listener } from '../model/listener.ts';
import { webhookSender } from '../providers/events/webhook-sender.ts';
import { GlanceImages } from '../providers/image/glance/glance-images.ts';
import { EmbeddedNetworkProvider } from '../providers/network/embedded/embedded-network-provider.ts';
import { Secrets } from '../store/secrets.ts';
import { Store } from '../store/store.ts';
import type { Cloud } from './cloud.ts';
import { wireCompute } from './compute.ts';
import type { Stops } from './stops.ts';

const seconds = 1000;
const hours = 3600 * seconds;
const days = 24 * hours;
/** Largest injected file, in bytes. */
const maxInjectedFile = 256 * 1024;

/** Control and what it stands on. */
export interface WiredControl {
	readonly store: Store;
	readonly secrets: Secrets;
	readonly bus: InProcessBus;
	/** Networks of our own: what the network API serves where nobody else does. */
	readonly network: EmbeddedNetworkProvider;
	readonly quotas: SqlQuotas;
	readonly deps: Deps;
	readonly service: Service;
	readonly images: Images;
}

/** `driver` is the name of the driver that new sandboxes are made with; `cloud` null = no service of a cloud is used. */
export async function wireControl(config: Config, driver: string, cloud: Cloud | null, log: Log, stops: Stops): Promise<WiredControl> {
	const now = Date.now;
	const store = await Store.open({ path: path.join(config.dataDirectory, 'zunbox.db') });
	stops.add(() => store.close());
	const secrets = await Secrets.open(path.join(config.dataDirectory, 'keys'));
	const bus = new InProcessBus();
	const network = new EmbeddedNetworkProvider(
		store,
		{
			defaultNetwork: { cidr: config.network.cidr, cidr6: 'auto', mtu: config.network.mtu, projectId: 'service' },
			publish: { first: 1024, last: 65535, reserved: [config.listen.port] },
			listeners: (host) => listenersOf(bus, host, log),
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
	const servers = config.compute.provider === 'nova' && cloud !== null ? wireCompute(config, cloud, secrets, now) : null;
	const deps: Deps = {
		store,
		bus,
		hub: new Hub(),
		network: servers?.network ?? network,
		placement: servers?.placement ?? placement,
		...(servers === null ? {} : { compute: servers.compute }),
		...(config.images.glance && cloud !== null
			? { imageService: { provider: new GlanceImages(cloud.glance), options: defaultImageServiceOptions } }
			: {}),
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
			driver,
			defaultCpu: config.containers.defaultCpu,
			defaultMemory: config.containers.defaultMemory,
			defaultPids: config.containers.defaultPids,
			defaultPullPolicy: config.containers.imagePullPolicy === 'always' ? 'always' : 'ifnotpresent',
			maxLimit: config.api.maxLimit,
			executeTimeout: config.containers.executeTimeout * seconds,
			executeMaxOutput: config.containers.executeOutputLimit << 20,
			hostDownAfter: config.hosts.downAfter * seconds,
			operationRetention: config.retention.operations * days,
			eventRetention: config.retention.events * days,
			idempotencyRetention: config.retention.idempotencyKeys * hours,
			uniqueContainerNames: config.containers.uniqueNames,
			nameservers: config.network.nameservers.length > 0 ? config.network.nameservers : await upstreamNameservers(),
		},
		now,
		log,
	};
	const service = new Service(deps);
	await service.start();
	stops.add(() => service.stop());
	await wireWebhook(config, deps, stops);
	const images = new Images(deps);
	await images.start();
	stops.add(() => images.stop());
	return { store, secrets, bus, network, quotas, deps, service, images };
}

/** Longest time that a host is waited for when it is asked what listens on it, ms: a transaction is open meanwhile. */
const listenersWait = 3000;

/** Only the host knows. One that does not answer hinders nothing: what is published there is published when it is back. */
async function listenersOf(bus: Bus, host: string, log: Log): Promise<readonly Listener[]> {
	try {
		return await bus.agent(host).listeners(AbortSignal.timeout(listenersWait));
	} catch (error) {
		log.warn({ host, error: messageOf(error) }, 'it is not known what listens on the host: ports are published all the same');
		return [];
	}
}

async function wireWebhook({ webhook: { url, secretFile, kinds } }: Config, deps: Deps, stops: Stops): Promise<void> {
	if (url === null || secretFile === null) return;
	const secret = (await readFile(secretFile, 'utf8')).trim();
	if (secret === '') throw new Error(`${secretFile} is empty: it is to hold the secret of the webhook`);
	const send = webhookSender({ url, secret, timeout: 10 * seconds, now: deps.now });
	const webhook = new Webhook(deps, send, { ...defaultWebhookTries, kinds, render: eventJson });
	await webhook.start();
	stops.add(() => webhook.stop());
}
