import { exitCodes, usageError } from '../exit-code.ts';
import { toneOf } from '../output/style.ts';
import { resourceIn, resourcesIn, textIn, textsIn } from '../resource.ts';
import type { Action } from '../tree/spec.ts';
import { field } from './columns.ts';
import { forEach } from './each.ts';
import { networkThing } from './network-lookup.ts';

const api = 'network';

export const list: Action = async (context) => {
	const client = await context.client();
	const answer = await client.resource('GET', '/networks', { api });
	const subnets = context.output.form === 'table' ? await client.resource('GET', '/subnets', { api }) : {};
	const addresses = new Map(resourcesIn(subnets, 'subnets').map((subnet) => [textIn(subnet, 'id'), textIn(subnet, 'cidr')]));
	context.output.list(
		'networks',
		resourcesIn(answer, 'networks'),
		[
			field('NAME', 'name', 12),
			{ title: 'STATUS', value: (row) => textIn(row, 'status'), tone: toneOf },
			{
				title: 'ADDRESSES',
				value: (row) =>
					textsIn(row, 'subnets')
						.map((id) => addresses.get(id) ?? id)
						.join(', '),
				least: 18,
			},
			{ title: 'SHARED', value: (row) => (row['shared'] === true ? 'yes' : 'no') },
			field('ID', 'id'),
		],
		{ idField: 'id', whole: answer },
	);
	return exitCodes.ok;
};

export const create: Action = async (context) => {
	const { input } = context;
	const subnets = input.texts('cidr');
	const wrong = subnets.find((cidr) => !/^[0-9a-f.:]+\/\d{1,3}$/i.test(cidr));
	if (wrong !== undefined) throw usageError(`--cidr takes a network such as 10.1.0.0/24, not "${wrong}"`);
	const client = await context.client();
	const shared = input.flag('shared');
	const body = { network: { name: input.argument('name'), ...(shared === undefined ? {} : { shared }) } };
	const made = resourceIn(await client.resource('POST', '/networks', { api, body }), 'network');
	const id = textIn(made, 'id');
	try {
		for (const cidr of subnets) {
			const subnet = { network_id: id, cidr, ip_version: cidr.includes(':') ? 6 : 4 };
			await client.resource('POST', '/subnets', { api, body: { subnet } });
		}
	} catch (error) {
		// A network without the subnet that was asked for is of no use.
		await client.call('DELETE', `/networks/${id}`, { api }).catch(() => {});
		throw error;
	}
	const answer = await client.resource('GET', `/networks/${id}`, { api });
	const network = resourceIn(answer, 'network');
	if (context.output.form === 'json') context.output.json(answer);
	else
		context.output.object(
			network,
			() => [
				['name', textIn(network, 'name'), 'strong'],
				['id', id],
				['addresses', subnets],
				['shared', network['shared'] === true ? 'yes' : 'no'],
			],
			'id',
		);
	return exitCodes.ok;
};

export const show: Action = async (context) => {
	const client = await context.client();
	const id = await networkThing(client, 'network', context.input.argument('network'));
	const answer = await client.resource('GET', `/networks/${id}`, { api });
	if (context.output.form === 'json') {
		context.output.json(answer);
		return exitCodes.ok;
	}
	const network = resourceIn(answer, 'network');
	const subnets = resourcesIn(await client.resource('GET', '/subnets', { api, query: { network_id: textIn(network, 'id') } }), 'subnets');
	const yes = (value: unknown): string => (value === true ? 'yes' : 'no');
	context.output.object(
		network,
		() => [
			['name', textIn(network, 'name'), 'strong'],
			['id', textIn(network, 'id')],
			['status', textIn(network, 'status'), toneOf(textIn(network, 'status'))],
			['subnets', subnets.map((one) => `${textIn(one, 'cidr')}  gateway ${textIn(one, 'gateway_ip') || 'none'}  ${textIn(one, 'id')}`)],
			['shared', yes(network['shared'])],
			['reaches the world', yes(network['router:external'])],
			['mtu', textIn(network, 'mtu')],
			['project', textIn(network, 'project_id')],
		],
		'id',
	);
	return exitCodes.ok;
};

export const remove: Action = async (context) => {
	const client = await context.client();
	return await forEach(context, context.input.arguments('network'), async (name) => {
		await client.call('DELETE', `/networks/${await networkThing(client, 'network', name)}`, { api });
		context.output.done(`${name} is deleted`);
	});
};
