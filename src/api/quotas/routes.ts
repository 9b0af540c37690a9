import { Type } from 'typebox';
import type { QuotaControl } from '../../control/quota-control.ts';
import { type QuotaResource, quotaResources } from '../../control/quotas.ts';
import type { QuotaLimits, QuotaUsage } from '../../control/sql-quotas.ts';
import { sendJson } from '../http/reply.ts';
import { responses } from '../http/responses.ts';
import { type Api, principalOf } from '../http/route.ts';
import type { RouteContext } from '../options.ts';
import { Empty } from '../schemas.ts';
import { ClassParams, ProjectParams, Quotas, QuotaUpdate } from './schemas.ts';

/** As Zun lists its resources; what it does not have comes after. */
const order: readonly QuotaResource[] = [
	...(['containers', 'memory', 'cpu', 'disk'] as const),
	...quotaResources.filter((resource) => !['containers', 'memory', 'cpu', 'disk'].includes(resource)),
];

/** Zun's `/quotas` and `/quota_classes`. */
export function quotaRoutes(app: Api, _context: RouteContext, quotas: QuotaControl): void {
	const shown = responses({ 200: Quotas });

	app.route({
		method: 'GET',
		url: '/v1/quotas/:project_id',
		config: { rule: 'quota:get' },
		schema: {
			summary: 'Limits of a project; with usages also what is in use',
			params: ProjectParams,
			querystring: Type.Object({ usages: Type.Optional(Type.String()) }, { additionalProperties: false }),
			response: shown,
		},
		handler: async (request, reply) => {
			const { project_id } = request.params;
			const limits = await quotas.limits(principalOf(request), project_id);
			// Whatever it says: Zun's clients write it as True only.
			if (request.query.usages === undefined || request.query.usages === '') return sendJson(reply, 200, render(limits));
			return sendJson(reply, 200, renderUsages(limits, await quotas.usage(principalOf(request), project_id)));
		},
	});

	app.route({
		method: 'GET',
		url: '/v1/quotas/:project_id/defaults',
		config: { rule: 'quota:get_default' },
		schema: { summary: 'Limits of a project that was given none of its own', params: ProjectParams, response: shown },
		handler: async (request, reply) => sendJson(reply, 200, render(await quotas.defaults(principalOf(request), request.params.project_id))),
	});

	app.route({
		method: 'PUT',
		url: '/v1/quotas/:project_id',
		config: { rule: 'quota:update', merge: true },
		schema: { summary: 'Set limits of a project', params: ProjectParams, body: QuotaUpdate, response: shown },
		handler: async (request, reply) =>
			sendJson(reply, 200, render(await quotas.update(request.params.project_id, readLimits(request.body)))),
	});

	app.route({
		method: 'DELETE',
		url: '/v1/quotas/:project_id',
		config: { rule: 'quota:delete' },
		schema: { summary: 'Give a project the default limits again', params: ProjectParams, response: responses({ 200: Empty }) },
		handler: async (request, reply) => {
			await quotas.reset(request.params.project_id);
			return sendJson(reply, 200, null);
		},
	});

	app.route({
		method: 'GET',
		url: '/v1/quota_classes/:class_name',
		config: { rule: 'quota_class:get' },
		schema: { summary: 'Limits of a class; those of default hold for every project', params: ClassParams, response: shown },
		handler: async (request, reply) => sendJson(reply, 200, render(await quotas.classLimits(request.params.class_name))),
	});

	app.route({
		method: 'PUT',
		url: '/v1/quota_classes/:class_name',
		config: { rule: 'quota_class:update', merge: true },
		schema: { summary: 'Set limits of a class', params: ClassParams, body: QuotaUpdate, response: shown },
		handler: async (request, reply) =>
			sendJson(reply, 200, render(await quotas.updateClass(request.params.class_name, readLimits(request.body)))),
	});
}

/** The limits that a body gives; null counts as not given. */
function readLimits(body: Readonly<Record<string, unknown>>): Partial<QuotaLimits> {
	const limits: Partial<Record<QuotaResource, number>> = {};
	for (const resource of quotaResources) {
		const value = body[resource];
		if (value !== undefined && value !== null) limits[resource] = Number(value);
	}
	return limits;
}

function render(limits: QuotaLimits) {
	return Object.fromEntries(order.map((resource) => [resource, limits[resource]]));
}

function renderUsages(limits: QuotaLimits, usage: QuotaUsage) {
	// Rounded: sums of fractions of cores carry the traces of binary fractions.
	const inUse = (resource: QuotaResource) => Math.round(usage[resource] * 1e6) / 1e6;
	return Object.fromEntries(order.map((resource) => [resource, { limit: limits[resource], in_use: inUse(resource) }]));
}
