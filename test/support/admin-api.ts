import { hostRoutes } from '../../src/api/hosts/routes.ts';
import type { Api } from '../../src/api/http/route.ts';
import { imageRoutes } from '../../src/api/images/routes.ts';
import type { ApiPlugin } from '../../src/api/options.ts';
import { quotaRoutes } from '../../src/api/quotas/routes.ts';
import { registryRoutes } from '../../src/api/registries/routes.ts';
import { zunNetworkRoutes } from '../../src/api/zun-networks/routes.ts';
import { Hosts } from '../../src/control/hosts.ts';
import { ImageSearch } from '../../src/control/image-search.ts';
import { Images } from '../../src/control/images.ts';
import { QuotaControl } from '../../src/control/quota-control.ts';
import { RegistryControl } from '../../src/control/registry-control.ts';
import { RegistryGuard } from '../../src/control/registry-guard.ts';
import { addressesBesideHost } from '../../src/model/ip.ts';
import type { RegistryCatalog } from '../../src/providers/image/registry-catalog.ts';
import { startApi } from './api-client.ts';
import { plainSealer, startControl, type TestControl } from './control.ts';

export interface AdminApi {
	readonly control: TestControl;
	readonly api: Api;
	readonly hosts: Hosts;
	readonly images: Images;
	readonly registries: RegistryControl;
	readonly close: () => Promise<void>;
}

/** Quick for tests: a pull that fails is tried again soon. */
export const quickImageJobs = { firstPause: 5, longestPause: 20, progressInterval: 5 };

const noCatalog: RegistryCatalog = { repositories: async () => [] };

/** The part of the API that is for administrators, and registries, over a control in memory. */
export async function startAdminApi(
	options: Parameters<typeof startControl>[0] & { readonly catalog?: RegistryCatalog; readonly api?: Parameters<typeof startApi>[1] } = {},
): Promise<AdminApi> {
	const control = await startControl(options);
	const { deps, store, quotas } = control;
	const hosts = new Hosts(deps, 60_000);
	const images = new Images(deps, quickImageJobs);
	const registries = new RegistryControl(deps, plainSealer);
	const search = new ImageSearch(
		deps,
		options.catalog ?? noCatalog,
		new RegistryGuard(addressesBesideHost, async (host) => (host === 'localhost' ? ['127.0.0.1'] : [])),
	);
	const plugins: readonly ApiPlugin[] = [
		(app, context) => hostRoutes(app, context, hosts),
		(app, context) => quotaRoutes(app, context, new QuotaControl(store, quotas)),
		(app, context) => registryRoutes(app, context, registries),
		(app, context) => imageRoutes(app, context, { images, search }),
		(app, context) => zunNetworkRoutes(app, context, (principal, ref) => deps.network.findNetwork(store.db, principal, ref)),
	];
	await images.start();
	const api = await startApi(control.service, options.api ?? {}, plugins);
	return {
		control,
		api,
		hosts,
		images,
		registries,
		close: async () => {
			await api.close();
			await images.stop();
			await control.close();
		},
	};
}
