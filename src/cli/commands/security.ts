import type { ArgumentSpec, CommandSpec } from '../tree/spec.ts';
import { doing, showing } from './options.ts';

const group: ArgumentSpec = { name: 'group', summary: 'Name or id', of: 'security-group' };
const sandbox: ArgumentSpec = { name: 'sandbox', summary: 'Name or id', of: 'sandbox' };

/** Security groups and ports. */
export const securityCommands: readonly CommandSpec[] = [
	{
		path: 'security-group list',
		summary: 'List security groups',
		options: showing,
		examples: ['zunbox security-group list'],
		load: async () => (await import('../actions/security-groups.ts')).list,
	},
	{
		path: 'security-group create',
		summary: 'Make a security group: all may go out, and nothing come in until a rule says so',
		arguments: [{ name: 'name', summary: 'Its name' }],
		options: [{ name: 'description', value: 'text', summary: 'What it is for' }, ...showing],
		examples: ['zunbox security-group create www'],
		load: async () => (await import('../actions/security-groups.ts')).create,
	},
	{
		path: 'security-group show',
		summary: 'Show a security group and its rules',
		arguments: [group],
		options: showing,
		examples: ['zunbox security-group show www'],
		load: async () => (await import('../actions/security-groups.ts')).show,
	},
	{
		path: 'security-group delete',
		summary: 'Delete security groups that no port has',
		arguments: [{ ...group, summary: 'Names or ids', repeat: true }],
		options: doing,
		examples: ['zunbox security-group delete www'],
		load: async () => (await import('../actions/security-groups.ts')).remove,
	},
	{
		path: 'security-group rule add',
		summary: 'Allow what matches',
		arguments: [group],
		options: [
			{ name: 'direction', value: 'way', summary: 'ingress when not given', choices: ['ingress', 'egress'] },
			{ name: 'protocol', value: 'name', summary: 'Such as tcp, udp, icmp, or a number; tcp where a port is given, else any' },
			{ name: 'port', short: 'p', value: 'port[:port]', summary: 'Port or range of ports; all when not given' },
			{
				name: 'remote',
				value: 'cidr|group',
				summary: 'Addresses, or members of a group; anywhere when not given',
				of: 'security-group',
			},
			{ name: 'ipv6', summary: 'For IPv6 where the remote does not say so' },
			...showing,
		],
		examples: ['zunbox security-group rule add www --port 80', 'zunbox security-group rule add db --port 5432 --remote www'],
		load: async () => (await import('../actions/security-groups.ts')).addRule,
	},
	{
		path: 'security-group rule delete',
		summary: 'Delete rules of security groups',
		arguments: [{ name: 'rule', summary: 'Ids, as zunbox security-group show shows them', repeat: true }],
		options: doing,
		examples: ['zunbox security-group rule delete 6f5a0e7c-0000-4000-8000-000000000000'],
		load: async () => (await import('../actions/security-groups.ts')).removeRules,
	},
	{
		path: 'sandbox security-group add',
		summary: 'Give a security group to all ports of a sandbox',
		arguments: [sandbox, group],
		options: doing,
		examples: ['zunbox sandbox security-group add shop www'],
		load: async () => (await import('../actions/security-groups.ts')).addToSandbox,
	},
	{
		path: 'sandbox security-group remove',
		summary: 'Take a security group from all ports of a sandbox',
		arguments: [sandbox, group],
		options: doing,
		examples: ['zunbox sandbox security-group remove shop www'],
		load: async () => (await import('../actions/security-groups.ts')).removeFromSandbox,
	},
	{
		path: 'port list',
		summary: 'List ports, which are attachments of sandboxes to networks',
		options: [
			{ name: 'network', value: 'network', summary: 'Only those on a network', of: 'network' },
			{ name: 'sandbox', short: 's', value: 'sandbox', summary: 'Only those of a sandbox', of: 'sandbox' },
			...showing,
		],
		examples: ['zunbox port list --sandbox shop'],
		load: async () => (await import('../actions/ports.ts')).list,
	},
	{
		path: 'port create',
		summary: 'Make a port that a sandbox can be attached to, so that its address outlives the sandbox',
		arguments: [{ name: 'network', summary: 'Name or id', of: 'network' }],
		options: [
			{ name: 'name', short: 'n', value: 'name', summary: 'Its name' },
			{ name: 'ip', value: 'address', summary: 'A certain address', repeat: true },
			{ name: 'security-group', value: 'name', summary: 'Security group', repeat: true, of: 'security-group' },
			...showing,
		],
		examples: ['zunbox port create backend --ip 10.1.0.9 --name db'],
		load: async () => (await import('../actions/ports.ts')).create,
	},
	{
		path: 'port show',
		summary: 'Show a port',
		arguments: [{ name: 'port', summary: 'Name or id' }],
		options: showing,
		examples: ['zunbox port show db'],
		load: async () => (await import('../actions/ports.ts')).show,
	},
	{
		path: 'port delete',
		summary: 'Delete ports that no sandbox has',
		arguments: [{ name: 'port', summary: 'Names or ids', repeat: true }],
		options: doing,
		examples: ['zunbox port delete db'],
		load: async () => (await import('../actions/ports.ts')).remove,
	},
];
