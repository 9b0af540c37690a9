import { Account } from '../../test/openstack/cloud/account.ts';
import { urls } from '../../test/openstack/cloud/settings.ts';
import { CountingProxy, type SeenCall } from './counting-proxy.ts';

/** Services that a sandbox may be asked of, by their types in the catalog. */
const counted = {
	compute: urls.nova,
	network: urls.neutron,
	image: urls.glance,
	volumev3: `${urls.cinder}/%(project_id)s`,
} as const;

const name = 'Counted';

/**
 * A second region of the cloud: the same services, each behind a proxy that notes what is asked. A service that is told
 * to use this region finds them nowhere else, and none of the cloud's own services does.
 */
export class CountedRegion {
	/** All that was asked, in the order in which it came. */
	readonly seen: readonly SeenCall[];
	readonly #proxies: readonly CountingProxy[];

	private constructor(seen: readonly SeenCall[], proxies: readonly CountingProxy[]) {
		this.seen = seen;
		this.#proxies = proxies;
	}

	get environment(): Readonly<Record<string, string>> {
		return { ZUNBOX_OPENSTACK_REGION: name };
	}

	/** Also where an earlier run has left its endpoints. */
	static async open(): Promise<CountedRegion> {
		const admin = new Account('admin', 'admin');
		const old = await admin.list('keystone', `GET /endpoints?region_id=${name}`, 'endpoints');
		for (const { id } of old) await admin.ok('keystone', `DELETE /endpoints/${id}`);
		const services = await admin.list('keystone', 'GET /services', 'services');
		const seen: SeenCall[] = [];
		const proxies: CountingProxy[] = [];
		if (old.length === 0) await admin.call('keystone', 'POST /regions', { region: { id: name } });
		for (const [type, target] of Object.entries(counted)) {
			const service = services.find((one) => one['type'] === type);
			if (service === undefined) throw new Error(`the cloud has no service of type ${type}`);
			const proxy = await CountingProxy.open(type, target, seen);
			proxies.push(proxy);
			for (const kind of ['public', 'internal']) {
				const endpoint = { service_id: service['id'], interface: kind, url: proxy.url, region_id: name };
				await admin.ok('keystone', 'POST /endpoints', { endpoint });
			}
		}
		return new CountedRegion(seen, proxies);
	}

	/** Those that have come since `at` (performance.now()). */
	since(at: number): readonly SeenCall[] {
		return this.seen.filter(({ began }) => began >= at);
	}

	close(): void {
		for (const proxy of this.#proxies) proxy.close();
	}
}

const pollKeys: ReadonlySet<string> = new Set(['all_tenants', 'changes-since', 'limit', 'marker']);

/** The one list by which the service learns what became of servers. A list that asks for anything else is another. */
export function isPoll({ service, method, path }: SeenCall): boolean {
	const [place, query] = path.split('?', 2);
	if (service !== 'compute' || method !== 'GET' || place !== '/v2.1/servers/detail') return false;
	const keys = [...new URLSearchParams(query).keys()];
	return keys.includes('all_tenants') && keys.every((key) => pollKeys.has(key));
}
