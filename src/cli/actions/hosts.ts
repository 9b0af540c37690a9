import type { CommandContext } from '../context.ts';
import { exitCodes } from '../exit-code.ts';
import { type Resource, resourceIn, resourcesIn, textIn, textsIn } from '../resource.ts';
import type { Action } from '../tree/spec.ts';
import { pairsText } from './columns.ts';
import { forEach } from './each.ts';

/** Of the service on each host, as the API calls it. */
const binary = 'zun-compute';

export const show: Action = async (context) => {
	const client = await context.client();
	const host = await client.resource('GET', `/hosts/${encodeURIComponent(context.input.argument('host'))}`);
	const services = context.output.form === 'table' ? resourcesIn(await client.resource('GET', '/services'), 'services') : [];
	const service = services.find((one) => textIn(one, 'host') === textIn(host, 'hostname')) ?? {};
	const read = (name: string): string => textIn(host, name);
	const used = (of: string, all: string, unit: string): string => `${read(of) || '0'} of ${read(all)} ${unit}`;
	context.output.object(host, () => [
		['name', read('hostname'), 'strong'],
		['id', read('uuid')],
		['state', `${textIn(service, 'state')}${service['disabled'] === true ? ' (disabled)' : ''}`],
		...optional('reason', textIn(service, 'disabled_reason')),
		['zone', read('availability_zone')],
		['cpu', used('cpu_used', 'cpus', 'cores')],
		['memory', used('mem_used', 'mem_total', 'MiB')],
		['disk', used('disk_used', 'disk_total', 'GiB')],
		['containers', read('total_containers')],
		['driver', `${read('driver')} ${read('driver_version')}`],
		['runtimes', textsIn(host, 'runtimes').join(', ')],
		['system', `${read('os')}, kernel ${read('kernel_version')}, ${read('architecture')}`],
		['labels', pairsText(resourceIn(host, 'labels'))],
	]);
	return exitCodes.ok;
};

function optional(name: string, value: string): readonly (readonly [string, string])[] {
	return value === '' ? [] : [[name, value]];
}

function changing(path: string, method: 'PUT' | 'DELETE', word: string, more: (context: CommandContext) => Resource = () => ({})): Action {
	return async (context) => {
		const client = await context.client();
		return await forEach(context, context.input.arguments('host'), async (host) => {
			const fields = { host, binary, ...more(context) };
			// A delete has no body; its parameters are those of the URL.
			await client.call(method, path, method === 'PUT' ? { body: fields } : { query: { host, binary } });
			context.output.done(`${host} ${word}`);
		});
	};
}

export const enable: Action = changing('/services/enable', 'PUT', 'takes new sandboxes');
export const disable: Action = changing('/services/disable', 'PUT', 'takes no new sandboxes', ({ input }) => {
	const reason = input.text('reason');
	return reason === undefined ? {} : { disabled_reason: reason };
});
export const down: Action = changing('/services/force_down', 'PUT', 'is declared dead', () => ({ forced_down: true }));
export const up: Action = changing('/services/force_down', 'PUT', 'is not declared dead any more', () => ({ forced_down: false }));
export const forget: Action = changing('/services', 'DELETE', 'is forgotten');
