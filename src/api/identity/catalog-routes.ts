import { fail } from '../../model/errors.ts';
import { defaultDomain } from '../../model/identity.ts';
import { roles } from '../../model/principal.ts';
import type { Api } from '../http/route.ts';
import { allow } from './access.ts';
import { region, serviceCatalog } from './catalog.ts';
import { renderDomain, renderList, renderRole } from './render.ts';
import type { IdentityContext } from './routes.ts';
import { listFilter, thingPath } from './schemas.ts';

const tags = ['identity'];

/** Discovery, and what is fixed: the domain, the roles, the region, services and endpoints. */
export function catalogRoutes(app: Api, { publicUrl, base }: IdentityContext): void {
	const version = () => ({
		id: 'v3.14',
		status: 'stable',
		updated: '2020-04-07T00:00:00Z',
		links: [{ rel: 'self', href: `${base()}/` }],
		'media-types': [{ base: 'application/json', type: 'application/vnd.openstack.identity-v3+json' }],
	});
	app.get('/identity', { config: allow('public'), schema: { summary: 'Versions of the identity API', tags } }, (_request, reply) =>
		reply.code(300).send({ versions: { values: [version()] } }),
	);
	app.get('/identity/v3', { config: allow('public'), schema: { summary: 'Version 3 of the identity API', tags } }, () => ({
		version: version(),
	}));

	const services = () =>
		serviceCatalog(publicUrl()).map(({ id, type, name }) => ({
			id,
			type,
			name,
			enabled: true,
			links: { self: `${base()}/services/${id}` },
		}));
	const endpoints = () =>
		serviceCatalog(publicUrl()).flatMap((service) =>
			service.endpoints.map((endpoint) => ({
				...endpoint,
				service_id: service.id,
				enabled: true,
				links: { self: `${base()}/endpoints/${endpoint.id}` },
			})),
		);
	const regions = () => [{ id: region, description: '', parent_region_id: null, links: { self: `${base()}/regions/${region}` } }];
	const allRoles = () => roles.map((role) => renderRole(role, base()));

	readOnly('domain', 'domains', () => [renderDomain(base())]);
	readOnly('role', 'roles', allRoles);
	readOnly('region', 'regions', regions);
	readOnly('service', 'services', services);
	readOnly('endpoint', 'endpoints', endpoints);

	/** Routes that list things and show one, with Keystone's filters by name and type. */
	function readOnly(
		singular: string,
		plural: string,
		things: () => readonly { readonly id: string; readonly name?: string; readonly type?: string }[],
	): void {
		app.get(
			`/identity/v3/${plural}`,
			{ config: allow('token'), schema: { summary: `List ${plural}`, tags, querystring: listFilter } },
			(request) => {
				const { name, type } = request.query;
				const found = things().filter((thing) => (name ?? thing.name) === thing.name && (type ?? thing.type) === thing.type);
				return renderList(plural, found, base(), `/${plural}`);
			},
		);
		app.get(
			`/identity/v3/${plural}/:id`,
			{ config: allow('token'), schema: { summary: `Show a ${singular}`, tags, params: thingPath } },
			(request) => {
				const found = things().find((thing) => thing.id === request.params.id);
				if (found === undefined) throw fail('not-found', `Could not find ${singular}: ${request.params.id}.`);
				return { [singular]: found };
			},
		);
	}
}

/** Whether a list may hold anything at all: there is one domain. */
export function isOurDomain(domainId: string | undefined): boolean {
	return domainId === undefined || domainId === '' || domainId === defaultDomain.id;
}
