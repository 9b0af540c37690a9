import { Type } from 'typebox';
import { agentBinary, type Hosts } from '../../control/hosts.ts';
import { fail } from '../../model/errors.ts';
import { sendJson } from '../http/reply.ts';
import { responses } from '../http/responses.ts';
import type { Api } from '../http/route.ts';
import { flag } from '../parse/flag.ts';
import { given } from '../parse/text.ts';
import { Empty } from '../schemas.ts';
import { renderService } from './render.ts';
import { DisableParameters, ForceDownParameters, ServiceList, ServiceParameters } from './schemas.ts';

/** What the schemas of this file have in common. */
interface Which {
	readonly host: string;
	readonly binary: string;
}

const changed = responses({ 200: Type.Object({ service: Type.Object({}) }) });

/** Zun's services: the agents of the hosts, each of which can be drained, declared dead and forgotten. */
export function serviceRoutes(app: Api, hosts: Hosts): void {
	app.route({
		method: 'GET',
		url: '/v1/services',
		config: { rule: 'zun-service:get_all' },
		schema: { summary: 'List the agents of hosts', response: responses({ 200: ServiceList }) },
		handler: async (_request, reply) => sendJson(reply, 200, { services: (await hosts.list()).map(renderService) }),
	});

	app.route({
		method: 'PUT',
		url: '/v1/services/enable',
		config: { rule: 'zun-service:enable', merge: true },
		schema: { summary: 'Let a host take new sandboxes again', body: ServiceParameters, response: changed },
		handler: async (request, reply) => {
			await hosts.enable(hostOf(request.body));
			return sendJson(reply, 200, { service: { ...pick(request.body), disabled: false, disabled_reason: null } });
		},
	});

	app.route({
		method: 'PUT',
		url: '/v1/services/disable',
		config: { rule: 'zun-service:disable', merge: true },
		schema: {
			summary: 'Drain a host',
			description: 'What is there stays and can be used; new sandboxes go elsewhere.',
			body: DisableParameters,
			response: changed,
		},
		handler: async (request, reply) => {
			const reason = given(request.body.disabled_reason);
			await hosts.disable(hostOf(request.body), reason);
			return sendJson(reply, 200, { service: { ...pick(request.body), disabled: true, disabled_reason: reason } });
		},
	});

	app.route({
		method: 'PUT',
		url: '/v1/services/force_down',
		config: { rule: 'zun-service:force_down', merge: true },
		schema: {
			summary: 'Declare a host dead, or with forced_down=false take that back',
			description: 'What is deleted on a host that is declared dead is gone at once; its leftovers go if the host comes back.',
			body: ForceDownParameters,
			response: changed,
		},
		handler: async (request, reply) => {
			const forcedDown = flag(request.body.forced_down, true);
			await hosts.forceDown(hostOf(request.body), forcedDown);
			return sendJson(reply, 200, { service: { ...pick(request.body), forced_down: forcedDown } });
		},
	});

	app.route({
		method: 'DELETE',
		url: '/v1/services',
		config: { rule: 'zun-service:delete', merge: true },
		schema: { summary: 'Forget a host that has no sandboxes', body: ServiceParameters, response: responses({ 200: Empty }) },
		handler: async (request, reply) => {
			await hosts.forget(hostOf(request.body));
			return sendJson(reply, 200, null);
		},
	});
}

/** Throws zun-service-not-found for a binary that no host has. */
function hostOf({ host, binary }: Which): string {
	if (binary === agentBinary) return host;
	throw fail('zun-service-not-found', `Service ${binary} on host ${host} could not be found: the service of a host is ${agentBinary}.`);
}

function pick({ host, binary }: Which): Which {
	return { host, binary };
}
