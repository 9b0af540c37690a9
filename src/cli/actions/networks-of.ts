import { exitCodes, usageError } from '../exit-code.ts';
import { resourcesIn, textIn } from '../resource.ts';
import type { Action } from '../tree/spec.ts';

/** What a sandbox is attached to, by itself or through a container in it. */
interface NetworkActions {
	readonly list: Action;
	readonly attach: Action;
	readonly detach: Action;
}

function actionsOf(kind: 'sandbox' | 'container', path: string): NetworkActions {
	const pathOf = (name: string): string => `/${path}/${encodeURIComponent(name)}`;
	const named = (name: string): string => (kind === 'sandbox' ? name : `the sandbox of ${name}`);
	return {
		list: async (context) => {
			const client = await context.client();
			const answer = await client.resource('GET', `${pathOf(context.input.argument(kind))}/network_list`);
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
		},

		attach: async (context) => {
			const client = await context.client();
			const { input } = context;
			const [network, port] = [input.optionalArgument('network'), input.text('port')];
			if (network !== undefined && port !== undefined) throw usageError('give either a network or --port');
			await client.call('POST', `${pathOf(input.argument(kind))}/network_attach`, {
				query: { network, port, fixed_ip: input.text('ip') },
			});
			context.output.done(`${named(input.argument(kind))} is attached to ${network ?? port ?? 'the default network'}`);
			return exitCodes.ok;
		},

		detach: async (context) => {
			const client = await context.client();
			const { input } = context;
			const [network, port] = [input.optionalArgument('network'), input.text('port')];
			if ((network === undefined) === (port === undefined)) throw usageError('give either a network or --port');
			await client.call('POST', `${pathOf(input.argument(kind))}/network_detach`, { query: { network, port } });
			context.output.done(`${named(input.argument(kind))} is detached from ${network ?? port}`);
			return exitCodes.ok;
		},
	};
}

export const ofSandbox = actionsOf('sandbox', 'sandboxes');
export const ofContainer = actionsOf('container', 'containers');
