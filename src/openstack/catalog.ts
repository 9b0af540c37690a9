import type { ServiceType } from './errors.ts';
import type { Fields } from './fields.ts';

/** Which of a service's addresses is used. */
const endpointInterfaces = ['public', 'internal', 'admin'] as const;
export type EndpointInterface = (typeof endpointInterfaces)[number];

export interface CatalogEndpoint {
	readonly interface: string;
	readonly region: string;
	readonly url: string;
}

export interface CatalogService {
	readonly type: string;
	readonly name: string;
	readonly endpoints: readonly CatalogEndpoint[];
}

/** Under which types a service may stand in the catalog, the official one first. */
const catalogTypes: Readonly<Record<ServiceType, readonly string[]>> = {
	identity: ['identity'],
	compute: ['compute'],
	network: ['network'],
	volume: ['block-storage', 'volumev3'],
	image: ['image'],
	placement: ['placement'],
};

/** Versions that the clients speak, where the catalog gives only a service's root. */
const versionPaths: Readonly<Partial<Record<ServiceType, { readonly known: RegExp; readonly path: string }>>> = {
	identity: { known: /\/v3$/, path: '/v3' },
	network: { known: /\/v2\.0$/, path: '/v2.0' },
	image: { known: /\/v2(\.\d+)?$/, path: '/v2' },
	compute: { known: /\/v2(\.\d+)?(\/[^/]+)?$/, path: '/v2.1' },
	volume: { known: /\/v3(\/[^/]+)?$/, path: '/v3' },
};

export function readCatalog(token: Fields): readonly CatalogService[] {
	return token.list('catalog').map((service) => ({
		type: service.text('type'),
		name: service.textOr('name', ''),
		endpoints: service.list('endpoints').map((endpoint) => ({
			interface: endpoint.text('interface'),
			region: endpoint.textOr('region_id', endpoint.textOr('region', '')),
			url: endpoint.text('url'),
		})),
	}));
}

/** Root of a service's API, without a slash at its end; null = the catalog has none of that interface and region. */
export function endpointOf(
	catalog: readonly CatalogService[],
	type: ServiceType,
	choice: { readonly interface: EndpointInterface; readonly region: string | null },
): string | null {
	for (const name of catalogTypes[type]) {
		for (const service of catalog) {
			if (service.type !== name) continue;
			const found = service.endpoints.find(
				(endpoint) => endpoint.interface === choice.interface && (choice.region === null || endpoint.region === choice.region),
			);
			if (found !== undefined) return versioned(type, found.url);
		}
	}
	return null;
}

export function versioned(type: ServiceType, url: string): string {
	const root = url.replace(/\/+$/, '');
	const version = versionPaths[type];
	return version === undefined || version.known.test(root) ? root : `${root}${version.path}`;
}

/** Some endpoints name the project of the token's owner; a request in another project needs that one's. */
export function forProject(url: string, own: string, project: string): string {
	return url.replace(own, project);
}
