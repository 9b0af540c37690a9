import { quotaResources } from '../commands/admin.ts';
import type { CommandContext } from '../context.ts';
import { exitCodes, usageError } from '../exit-code.ts';
import { toneOf } from '../output/style.ts';
import { type Resource, resourceIn, resourcesIn, textIn } from '../resource.ts';
import type { Client } from '../session/client.ts';
import type { Action } from '../tree/spec.ts';
import { field } from './columns.ts';
import { identityId } from './identity-lookup.ts';

export const listHosts: Action = async (context) => {
	const client = await context.client();
	const hosts = await client.list('/hosts', 'hosts');
	const services = context.output.form === 'table' ? resourcesIn(await client.resource('GET', '/services'), 'services') : [];
	const serviceOf = (host: Resource): Resource => services.find((one) => textIn(one, 'host') === textIn(host, 'hostname')) ?? {};
	const used = (row: Resource, of: string, all: string): string => `${textIn(row, of) || '0'} / ${textIn(row, all)}`;
	context.output.list(
		'hosts',
		hosts,
		[
			field('HOST', 'hostname', 12),
			{ title: 'STATE', value: (row) => stateOf(serviceOf(row)), tone: toneOf },
			{ title: 'CPU', alignRight: true, value: (row) => used(row, 'cpu_used', 'cpus') },
			{ title: 'MEMORY MiB', alignRight: true, value: (row) => used(row, 'mem_used', 'mem_total') },
			{ title: 'DISK GiB', alignRight: true, value: (row) => used(row, 'disk_used', 'disk_total') },
			{ title: 'CONTAINERS', alignRight: true, value: (row) => textIn(row, 'total_containers') },
			{ title: 'ZONE', value: (row) => textIn(serviceOf(row), 'availability_zone') },
		],
		{ whole: { hosts, next: null } },
	);
	return exitCodes.ok;
};

function stateOf(service: Resource): string {
	const state = textIn(service, 'state');
	return service['disabled'] === true ? `${state} (disabled)` : state;
}

export const showQuota: Action = async (context) => {
	const client = await context.client();
	const named = context.input.optionalArgument('project');
	const project = named === undefined ? (await client.login()).projectId : await identityId(client, 'project', named);
	await show(context, client, project);
	return exitCodes.ok;
};

export const setQuota: Action = async (context) => {
	const { input } = context;
	const limits = Object.fromEntries(
		Object.keys(quotaResources).flatMap((name) => {
			const limit = input.integer(name.replaceAll('_', '-'));
			return limit === undefined ? [] : [[name, limit]];
		}),
	);
	if (Object.keys(limits).length === 0) throw usageError('say which limits: see zunbox quota set --help');
	const client = await context.client();
	const project = await identityId(client, 'project', input.argument('project'));
	await client.call('PUT', `/quotas/${project}`, { body: limits });
	await show(context, client, project);
	return exitCodes.ok;
};

export const resetQuota: Action = async (context) => {
	const client = await context.client();
	const name = context.input.argument('project');
	await client.call('DELETE', `/quotas/${await identityId(client, 'project', name)}`);
	context.output.done(`${name} has the limits of every project`);
	return exitCodes.ok;
};

async function show(context: CommandContext, client: Client, project: string): Promise<void> {
	const quota = await client.resource('GET', `/quotas/${project}`, { query: { usages: true } });
	if (context.output.form === 'json') {
		context.output.json(quota);
		return;
	}
	const limitText = (limit: string): string => (limit === '-1' ? 'no limit' : limit);
	context.output.table(
		[
			{ title: 'RESOURCE', value: (name: string) => name },
			{ title: 'USED', alignRight: true, value: (name) => textIn(resourceIn(quota, name), 'in_use') },
			{ title: 'LIMIT', alignRight: true, value: (name) => limitText(textIn(resourceIn(quota, name), 'limit')) },
		],
		Object.keys(quota),
	);
}
