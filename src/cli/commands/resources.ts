import type { CommandSpec } from '../tree/spec.ts';
import { doing, showing } from './options.ts';

export const resourceCommands: readonly CommandSpec[] = [
	{
		path: 'network list',
		summary: 'List networks',
		options: showing,
		examples: ['zunbox network list'],
		load: async () => (await import('../actions/networks.ts')).list,
	},
	{
		path: 'network create',
		summary: 'Make a network, with a subnet where --cidr is given',
		arguments: [{ name: 'name', summary: 'Its name' }],
		options: [
			{ name: 'cidr', value: 'cidr', summary: 'Addresses of its subnet, IPv4 or IPv6', repeat: true },
			{ name: 'shared', summary: 'For every project (administrators)' },
			...showing,
		],
		examples: ['zunbox network create backend --cidr 10.1.0.0/24'],
		load: async () => (await import('../actions/networks.ts')).create,
	},
	{
		path: 'network show',
		summary: 'Show a network and its subnets',
		arguments: [{ name: 'network', summary: 'Name or id', of: 'network' }],
		options: showing,
		examples: ['zunbox network show backend'],
		load: async () => (await import('../actions/networks.ts')).show,
	},
	{
		path: 'network delete',
		summary: 'Delete networks that nothing is attached to',
		arguments: [{ name: 'network', summary: 'Names or ids', repeat: true, of: 'network' }],
		options: doing,
		examples: ['zunbox network delete backend'],
		load: async () => (await import('../actions/networks.ts')).remove,
	},
	{
		path: 'volume list',
		summary: 'List volumes',
		options: [{ name: 'all-projects', short: 'A', summary: 'Those of every project (administrators)' }, ...showing],
		examples: ['zunbox volume list'],
		load: async () => (await import('../actions/volumes.ts')).list,
	},
	{
		path: 'volume create',
		summary: 'Make a volume',
		arguments: [{ name: 'name', summary: 'Its name' }],
		options: [{ name: 'size', value: 'GiB', summary: 'Its size; 1 when not given' }, ...showing],
		examples: ['zunbox volume create data --size 5'],
		load: async () => (await import('../actions/volumes.ts')).create,
	},
	{
		path: 'volume show',
		summary: 'Show a volume',
		arguments: [{ name: 'volume', summary: 'Name or id', of: 'volume' }],
		options: showing,
		examples: ['zunbox volume show data'],
		load: async () => (await import('../actions/volumes.ts')).show,
	},
	{
		path: 'volume delete',
		summary: 'Delete volumes that no sandbox has, with what is in them',
		arguments: [{ name: 'volume', summary: 'Names or ids', repeat: true, of: 'volume' }],
		options: doing,
		examples: ['zunbox volume delete data'],
		load: async () => (await import('../actions/volumes.ts')).remove,
	},
];
