import type { ArgumentSpec, CommandSpec } from '../tree/spec.ts';
import { containerOptions, doing, imageDriver, labels, showing, waiting } from './options.ts';
import { shortCommands } from './short.ts';

const container: ArgumentSpec = { name: 'container', summary: 'Name or id', of: 'container' };
const containers: ArgumentSpec = { name: 'container', summary: 'Names or ids', repeat: true, of: 'container' };

/** The long form of a short command. */
function longForm(short: string, path: string): CommandSpec {
	const found = shortCommands.find((command) => command.path === short);
	if (found === undefined) throw new Error(`there is no short form ${short}`);
	const [first, ...more] = found.examples.map((example) =>
		example.replaceAll(`zunbox ${short} `, `zunbox ${path} `).replace(new RegExp(`^zunbox ${short}$`), `zunbox ${path}`),
	);
	return { ...found, path, examples: [first ?? `zunbox ${path}`, ...more] };
}

const capital = (word: string): string => word.replace(/^./, (letter) => letter.toUpperCase());

export const containerCommands: readonly CommandSpec[] = [
	{
		path: 'container create',
		summary: 'Make a container and do not start it',
		arguments: [{ name: 'image', summary: 'Image that it is made of' }],
		options: [...containerOptions, ...waiting, ...showing],
		command: 'optional',
		examples: ['zunbox container create --name job --sandbox hello busybox date'],
		load: async () => (await import('../actions/create-container.ts')).create,
	},
	longForm('run', 'container run'),
	longForm('ps', 'container list'),
	{
		path: 'container show',
		summary: 'Show a container',
		arguments: [container],
		options: [{ name: 'all-projects', short: 'A', summary: 'Look in every project (administrators)' }, ...showing],
		examples: ['zunbox container show web'],
		load: async () => (await import('../actions/show-containers.ts')).show,
	},
	{
		path: 'container update',
		summary: 'Change a container: what is given is changed',
		details: 'Labels and environment variables that are given replace those that are there.',
		arguments: [container],
		options: [
			{ name: 'name', short: 'n', value: 'name', summary: 'New name' },
			{ name: 'cpu', value: 'cores', summary: 'Most cores' },
			{ name: 'memory', short: 'm', value: 'size', summary: 'Most memory, such as 256m' },
			labels,
			{ name: 'restart', value: 'policy[:retries]', summary: 'no, always, unless-stopped or on-failure[:retries]; from its next end on' },
			{ name: 'env', short: 'e', value: 'NAME=value', summary: 'Environment variable; from the next rebuild on', repeat: true },
			{ name: 'auto-heal', negatable: true, summary: 'Kept and shown: everything is made again when it was lost' },
			...showing,
		],
		examples: ['zunbox container update web --memory 256m'],
		load: async () => (await import('../actions/change-containers.ts')).update,
	},
	{
		path: 'container rename',
		summary: 'Give a container another name',
		arguments: [container, { name: 'name', summary: 'New name' }],
		options: doing,
		examples: ['zunbox container rename web web-old'],
		load: async () => (await import('../actions/change-containers.ts')).rename,
	},
	longForm('rm', 'container delete'),
	...(['start', 'stop', 'restart', 'pause', 'unpause'] as const).map(
		(action): CommandSpec => ({
			path: `container ${action}`,
			summary: `${capital(action)} containers`,
			arguments: [containers],
			options: [
				...(action === 'stop' || action === 'restart'
					? [{ name: 'grace', value: 'time', summary: 'Time until it is killed when it does not stop; 10s when not given' }]
					: []),
				...waiting,
				...doing,
			],
			examples: [`zunbox container ${action} web`],
			load: async () => (await import('../actions/change-containers.ts')).actions[action],
		}),
	),
	{
		path: 'container kill',
		summary: 'Send a signal to the first process of containers',
		arguments: [containers],
		options: [{ name: 'signal', short: 's', value: 'signal', summary: 'Name or number; KILL when not given' }, ...doing],
		examples: ['zunbox container kill --signal HUP web'],
		load: async () => (await import('../actions/change-containers.ts')).kill,
	},
	{
		path: 'container rebuild',
		summary: 'Make a container anew, also from another image',
		arguments: [container],
		options: [{ name: 'image', value: 'image', summary: 'Other image' }, imageDriver, ...waiting, ...doing],
		examples: ['zunbox container rebuild web --image nginx:1.29'],
		load: async () => (await import('../actions/change-containers.ts')).rebuild,
	},
	longForm('logs', 'container logs'),
	longForm('exec', 'container exec'),
	longForm('attach', 'container attach'),
	{
		path: 'container top',
		summary: 'Show the processes in a container',
		arguments: [container],
		options: [{ name: 'ps-args', value: 'words', summary: 'Options for ps' }, ...showing.filter(({ name }) => name !== 'quiet')],
		examples: ['zunbox container top web'],
		load: async () => (await import('../actions/container-output.ts')).top,
	},
	{
		path: 'container stats',
		summary: 'Show what containers use',
		arguments: [containers],
		options: showing.filter(({ name }) => name !== 'quiet'),
		examples: ['zunbox container stats web db'],
		load: async () => (await import('../actions/container-output.ts')).stats,
	},
	{
		path: 'container actions',
		summary: 'Show what was done with a container, newest first',
		arguments: [container],
		options: showing.filter(({ name }) => name !== 'quiet'),
		examples: ['zunbox container actions web'],
		load: async () => (await import('../actions/show-containers.ts')).operations,
	},
	longForm('wait', 'container wait'),
	{
		path: 'container cp',
		summary: 'Copy files or folders out of a container or into one',
		details: 'One of the two is <container>:<path>. What is copied to an existing folder goes into it.',
		arguments: [
			{ name: 'from', summary: 'What is copied' },
			{ name: 'to', summary: 'Where to' },
		],
		options: doing,
		examples: ['zunbox container cp web:/etc/hosts .', 'zunbox container cp ./site web:/www'],
		load: async () => (await import('../actions/copy.ts')).copy,
	},
	{
		path: 'container commit',
		summary: 'Make an image of a container',
		arguments: [container, { name: 'image', summary: 'Name of the image, with :tag or without' }],
		options: doing,
		examples: ['zunbox container commit web shop/web:2'],
		load: async () => (await import('../actions/change-containers.ts')).commit,
	},
	{
		path: 'container network list',
		summary: "List the networks of a container's sandbox",
		arguments: [container],
		options: showing.filter(({ name }) => name !== 'quiet'),
		examples: ['zunbox container network list web'],
		load: async () => (await import('../actions/networks-of.ts')).ofContainer.list,
	},
	{
		path: 'container network attach',
		summary: "Attach a container's sandbox to a network",
		arguments: [container, { name: 'network', summary: 'Name or id; the default network when not given', optional: true, of: 'network' }],
		options: [
			{ name: 'port', value: 'id', summary: 'A port instead of a network' },
			{ name: 'ip', value: 'address', summary: 'A certain address' },
			...doing,
		],
		examples: ['zunbox container network attach web backend --ip 10.1.0.9'],
		load: async () => (await import('../actions/networks-of.ts')).ofContainer.attach,
	},
	{
		path: 'container network detach',
		summary: "Detach a container's sandbox from a network",
		arguments: [container, { name: 'network', summary: 'Name or id', optional: true, of: 'network' }],
		options: [{ name: 'port', value: 'id', summary: 'A port instead of a network' }, ...doing],
		examples: ['zunbox container network detach web backend'],
		load: async () => (await import('../actions/networks-of.ts')).ofContainer.detach,
	},
];
