import { createHash } from 'node:crypto';

export const region = 'RegionOne';
export const interfaces = ['public', 'internal', 'admin'] as const;

export interface CatalogEndpoint {
	readonly id: string;
	readonly interface: (typeof interfaces)[number];
	readonly region: string;
	readonly region_id: string;
	readonly url: string;
}

export interface CatalogService {
	readonly id: string;
	readonly type: string;
	readonly name: string;
	readonly endpoints: readonly CatalogEndpoint[];
}

/** Where each API is. Clients know the container service by two types; both lead to one place. */
export function serviceCatalog(publicUrl: string): CatalogService[] {
	return [
		serviceOf('identity', 'zunbox-identity', `${publicUrl}/identity`),
		serviceOf('container', 'zunbox', `${publicUrl}/v1`),
		serviceOf('application-container', 'zunbox', `${publicUrl}/v1`),
		serviceOf('network', 'zunbox-network', `${publicUrl}/network`),
	];
}

function serviceOf(type: string, name: string, url: string): CatalogService {
	const endpoints = interfaces.map((kind) => ({ id: stableId(type, kind), interface: kind, region, region_id: region, url }));
	return { id: stableId(type), type, name, endpoints };
}

/** The same at every start and on every machine. */
function stableId(...parts: readonly string[]): string {
	return createHash('sha256').update(parts.join('/')).digest('hex').slice(0, 32);
}
