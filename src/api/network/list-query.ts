import type { CollectionFilter } from '../../control/networks/collection.ts';
import { canonicalIp } from '../../model/ip.ts';
import { failNetwork } from '../../model/network-errors.ts';
import { asBoolean } from './attributes.ts';

/** A thing as it is shown. */
export type Shown = Readonly<Record<string, unknown>>;

/** A list request, read. */
export interface ListQuery {
	/** Attribute and values, of which one must match. */
	readonly filters: ReadonlyMap<string, readonly string[]>;
	readonly fields: readonly string[];
	readonly sort: readonly { readonly key: string; readonly descending: boolean }[];
	/** null = all. */
	readonly limit: number | null;
	readonly marker: string | null;
	readonly reverse: boolean;
}

export interface Page {
	readonly things: readonly Shown[];
	/** Whether things come after and before it, in the order that was asked for. */
	readonly more: { readonly next: boolean; readonly previous: boolean };
}

/** Parameters that name no attribute. */
const ordering = new Set(['fields', 'sort_key', 'sort_dir', 'limit', 'marker', 'page_reverse', 'verbose']);
/** Filters on tags, which nothing here has. */
const tagFilters = new Set(['tags-any', 'not-tags', 'not-tags-any']);

/** Reads the query of a list of things with these attributes. Throws BadRequest for attributes that they do not have. */
export function parseListQuery(query: Readonly<Record<string, unknown>>, attributes: ReadonlySet<string>): ListQuery {
	const filters = new Map<string, readonly string[]>();
	for (const [name, value] of Object.entries(query)) {
		if (ordering.has(name)) continue;
		if (!attributes.has(name) && !tagFilters.has(name)) {
			throw failNetwork('BadRequest', `['${name}'] is invalid attribute for filtering`);
		}
		filters.set(name, name === 'mac_address' ? textsOf(value).map((mac) => mac.toLowerCase()) : textsOf(value));
	}
	const directions = textsOf(query['sort_dir']);
	const sort = textsOf(query['sort_key']).map((key, index) => {
		if (!attributes.has(key)) throw failNetwork('BadRequest', `['${key}'] is invalid attribute for sort_keys`);
		return { key, descending: directions[index] === 'desc' };
	});
	const limitText = textsOf(query['limit'])[0];
	const limit = limitText === undefined ? null : Number(limitText);
	if (limit !== null && (!Number.isSafeInteger(limit) || limit < 0)) {
		throw failNetwork('BadRequest', `Bad limit '${limitText}': it must be an integer 0 or greater.`);
	}
	return {
		filters,
		fields: textsOf(query['fields']),
		sort,
		limit: limit === 0 ? null : limit,
		marker: textsOf(query['marker'])[0] ?? null,
		reverse: asBoolean(textsOf(query['page_reverse'])[0]) ?? false,
	};
}

/** What of the filters the store can answer faster than by reading everything. */
export function storeFilter({ filters }: ListQuery): CollectionFilter {
	const lists = {
		ids: filters.get('id'),
		names: filters.get('name'),
		projectIds: filters.get('project_id') ?? filters.get('tenant_id'),
		networkIds: filters.get('network_id'),
		sandboxIds: filters.get('device_id')?.includes('') === true ? undefined : filters.get('device_id'),
		macAddresses: filters.get('mac_address'),
		securityGroupIds: filters.get('security_group_id') ?? filters.get('security_groups'),
	};
	return Object.fromEntries(Object.entries(lists).filter(([, values]) => values !== undefined));
}

/** The things that match, in order, from the marker on, as many as asked for. */
export function page(things: readonly Shown[], query: ListQuery): Page {
	const matching = things.filter((thing) => [...query.filters].every(([name, values]) => matches(thing, name, values)));
	const ordered = query.sort.length === 0 ? matching : [...matching].sort((one, other) => compareBy(one, other, query.sort));
	const at = query.marker === null ? null : ordered.findIndex((thing) => thing['id'] === query.marker);
	if (at === -1) throw failNetwork('BadRequest', `The marker '${query.marker}' could not be found.`);
	const size = query.limit ?? ordered.length;
	const start = query.reverse ? Math.max(0, (at ?? ordered.length) - size) : (at ?? -1) + 1;
	const end = query.reverse ? (at ?? ordered.length) : Math.min(ordered.length, start + size);
	return {
		things: ordered.slice(start, end).map((thing) => selectFields(thing, query.fields)),
		more: { next: query.limit !== null && end < ordered.length, previous: query.limit !== null && start > 0 },
	};
}

/** The thing with only these attributes; all where none is named. */
export function selectFields(thing: Shown, fields: readonly string[]): Shown {
	return fields.length === 0 ? thing : Object.fromEntries(Object.entries(thing).filter(([name]) => fields.includes(name)));
}

export function textsOf(value: unknown): readonly string[] {
	if (value === undefined) return [];
	return Array.isArray(value) ? value.map(String) : [String(value)];
}

function matches(thing: Shown, name: string, values: readonly string[]): boolean {
	if (name.startsWith('not-tags')) return true;
	if (name === 'tags-any') return false;
	const value = thing[name];
	if (name === 'fixed_ips') return Array.isArray(value) && matchesFixedIps(value, values);
	return values.some((wanted) => matchesValue(value, wanted));
}

function matchesValue(value: unknown, wanted: string): boolean {
	if (typeof value === 'boolean') return asBoolean(wanted) === value;
	if (value === null || value === undefined) return wanted === '' || wanted.toLowerCase() === 'null' || wanted === 'None';
	if (Array.isArray(value)) return value.some((element) => matchesValue(element, wanted));
	return String(value) === wanted;
}

/** `ip_address=…`, `subnet_id=…` and `ip_address_substr=…`: of each kind one must match. */
function matchesFixedIps(fixedIps: readonly unknown[], values: readonly string[]): boolean {
	const wanted = Map.groupBy(
		values.map((text) => text.split(/=(.*)/s, 2)),
		([kind]) => kind,
	);
	return [...wanted].every(([kind, texts]) =>
		texts.some(([, text = '']) =>
			fixedIps.some((fixedIp) => {
				if (!isFixedIp(fixedIp)) return false;
				if (kind === 'subnet_id') return fixedIp.subnet_id === text;
				if (kind === 'ip_address') return fixedIp.ip_address === (canonicalIp(text) ?? text);
				return kind === 'ip_address_substr' && fixedIp.ip_address.includes(text);
			}),
		),
	);
}

function isFixedIp(value: unknown): value is { readonly subnet_id: string; readonly ip_address: string } {
	return typeof value === 'object' && value !== null && 'ip_address' in value && typeof value.ip_address === 'string';
}

function compareBy(one: Shown, other: Shown, sort: ListQuery['sort']): number {
	for (const { key, descending } of sort) {
		const order = compare(one[key], other[key]);
		if (order !== 0) return descending ? -order : order;
	}
	return 0;
}

function compare(one: unknown, other: unknown): number {
	if (typeof one === 'number' && typeof other === 'number') return one - other;
	const [first, second] = [String(one ?? ''), String(other ?? '')];
	return first === second ? 0 : first < second ? -1 : 1;
}
