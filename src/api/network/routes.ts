import type { NetworkControl } from '../../control/networks/network-control.ts';
import { ZunboxError } from '../../model/errors.ts';
import { failNetwork, NetworkError, type NetworkErrorType, networkErrors } from '../../model/network-errors.ts';
import { type Api, principalOf } from '../http/route.ts';
import { isRecord } from './attributes.ts';
import { extensions, renderExtension } from './extensions.ts';
import { resourceRoutes } from './resource.ts';
import { networkResource, portResource, securityGroupResource, securityGroupRuleResource, subnetResource } from './resources.ts';

export interface NetworkRouteDeps {
	readonly networks: NetworkControl;
	/** Where clients reach the service, without a slash at its end. */
	readonly publicUrl: () => string;
}

const base = '/network/v2.0';

/**
 * Neutron v2.0 at /network, as far as networks of our own go. To be registered in a scope of its own: its errors have
 * Neutron's form.
 */
export function networkRoutes(app: Api, { networks, publicUrl }: NetworkRouteDeps): void {
	const url = () => `${publicUrl()}${base}`;
	const open = { config: { rule: 'public' } } as const;
	const read = { config: { rule: 'network:read' } } as const;
	app.setErrorHandler((error, _request, reply) => {
		const known = asNetworkError(error);
		if (known === null) throw error;
		const { status } = networkErrors[known.type];
		return reply.code(status).send({ NeutronError: { type: known.type, message: known.message, detail: '' } });
	});

	app.get('/network', open, async () => ({
		versions: [{ id: 'v2.0', status: 'CURRENT', links: [{ rel: 'self', href: `${url()}/` }] }],
	}));
	app.get(base, open, async () => ({
		resources: ['network', 'subnet', 'port', 'security-group', 'security-group-rule'].map((name) => ({
			name,
			collection: `${name}s`,
			links: [{ rel: 'self', href: `${url()}/${name}s` }],
		})),
	}));

	app.get(`${base}/extensions`, read, async () => ({ extensions: extensions.map(renderExtension) }));
	app.get(`${base}/extensions/:alias`, read, async (request) => {
		const alias = parameter(request.params, 'alias');
		const extension = extensions.find((candidate) => candidate.alias === alias);
		if (extension === undefined) throw failNetwork('ExtensionNotFound', `Extension with alias ${alias} does not exist`);
		return { extension: renderExtension(extension) };
	});

	app.get(`${base}/quotas/:project`, read, async (request) => ({
		quota: await networks.quotas(principalOf(request), parameter(request.params, 'project')),
	}));
	app.get(`${base}/quotas/:project/default`, read, async (request) => ({
		quota: await networks.quotas(principalOf(request), parameter(request.params, 'project')),
	}));

	resourceRoutes(app, base, url, networkResource(networks));
	resourceRoutes(app, base, url, subnetResource(networks));
	resourceRoutes(app, base, url, portResource(networks));
	resourceRoutes(app, base, url, securityGroupResource(networks));
	resourceRoutes(app, base, url, securityGroupRuleResource(networks));
}

/** The error by Neutron's name; null where Neutron has none of its own for it. */
function asNetworkError(error: unknown): { readonly type: NetworkErrorType; readonly message: string } | null {
	if (error instanceof NetworkError) return error;
	if (!(error instanceof ZunboxError)) return null;
	if (error.code === 'over-quota') return { type: 'OverQuota', message: error.message };
	if (error.code === 'policy-not-authorized') return { type: 'PolicyNotAuthorized', message: error.message };
	return null;
}

function parameter(params: unknown, name: string): string {
	return isRecord(params) ? String(params[name] ?? '') : '';
}
