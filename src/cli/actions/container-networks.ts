import { exitCodes, usageError } from '../exit-code.ts';
import { resourcesIn, textIn } from '../resource.ts';
import type { Action } from '../tree/spec.ts';

const pathOf = (name: string): string => `/containers/${encodeURIComponent(name)}`;

export const list: Action = async (context) => {
	const client = await context.client();
	const answer = await client.resource('GET', `${pathOf(context.input.argument('container'))}/network_list`);
	context.output.list(
		'networks',
		resourcesIn(answer, 'networks'),
		[
			{ title: 'NETWORK', value: (row) => textIn(row, 'net_id') },
			{ title: 'PORT', value: (row) => textIn(row, 'port_id') },
			{
				title: 'ADDRESSES',
				value: (row) =>
					resourcesIn(row, 'fixed_ips')
						.map((ip) => textIn(ip, 'ip_address'))
						.join(', '),
				least: 12,
			},
		],
		{ whole: answer },
	);
	return exitCodes.ok;
};

export const attach: Action = async (context) => {
	const client = await context.client();
	const { input } = context;
	const [network, port] = [input.optionalArgument('network'), input.text('port')];
	if (network !== undefined && port !== undefined) throw usageError('give either a network or --port');
	await client.call('POST', `${pathOf(input.argument('container'))}/network_attach`, {
		query: { network, port, fixed_ip: input.text('ip') },
	});
	context.output.done(`the sandbox of ${input.argument('container')} is attached to ${network ?? port ?? 'the default network'}`);
	return exitCodes.ok;
};

export const detach: Action = async (context) => {
	const client = await context.client();
	const { input } = context;
	const [network, port] = [input.optionalArgument('network'), input.text('port')];
	if ((network === undefined) === (port === undefined)) throw usageError('give either a network or --port');
	await client.call('POST', `${pathOf(input.argument('container'))}/network_detach`, { query: { network, port } });
	context.output.done(`the sandbox of ${input.argument('container')} is detached from ${network ?? port}`);
	return exitCodes.ok;
};
