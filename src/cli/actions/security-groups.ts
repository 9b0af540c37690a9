import type { CommandContext } from '../context.ts';
import { exitCodes, usageError } from '../exit-code.ts';
import type { Column } from '../output/table.ts';
import { type Resource, resourceIn, resourcesIn, textIn, textsIn } from '../resource.ts';
import type { Action } from '../tree/spec.ts';
import { field } from './columns.ts';
import { forEach } from './each.ts';
import { networkThing } from './network-lookup.ts';
import { given } from './placement.ts';

const api = 'network';

export const list: Action = async (context) => {
	const client = await context.client();
	const answer = await client.resource('GET', '/security-groups', { api });
	const columns: readonly Column<Resource>[] = [
		field('NAME', 'name', 12),
		{ title: 'RULES', alignRight: true, value: (row) => String(resourcesIn(row, 'security_group_rules').length) },
		{ ...field('DESCRIPTION', 'description', 12), optional: true },
		field('ID', 'id'),
	];
	context.output.list('security_groups', resourcesIn(answer, 'security_groups'), columns, { idField: 'id', whole: answer });
	return exitCodes.ok;
};

export const create: Action = async (context) => {
	const { input } = context;
	const client = await context.client();
	const body = { security_group: given({ name: input.argument('name'), description: input.text('description') }) };
	showGroup(context, await client.resource('POST', '/security-groups', { api, body }));
	return exitCodes.ok;
};

export const show: Action = async (context) => {
	const client = await context.client();
	const id = await networkThing(client, 'security-group', context.input.argument('group'));
	showGroup(context, await client.resource('GET', `/security-groups/${id}`, { api }));
	return exitCodes.ok;
};

export const remove: Action = async (context) => {
	const client = await context.client();
	return await forEach(context, context.input.arguments('group'), async (name) => {
		await client.call('DELETE', `/security-groups/${await networkThing(client, 'security-group', name)}`, { api });
		context.output.done(`${name} is deleted`);
	});
};

export const addRule: Action = async (context) => {
	const { input } = context;
	const [port, remote] = [input.text('port'), input.text('remote')];
	const protocol = input.text('protocol') ?? (port === undefined ? undefined : 'tcp');
	const client = await context.client();
	const group = await networkThing(client, 'security-group', input.argument('group'));
	const isAddress = remote !== undefined && /^[0-9a-f.:]+(\/\d{1,3})?$/i.test(remote) && /[.:]/.test(remote);
	const rule = given({
		security_group_id: group,
		direction: input.text('direction') ?? 'ingress',
		ethertype: input.flag('ipv6') === true || (isAddress && remote.includes(':')) ? 'IPv6' : 'IPv4',
		protocol,
		...portRange(port),
		remote_ip_prefix: isAddress ? remote : undefined,
		remote_group_id: remote === undefined || isAddress ? undefined : await networkThing(client, 'security-group', remote),
	});
	const answer = await client.resource('POST', '/security-group-rules', { api, body: { security_group_rule: rule } });
	const made = resourceIn(answer, 'security_group_rule');
	if (context.output.form === 'json') context.output.json(answer);
	else
		context.output.object(
			made,
			() => [
				['rule', ruleText(made), 'strong'],
				['id', textIn(made, 'id')],
			],
			'id',
		);
	return exitCodes.ok;
};

function portRange(text: string | undefined): Resource {
	if (text === undefined) return {};
	const [, first, last] = /^(\d{1,5})(?:[:-](\d{1,5}))?$/.exec(text) ?? [];
	if (first === undefined) throw usageError(`--port takes a port or a range such as 8000:8100, not "${text}"`);
	return { port_range_min: Number(first), port_range_max: Number(last ?? first) };
}

export const removeRules: Action = async (context) => {
	const client = await context.client();
	return await forEach(context, context.input.arguments('rule'), async (id) => {
		await client.call('DELETE', `/security-group-rules/${encodeURIComponent(id)}`, { api });
		context.output.done(`${id} is deleted`);
	});
};

function showGroup(context: CommandContext, answer: Resource): void {
	if (context.output.form === 'json') {
		context.output.json(answer);
		return;
	}
	const group = resourceIn(answer, 'security_group');
	context.output.object(
		group,
		() => [
			['name', textIn(group, 'name'), 'strong'],
			['id', textIn(group, 'id')],
			['description', textIn(group, 'description')],
			['rules', resourcesIn(group, 'security_group_rules').map((rule) => `${ruleText(rule)}  ${textIn(rule, 'id')}`)],
		],
		'id',
	);
}

function ruleText(rule: Resource): string {
	const read = (name: string): string => textIn(rule, name);
	const [first, last] = [read('port_range_min'), read('port_range_max')];
	const ports = first === '' ? '' : ` ${first === last ? first : `${first}:${last}`}`;
	const remote = read('remote_ip_prefix') || (read('remote_group_id') === '' ? 'anywhere' : `group ${read('remote_group_id')}`);
	const way = read('direction') === 'ingress' ? 'from' : 'to';
	return `${read('direction')} ${read('ethertype')} ${read('protocol') || 'any'}${ports} ${way} ${remote}`;
}

/** The groups of a sandbox are those of its ports. */
function changing(change: (groups: readonly string[], group: string) => readonly string[], word: string): Action {
	return async (context) => {
		const client = await context.client();
		const [name, group] = [context.input.argument('sandbox'), context.input.argument('group')];
		const sandbox = textIn(await client.resource('GET', `/sandboxes/${encodeURIComponent(name)}`), 'uuid');
		const id = await networkThing(client, 'security-group', group);
		const { ports } = await client.resource('GET', '/ports', { api, query: { device_id: sandbox } });
		for (const port of resourcesIn({ ports }, 'ports')) {
			const security_groups = change(textsIn(port, 'security_groups'), id);
			await client.call('PUT', `/ports/${textIn(port, 'id')}`, { api, body: { port: { security_groups } } });
		}
		context.output.done(`${name} ${word} ${group}`);
		return exitCodes.ok;
	};
}

export const addToSandbox: Action = changing((groups, group) => [...new Set([...groups, group])], 'has security group');
export const removeFromSandbox: Action = changing((groups, group) => groups.filter((one) => one !== group), 'is out of security group');
