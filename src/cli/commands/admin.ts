import type { CommandSpec, OptionSpec } from '../tree/spec.ts';
import { showing, showingPlain } from './options.ts';

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

export const adminCommands: readonly CommandSpec[] = [
	{
		path: 'host list',
		summary: 'List hosts (administrators)',
		options: showing,
		examples: ['zunbox host list'],
		load: async () => (await import('../actions/admin.ts')).listHosts,
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
];
