import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import type { FastifyBaseLogger } from 'fastify';
import { capsuleRoutes } from '../api/capsules/routes.ts';
import { hostRoutes } from '../api/hosts/routes.ts';
import type { Api } from '../api/http/route.ts';
import { identityRoutes } from '../api/identity/routes.ts';
import { imageRoutes } from '../api/images/routes.ts';
import { networkRoutes } from '../api/network/routes.ts';
import { quotaRoutes } from '../api/quotas/routes.ts';
import { registryRoutes } from '../api/registries/routes.ts';
import { createApi } from '../api/server.ts';
import { volumesElsewhereRoutes } from '../api/volumes/elsewhere.ts';
import { sandboxVolumeRoutes, volumeRoutes } from '../api/volumes/routes.ts';
import { zunNetworkRoutes } from '../api/zun-networks/routes.ts';
import type { Config } from '../config/schema.ts';
import { Hosts } from '../control/hosts.ts';
import { ImageSearch } from '../control/image-search.ts';
import { createNetworkControl } from '../control/networks/network-control.ts';
import { QuotaControl } from '../control/quota-control.ts';
import { RegistryControl } from '../control/registry-control.ts';
import { VolumeControl } from '../control/volume-control.ts';
import { HttpRegistryCatalog } from '../providers/image/registry-catalog.ts';
import type { WiredControl } from './control.ts';
import type { WiredIdentity } from './identity.ts';

/**
 * The HTTP service with all that it serves; it does not listen yet. `publicUrl` is asked at each use. What another
 * service provides is not served here: its clients find that one in the catalog.
 */
export async function wireApi(
	config: Config,
	control: WiredControl,
	{ identity, management }: WiredIdentity,
	publicUrl: () => string,
	log: FastifyBaseLogger,
): Promise<Api> {
	const { store, secrets, network, quotas, deps, service, images } = control;
	const networks = createNetworkControl({
		store,
		provider: network,
		quotas,
		quotaLimits: (projectId) => quotas.limits(store.db, projectId),
	});
	const { requestsPerSecond } = config.api;
	return await createApi({
		control: service,
		identity,
		logger: log,
		options: {
			publicUrl: config.publicUrl,
			trustProxy: config.listen.trustProxy,
			maxLimit: config.api.maxLimit,
			bodyLimit: config.api.bodyLimit * 1024,
			spoolDirectory: await emptyFolder(path.join(config.dataDirectory, 'spool')),
			archiveLimit: config.api.archiveLimit * 1024 * 1024,
			rateLimit: requestsPerSecond === 0 ? null : { perSecond: requestsPerSecond, burst: 2 * requestsPerSecond },
			waitLimit: config.api.maxWait,
			maxStreams: config.api.maxStreams,
			maxSessions: config.api.maxStreams,
			pathPrefix: config.api.pathPrefix,
			corsOrigins: config.api.corsOrigins,
			allowedRuntimes: config.api.allowedRuntimes,
			forbiddenRegistries: config.registries.forbidden,
		},
		plugins: [
			...(management === null ? [] : [(app: Api) => identityRoutes(app, { identity: management, publicUrl })]),
			...(config.network.provider === 'embedded' ? [(app: Api) => networkRoutes(app, { networks, publicUrl })] : []),
			(app, context) => capsuleRoutes(app, context, service.capsules),
			...(config.volumes.provider === 'embedded' ? [] : [volumesElsewhereRoutes]),
			(app) =>
				(config.volumes.provider === 'embedded' ? volumeRoutes : sandboxVolumeRoutes)(app, {
					volumes: new VolumeControl(deps),
					options: { publicUrl: config.publicUrl, maxLimit: config.api.maxLimit },
				}),
			(app, context) => hostRoutes(app, context, new Hosts(deps, config.hosts.downAfter * 1000)),
			(app, context) => quotaRoutes(app, context, new QuotaControl(store, quotas)),
			(app, context) => registryRoutes(app, context, new RegistryControl(deps, secrets)),
			(app, context) => imageRoutes(app, context, { images, search: new ImageSearch(deps, new HttpRegistryCatalog(), context.registries) }),
			(app, context) => zunNetworkRoutes(app, context, (principal, ref) => deps.network.findNetwork(store.db, principal, ref)),
		],
	});
}

/** Made private, and without what a process left that was ended while it worked. */
async function emptyFolder(directory: string): Promise<string> {
	await rm(directory, { recursive: true, force: true });
	await mkdir(directory, { recursive: true, mode: 0o700 });
	return directory;
}
