import type { ArgumentSpec, CommandSpec, OptionSpec } from '../tree/spec.ts';
import { connection, doing, labels, paging, placement, showing, waiting } from './options.ts';

const sandbox: ArgumentSpec = { name: 'sandbox', summary: 'Name or id', of: 'sandbox' };
const sandboxes: ArgumentSpec = { name: 'sandbox', summary: 'Names or ids', repeat: true, of: 'sandbox' };

const limits: readonly OptionSpec[] = [
	labels,
	{ name: 'cpu', value: 'cores', summary: 'Most cores of all its containers together' },
	{ name: 'memory', short: 'm', value: 'size', summary: 'Most memory of all its containers together, such as 512m or 2g' },
	{ name: 'expires-in', value: 'time', summary: 'End it and all in it after a time, such as 30m or 2h' },
];

export const sandboxCommands: readonly CommandSpec[] = [
	{
		path: 'sandbox create',
		summary: 'Make a sandbox',
		arguments: [{ name: 'name', summary: 'Its name; one is made up when not given', optional: true }],
		options: [
			...limits,
			{ name: 'disk', value: 'GiB', summary: 'Space on the host that is kept for its containers' },
			{ name: 'hostname', value: 'name', summary: 'Hostname that its containers see' },
			{
				name: 'volume',
				short: 'v',
				value: 'volume[:ro]',
				summary: 'Volume by name or id, or a size such as 5g for a new one that goes with it',
				repeat: true,
				of: 'volume',
			},
			{ name: 'private-ipc', summary: 'Its containers do not share an IPC namespace' },
			{ name: 'private-pid', summary: 'Its containers do not see the processes of one another' },
			...placement,
			...waiting,
			...showing,
		],
		examples: ['zunbox sandbox create shop --memory 512m -p 8080:80'],
		load: async () => (await import('../actions/sandboxes.ts')).create,
	},
	{
		path: 'sandbox list',
		summary: 'List sandboxes',
		options: [
			{ name: 'name', value: 'name', summary: 'Only those of the name' },
			{ name: 'match', value: 'text', summary: 'Only those with this in their name' },
			{ name: 'status', value: 'status', summary: 'Only those that stand so, such as Running' },
			{ name: 'host', value: 'name', summary: 'Only those on a host (administrators)' },
			labels,
			...paging,
			...showing,
		],
		examples: ['zunbox sandbox list', 'zunbox sandbox list --label team=shop -o json'],
		load: async () => (await import('../actions/sandboxes.ts')).list,
	},
	{
		path: 'sandbox show',
		summary: 'Show a sandbox',
		arguments: [sandbox],
		options: [{ name: 'all-projects', short: 'A', summary: 'Look in every project (administrators)' }, ...showing],
		examples: ['zunbox sandbox show hello'],
		load: async () => (await import('../actions/sandboxes.ts')).show,
	},
	{
		path: 'sandbox update',
		summary: 'Change a sandbox: what is given is changed',
		details: 'Labels and published ports that are given replace those that are there. "none" takes a limit away.',
		arguments: [sandbox],
		options: [
			{ name: 'name', short: 'n', value: 'name', summary: 'New name' },
			...limits,
			{
				name: 'publish',
				short: 'p',
				value: '[ip:]port:port[/udp]',
				summary: 'Publish ports: none, or that of the host, then that of the sandbox',
				repeat: true,
			},
			...showing,
		],
		examples: ['zunbox sandbox update shop --memory 1g', 'zunbox sandbox update shop --expires-in none'],
		load: async () => (await import('../actions/sandboxes.ts')).update,
	},
	{
		path: 'sandbox delete',
		summary: 'Delete sandboxes',
		arguments: [sandboxes],
		options: [{ name: 'force', short: 'f', summary: 'With the containers in it' }, ...waiting, ...doing],
		examples: ['zunbox sandbox delete --force shop'],
		load: async () => (await import('../actions/sandboxes.ts')).remove,
	},
	...(['start', 'stop', 'pause', 'unpause'] as const).map(
		(action): CommandSpec => ({
			path: `sandbox ${action}`,
			summary: `${action.replace(/^./, (letter) => letter.toUpperCase())} sandboxes and the containers in them`,
			arguments: [sandboxes],
			options: [
				...(action === 'stop'
					? [{ name: 'grace', value: 'time', summary: 'Time until what does not stop is killed; 10s when not given' }]
					: []),
				...waiting,
				...doing,
			],
			examples: [`zunbox sandbox ${action} shop`],
			load: async () => (await import('../actions/sandboxes.ts')).actions[action],
		}),
	),
	{
		path: 'sandbox containers',
		summary: 'List the containers in a sandbox',
		arguments: [sandbox],
		options: showing,
		examples: ['zunbox sandbox containers hello'],
		load: async () => (await import('../actions/sandboxes.ts')).containers,
	},
	{
		path: 'sandbox actions',
		summary: 'Show what was done with a sandbox, newest first',
		arguments: [sandbox],
		options: showing.filter(({ name }) => name !== 'quiet'),
		examples: ['zunbox sandbox actions hello'],
		load: async () => (await import('../actions/sandboxes.ts')).operations,
	},
	{
		path: 'sandbox wait',
		summary: 'Wait until sandboxes have a status',
		arguments: [sandboxes],
		options: [
			{ name: 'for', value: 'status', summary: 'Status to wait for; Running when not given' },
			{ name: 'timeout', value: 'time', summary: 'Longest wait, such as 90s or 5m; without one it waits on' },
			...showing,
		],
		examples: ['zunbox sandbox wait shop --for Stopped'],
		load: async () => (await import('../actions/wait.ts')).waitForSandboxes,
	},
	{
		path: 'sandbox network list',
		summary: 'List the networks of a sandbox',
		arguments: [sandbox],
		options: showing.filter(({ name }) => name !== 'quiet'),
		examples: ['zunbox sandbox network list shop'],
		load: async () => (await import('../actions/networks-of.ts')).ofSandbox.list,
	},
	{
		path: 'sandbox network attach',
		summary: 'Attach a sandbox to a network',
		arguments: [sandbox, { name: 'network', summary: 'Name or id; the default network when not given', optional: true, of: 'network' }],
		options: [
			{ name: 'port', value: 'id', summary: 'A port instead of a network' },
			{ name: 'ip', value: 'address', summary: 'A certain address' },
			...doing,
		],
		examples: ['zunbox sandbox network attach shop backend --ip 10.1.0.9'],
		load: async () => (await import('../actions/networks-of.ts')).ofSandbox.attach,
	},
	{
		path: 'sandbox network detach',
		summary: 'Detach a sandbox from a network',
		arguments: [sandbox, { name: 'network', summary: 'Name or id', optional: true, of: 'network' }],
		options: [{ name: 'port', value: 'id', summary: 'A port instead of a network' }, ...doing],
		examples: ['zunbox sandbox network detach shop backend'],
		load: async () => (await import('../actions/networks-of.ts')).ofSandbox.detach,
	},
	{
		path: 'sandbox volume list',
		summary: 'List the volumes of a sandbox',
		arguments: [sandbox],
		options: showing,
		examples: ['zunbox sandbox volume list shop'],
		load: async () => (await import('../actions/volumes.ts')).listAttached,
	},
	{
		path: 'sandbox volume attach',
		summary: 'Attach a volume: containers made from then on can mount it',
		arguments: [sandbox, { name: 'volume', summary: 'Name or id', of: 'volume' }],
		options: [{ name: 'read-only', summary: 'It cannot be written there' }, ...doing],
		examples: ['zunbox sandbox volume attach shop data --read-only'],
		load: async () => (await import('../actions/volumes.ts')).attach,
	},
	{
		path: 'sandbox volume detach',
		summary: 'Detach a volume that no container mounts',
		arguments: [sandbox, { name: 'volume', summary: 'Name or id', of: 'volume' }],
		options: [{ name: 'quiet', short: 'q', summary: 'Say nothing when all went well' }, ...connection],
		examples: ['zunbox sandbox volume detach shop data'],
		load: async () => (await import('../actions/volumes.ts')).detach,
	},
];
