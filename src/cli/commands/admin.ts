import type { ArgumentSpec, CommandSpec, OptionSpec } from '../tree/spec.ts';
import { doing, showing, showingPlain } from './options.ts';

/** What has a limit, with the words for help. */
export const quotaResources = {
	sandboxes: 'sandboxes',
	containers: 'containers',
	cpu: 'cores',
	memory: 'MiB of memory',
	disk: 'GiB of disk',
	ports: 'ports',
	networks: 'networks',
	volumes: 'volumes',
	volume_gigabytes: 'GiB of volumes',
} as const;

const limits = Object.entries(quotaResources).map(
	([name, what]): OptionSpec => ({ name: name.replaceAll('_', '-'), value: 'count', summary: `Most ${what}; -1 = no limit` }),
);

const host: ArgumentSpec = { name: 'host', summary: 'Name or id', of: 'host' };
const hosts: ArgumentSpec = { name: 'host', summary: 'Names', repeat: true, of: 'host' };

export const adminCommands: readonly CommandSpec[] = [
	{
		path: 'host list',
		summary: 'List hosts (administrators)',
		options: showing,
		examples: ['zunbox host list'],
		load: async () => (await import('../actions/admin.ts')).listHosts,
	},
	{
		path: 'host show',
		summary: 'Show a host (administrators)',
		arguments: [host],
		options: showing,
		examples: ['zunbox host show rack-7'],
		load: async () => (await import('../actions/hosts.ts')).show,
	},
	{
		path: 'host disable',
		summary: 'Let hosts take no new sandboxes; what is there stays (administrators)',
		arguments: [hosts],
		options: [{ name: 'reason', value: 'text', summary: 'Why' }, ...doing],
		examples: ["zunbox host disable rack-7 --reason 'new memory'"],
		load: async () => (await import('../actions/hosts.ts')).disable,
	},
	{
		path: 'host enable',
		summary: 'Let hosts take new sandboxes again (administrators)',
		arguments: [hosts],
		options: doing,
		examples: ['zunbox host enable rack-7'],
		load: async () => (await import('../actions/hosts.ts')).enable,
	},
	{
		path: 'host down',
		summary: 'Declare hosts dead (administrators)',
		details: 'What is deleted on a host that is declared dead is gone at once. Only for hosts that do not run any more.',
		arguments: [hosts],
		options: doing,
		examples: ['zunbox host down rack-7'],
		load: async () => (await import('../actions/hosts.ts')).down,
	},
	{
		path: 'host up',
		summary: 'Take back that hosts are dead (administrators)',
		arguments: [hosts],
		options: doing,
		examples: ['zunbox host up rack-7'],
		load: async () => (await import('../actions/hosts.ts')).up,
	},
	{
		path: 'host forget',
		summary: 'Forget hosts that have no sandboxes and volumes (administrators)',
		arguments: [hosts],
		options: doing,
		examples: ['zunbox host forget rack-7'],
		load: async () => (await import('../actions/hosts.ts')).forget,
	},
	{
		path: 'quota show',
		summary: 'Show the limits of a project and what is used of them',
		arguments: [{ name: 'project', summary: 'Name or id; the own project when not given', optional: true, of: 'project' }],
		options: showingPlain,
		examples: ['zunbox quota show'],
		load: async () => (await import('../actions/admin.ts')).showQuota,
	},
	{
		path: 'quota set',
		summary: 'Change limits of a project (administrators)',
		arguments: [{ name: 'project', summary: 'Name or id', of: 'project' }],
		options: [...limits, ...showingPlain],
		examples: ['zunbox quota set shop --containers 100 --memory 65536'],
		load: async () => (await import('../actions/admin.ts')).setQuota,
	},
	{
		path: 'quota reset',
		summary: 'Give a project the limits that hold for every project (administrators)',
		arguments: [{ name: 'project', summary: 'Name or id', of: 'project' }],
		options: doing,
		examples: ['zunbox quota reset shop'],
		load: async () => (await import('../actions/admin.ts')).resetQuota,
	},
];
