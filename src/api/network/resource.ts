import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Collection } from '../../control/networks/collection.ts';
import { failNetwork } from '../../model/network-errors.ts';
import { isAdmin, type Principal } from '../../model/principal.ts';
import { type Api, principalOf } from '../http/route.ts';
import { Attributes, isRecord } from './attributes.ts';
import { page, parseListQuery, type Shown, selectFields, storeFilter, textsOf } from './list-query.ts';

/** How one collection is served: its names, how its bodies are read and its things shown. */
export interface Resource<View, Create, Update> {
	/** As in `network`; the collection's path is the plural with dashes. */
	readonly singular: string;
	readonly plural: string;
	readonly collection: Collection<View, Create, Update>;
	readonly readCreate: (attributes: Attributes) => Create;
	readonly readUpdate: (attributes: Attributes) => Update;
	/** `full`: with what only administrators see. */
	readonly render: (view: View, full: boolean) => Shown;
	/** Attributes to filter and sort by. */
	readonly attributes: readonly string[];
}

/** The five calls of a collection, in Neutron's form. */
export function resourceRoutes<View, Create, Update>(
	app: Api,
	base: string,
	url: () => string,
	resource: Resource<View, Create, Update>,
): void {
	const { collection, singular, plural } = resource;
	const path = `${base}/${plural.replaceAll('_', '-')}`;
	const attributes = new Set(resource.attributes);
	const read = { config: { rule: 'network:read' } } as const;
	const write = { config: { rule: 'network:write' } } as const;
	const show = (view: View, principal: Principal) => resource.render(view, isAdmin(principal));

	app.get(path, read, async (request) => {
		const principal = principalOf(request);
		const query = parseListQuery(recordOf(request.query), attributes);
		const views = await collection.list(principal, storeFilter(query));
		const found = page(
			views.map((view) => show(view, principal)),
			query,
		);
		const links = pageLinks(`${url()}/${plural.replaceAll('_', '-')}`, recordOf(request.query), found);
		return { [plural]: found.things, ...(links.length === 0 ? {} : { [`${plural}_links`]: links }) };
	});
	app.get(`${path}/:id`, read, async (request) => {
		const principal = principalOf(request);
		const view = await collection.show(principal, idOf(request));
		return { [singular]: selectFields(show(view, principal), textsOf(recordOf(request.query)['fields'])) };
	});
	app.post(path, write, async (request, reply) => {
		const principal = principalOf(request);
		const body = recordOf(request.body);
		const many = body[plural];
		if (many !== undefined && !Array.isArray(many)) throw failNetwork('BadRequest', `'${plural}' must be a list.`);
		const inputs = (many ?? [body[singular]]).map((value: unknown) => readAll(value, singular, resource.readCreate));
		const views = (await collection.create(principal, inputs)).map((view) => show(view, principal));
		return await reply.code(201).send(many === undefined ? { [singular]: views[0] } : { [plural]: views });
	});
	app.put(`${path}/:id`, write, async (request) => {
		const principal = principalOf(request);
		const change = readAll(recordOf(request.body)[singular], singular, resource.readUpdate);
		return { [singular]: show(await collection.update(principal, idOf(request), change), principal) };
	});
	app.delete(`${path}/:id`, write, async (request: FastifyRequest, reply: FastifyReply) => {
		await collection.delete(principalOf(request), idOf(request));
		return await reply.code(204).send();
	});
}

function readAll<Input>(value: unknown, singular: string, read: (attributes: Attributes) => Input): Input {
	const attributes = new Attributes(value, singular);
	const input = read(attributes);
	attributes.end();
	return input;
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
	return isRecord(value) ? value : {};
}

function idOf(request: { readonly params: unknown }): string {
	return String(recordOf(request.params)['id'] ?? '');
}

function pageLinks(url: string, query: Readonly<Record<string, unknown>>, found: ReturnType<typeof page>): readonly object[] {
	const link = (rel: string, marker: unknown, reverse: boolean) => {
		const parameters = new URLSearchParams();
		for (const [name, value] of Object.entries(query)) {
			if (name === 'marker' || name === 'page_reverse') continue;
			for (const text of textsOf(value)) parameters.append(name, text);
		}
		parameters.set('marker', String(marker));
		if (reverse) parameters.set('page_reverse', 'True');
		return { rel, href: `${url}?${parameters}` };
	};
	const [first, last] = [found.things[0], found.things.at(-1)];
	return [
		...(found.more.next && last !== undefined ? [link('next', last['id'], false)] : []),
		...(found.more.previous && first !== undefined ? [link('previous', first['id'], true)] : []),
	];
}
