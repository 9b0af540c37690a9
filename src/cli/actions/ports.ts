import type { CommandContext } from '../context.ts';
import { exitCodes } from '../exit-code.ts';
import { toneOf } from '../output/style.ts';
import { type Resource, resourceIn, resourcesIn, textIn, textsIn } from '../resource.ts';
import type { Action } from '../tree/spec.ts';
import { field } from './columns.ts';
import { forEach } from './each.ts';
import { networkThing } from './network-lookup.ts';
import { given } from './placement.ts';

const api = 'network';

function addresses(port: Resource): readonly string[] {
	return resourcesIn(port, 'fixed_ips').map((ip) => textIn(ip, 'ip_address'));
}

export const list: Action = async (context) => {
	const client = await context.client();
	const network = context.input.text('network');
	const sandbox = context.input.text('sandbox');
	const query = {
		network_id: network === undefined ? undefined : await networkThing(client, 'network', network),
		device_id:
			sandbox === undefined ? undefined : textIn(await client.resource('GET', `/sandboxes/${encodeURIComponent(sandbox)}`), 'uuid'),
	};
	const answer = await client.resource('GET', '/ports', { api, query });
	context.output.list(
		'ports',
		resourcesIn(answer, 'ports'),
		[
			{ ...field('NAME', 'name', 8), optional: true },
			{ title: 'STATUS', value: (row) => textIn(row, 'status'), tone: toneOf },
			{ title: 'ADDRESSES', value: (row) => addresses(row).join(', '), least: 16 },
			field('MAC', 'mac_address'),
			field('SANDBOX', 'device_id', 12),
			field('ID', 'id'),
		],
		{ idField: 'id', whole: answer },
	);
	return exitCodes.ok;
};

export const create: Action = async (context) => {
	const { input } = context;
	const client = await context.client();
	const groups = input.texts('security-group');
	const ips = input.texts('ip').map((ip_address) => ({ ip_address }));
	const port = given({
		network_id: await networkThing(client, 'network', input.argument('network')),
		name: input.text('name'),
		fixed_ips: ips.length === 0 ? undefined : ips,
		security_groups:
			groups.length === 0 ? undefined : await Promise.all(groups.map((group) => networkThing(client, 'security-group', group))),
	});
	showPort(context, await client.resource('POST', '/ports', { api, body: { port } }));
	return exitCodes.ok;
};

export const show: Action = async (context) => {
	const client = await context.client();
	const id = await networkThing(client, 'port', context.input.argument('port'));
	showPort(context, await client.resource('GET', `/ports/${id}`, { api }));
	return exitCodes.ok;
};

export const remove: Action = async (context) => {
	const client = await context.client();
	return await forEach(context, context.input.arguments('port'), async (name) => {
		await client.call('DELETE', `/ports/${await networkThing(client, 'port', name)}`, { api });
		context.output.done(`${name} is deleted`);
	});
};

function showPort(context: CommandContext, answer: Resource): void {
	if (context.output.form === 'json') {
		context.output.json(answer);
		return;
	}
	const port = resourceIn(answer, 'port');
	const read = (name: string): string => textIn(port, name);
	context.output.object(
		port,
		() => [
			...(read('name') === '' ? [] : [['name', read('name'), 'strong'] as const]),
			['id', read('id')],
			['status', read('status'), toneOf(read('status'))],
			['addresses', addresses(port)],
			['mac', read('mac_address')],
			['network', read('network_id')],
			['security groups', textsIn(port, 'security_groups')],
			['sandbox', read('device_id')],
		],
		'id',
	);
}
