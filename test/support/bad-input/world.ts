import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { Agent } from '../../../src/agent/agent.ts';
import { NoNetworking } from '../../../src/agent/network/no-networking.ts';
import { FolderVolumes } from '../../../src/agent/volumes/folder-volumes.ts';
import { capsuleRoutes } from '../../../src/api/capsules/routes.ts';
import { hostRoutes } from '../../../src/api/hosts/routes.ts';
import type { Api } from '../../../src/api/http/route.ts';
import { identityRoutes } from '../../../src/api/identity/routes.ts';
import { imageRoutes } from '../../../src/api/images/routes.ts';
import { networkRoutes } from '../../../src/api/network/routes.ts';
import type { ApiOptions } from '../../../src/api/options.ts';
import { quotaRoutes } from '../../../src/api/quotas/routes.ts';
import { registryRoutes } from '../../../src/api/registries/routes.ts';
import { createApi } from '../../../src/api/server.ts';
import { volumeRoutes } from '../../../src/api/volumes/routes.ts';
import { zunNetworkRoutes } from '../../../src/api/zun-networks/routes.ts';
import { Hosts } from '../../../src/control/hosts.ts';
import { ImageSearch } from '../../../src/control/image-search.ts';
import { Images } from '../../../src/control/images.ts';
import { createNetworkControl } from '../../../src/control/networks/network-control.ts';
import { QuotaControl } from '../../../src/control/quota-control.ts';
import { RegistryControl } from '../../../src/control/registry-control.ts';
import { RegistryGuard } from '../../../src/control/registry-guard.ts';
import { VolumeControl } from '../../../src/control/volume-control.ts';
import { createDriver, FakeEngine } from '../../../src/drivers/fake/index.ts';
import { addressesBesideHost } from '../../../src/model/ip.ts';
import { EmbeddedIdentity } from '../../../src/providers/identity/embedded/embedded-identity.ts';
import { EmbeddedNetworkProvider } from '../../../src/providers/network/embedded/embedded-network-provider.ts';
import { quickImageJobs } from '../admin-api.ts';
import { quickPlan } from '../agent/agent-world.ts';
import { plainSealer, startControl, type TestControl } from '../control.ts';
import { embeddedNetworkOptions } from '../embedded-network.ts';
import { cheapHash } from '../identity-server.ts';

export type Who = 'admin' | 'member' | 'reader';

/** Every route of the service over its real control, identity, networks and volumes, and an agent with a driver that pretends. */
export interface WholeWorld {
	readonly api: Api;
	readonly control: TestControl;
	/** Where it listens. */
	readonly url: string;
	/** A user of each role: the member and the reader in one project, the administrator in another. */
	readonly tokens: Readonly<Record<Who, string>>;
	/** Gives every token anew: a request may have taken one away. */
	readonly logIn: () => Promise<void>;
	/** Ids of a user and a project that requests may do anything to; made again when they are gone. */
	readonly victims: () => Promise<{ readonly user: string; readonly project: string }>;
	readonly close: () => Promise<void>;
}

const limits = { sandboxes: 25, containers: 40, ports: 40, networks: 15, volumes: 25 };
const roles = ['admin', 'member', 'reader'] as const;

export async function startWholeWorld(options: Partial<ApiOptions> = {}): Promise<WholeWorld> {
	const control = await startControl({ quotas: limits });
	const { deps, store, quotas, service } = control;
	const stateDirectory = await mkdtemp(path.join(os.tmpdir(), 'zunbox-whole-'));
	const driver = await createDriver({ owner: 'test', stateDirectory, settings: { engine: new FakeEngine() } });
	const agent = new Agent({
		link: control.bus.controlLink(control.link),
		driver,
		networking: new NoNetworking(),
		volumes: new FolderVolumes(stateDirectory, stateDirectory),
		stateDirectory,
		options: { hostname: 'host-1', lookInterval: 60_000, longestPause: 100, plan: quickPlan },
	});
	control.bus.connect('host-1', agent.link);
	await agent.start();

	const publicUrl = () => 'http://zunbox.test';
	const identity = new EmbeddedIdentity({
		store,
		publicUrl,
		tokenLifetime: 3_600_000,
		passwordHashesAtOnce: 1,
		failuresBeforeDelay: 5,
		maxDelay: 60_000,
		hashCost: cheapHash,
	});
	const provider = new EmbeddedNetworkProvider(store, embeddedNetworkOptions, () => {});
	const networks = createNetworkControl({ store, provider, quotas, quotaLimits: (projectId) => quotas.limits(store.db, projectId) });
	const images = new Images(deps, quickImageJobs);
	await images.start();
	const search = new ImageSearch(deps, { repositories: async () => [] }, new RegistryGuard(addressesBesideHost, async () => []));
	const api = await createApi({
		control: service,
		identity,
		options: { rateLimit: null, waitLimit: 0, hostDeadline: 5_000, ...options },
		plugins: [
			(app) => identityRoutes(app, { identity, publicUrl }),
			(app) => networkRoutes(app, { networks, publicUrl }),
			(app, context) => capsuleRoutes(app, context, service.capsules),
			(app) => volumeRoutes(app, { volumes: new VolumeControl(deps) }),
			(app, context) => hostRoutes(app, context, new Hosts(deps, 60_000)),
			(app, context) => quotaRoutes(app, context, new QuotaControl(store, quotas)),
			(app, context) => registryRoutes(app, context, new RegistryControl(deps, plainSealer)),
			(app, context) => imageRoutes(app, context, { images, search }),
			(app, context) => zunNetworkRoutes(app, context, (principal, ref) => provider.findNetwork(store.db, principal, ref)),
		],
	});
	const url = await api.listen({ host: '127.0.0.1', port: 0 });

	const project = (name: string) => identity.projects.create({ name, description: '', enabled: true });
	const user = (name: string, defaultProjectId: string) =>
		identity.users.create({ name, password: 'secret', description: '', email: null, enabled: true, defaultProjectId });
	const [ops, team] = [await project('ops'), await project('team')];
	for (const role of roles) {
		const home = role === 'admin' ? ops : team;
		await identity.assignments.add({ userId: (await user(`the-${role}`, home.id)).id, projectId: home.id, role });
	}
	const victims = async () => {
		const [there] = await identity.projects.list({ name: 'victim' });
		const { id } = there ?? (await project('victim'));
		const [known] = await identity.users.list({ name: 'victim' });
		return { project: id, user: (known ?? (await user('victim', id))).id };
	};
	const tokens = { admin: '', member: '', reader: '' };
	const logIn = async () => {
		for (const role of roles) {
			const login = { method: 'password', user: { name: `the-${role}` }, password: 'secret', scope: { type: 'default' } } as const;
			tokens[role] = (await identity.login(login, '::1')).token;
		}
	};
	await logIn();
	return {
		api,
		control,
		url,
		tokens,
		logIn,
		victims,
		close: async () => {
			await api.close();
			await images.stop();
			await agent.stop();
			await driver.close();
			await control.close();
			await rm(stateDirectory, { recursive: true, force: true });
		},
	};
}
