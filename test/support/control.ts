import { InProcessBus } from '../../src/bus/in-process.ts';
import { type ControlOptions, type Deps, defaultControlOptions } from '../../src/control/deps.ts';
import type { HostLink } from '../../src/control/host-link.ts';
import { Hub } from '../../src/control/hub.ts';
import { Service } from '../../src/control/service.ts';
import { SqlPlacement } from '../../src/control/sql-placement.ts';
import { type QuotaLimits, SqlQuotas } from '../../src/control/sql-quotas.ts';
import { SqlRegistries } from '../../src/control/sql-registries.ts';
import { SqlVolumes } from '../../src/control/sql-volumes.ts';
import type { HostFacts } from '../../src/model/host.ts';
import { newRequestId } from '../../src/model/ids.ts';
import type { Principal } from '../../src/model/principal.ts';
import { EmbeddedNetworkProvider } from '../../src/providers/network/embedded/embedded-network-provider.ts';
import { Store } from '../../src/store/store.ts';
import { embeddedNetworkOptions } from './embedded-network.ts';

/** Stands in for sealing with real keys: the database of a test holds no secret. */
export const plainSealer = { seal: (secret: string) => `sealed:${secret}`, unseal: (sealed: string) => sealed.slice('sealed:'.length) };

export interface TestControl {
	readonly service: Service;
	readonly deps: Deps;
	readonly store: Store;
	readonly quotas: SqlQuotas;
	readonly bus: InProcessBus;
	readonly link: HostLink;
	/** Moves the clock on, in ms. */
	readonly advance: (ms: number) => void;
	readonly close: () => Promise<void>;
}

const unlimited: QuotaLimits = {
	sandboxes: -1,
	containers: -1,
	cpu: -1,
	memory: -1,
	disk: -1,
	ports: -1,
	networks: -1,
	volumes: -1,
	volume_gigabytes: -1,
};

/** Control over a database in memory, with real providers and no agent: a test plays the host through `link`. */
export async function startControl(
	options: {
		readonly control?: Partial<ControlOptions>;
		readonly quotas?: Partial<QuotaLimits>;
		readonly path?: string;
		/** Other providers than the embedded ones. */
		readonly deps?: (embedded: Deps) => Partial<Deps>;
	} = {},
): Promise<TestControl> {
	let shift = 0;
	const now = () => Date.now() + shift;
	const store = await Store.open({ path: options.path ?? ':memory:' });
	const bus = new InProcessBus();
	const network = new EmbeddedNetworkProvider(
		store,
		embeddedNetworkOptions,
		(change) => {
			for (const host of change.hosts) bus.wake(host, null);
			for (const sandbox of change.sandboxes) bus.wake(sandbox.host, sandbox.id);
		},
		now,
	);
	const quotas = new SqlQuotas({ ...unlimited, ...options.quotas });
	const placement = new SqlPlacement({ cpuRatio: 1000, memoryRatio: 1000, diskRatio: 1, strategy: 'spread', hostDownAfter: 60_000, now });
	const embedded: Deps = {
		store,
		bus,
		hub: new Hub(),
		network,
		placement,
		quotas,
		volumes: new SqlVolumes(plainSealer, {
			maxFileSize: 65536,
			minSize: 1,
			maxSize: 1024,
			hasRoom: (...args) => placement.hasRoom(...args),
			now,
		}),
		registries: new SqlRegistries(plainSealer),
		options: { ...defaultControlOptions, driver: 'fake', ...options.control },
		now,
		log: { info: () => {}, warn: () => {}, error: () => {} },
	};
	const deps: Deps = { ...embedded, ...options.deps?.(embedded) };
	const service = new Service(deps);
	await service.start();
	const link = service.hostLink({ availabilityZone: 'nova' });
	return {
		service,
		deps,
		store,
		quotas,
		bus,
		link,
		advance: (ms) => {
			shift += ms;
		},
		close: async () => {
			await service.stop();
			await store.close();
		},
	};
}

/** Facts of a host that a test registers. */
export function hostFacts(hostname: string, change: Partial<HostFacts> = {}): HostFacts {
	return {
		hostname,
		cpus: 8,
		memoryMib: 16384,
		diskGib: 100,
		diskQuotaSupported: false,
		architecture: 'x86_64',
		osType: 'linux',
		os: 'Debian',
		kernelVersion: '6.1',
		driver: 'fake',
		driverVersion: '1',
		runtimes: ['runc'],
		defaultRuntime: 'runc',
		labels: {},
		...change,
	};
}

/** A principal of a project, each call with a request id of its own. */
export function principal(projectId: string, roles: Principal['roles'] = ['member']): Principal {
	return { userId: `user-of-${projectId}`, userName: 'user', projectId, projectName: projectId, roles, requestId: newRequestId() };
}
