import type { ArgumentSpec, CommandSpec, OptionSpec } from '../tree/spec.ts';
import { doing, imageDriver, paging, showing, waiting } from './options.ts';

const image: ArgumentSpec = { name: 'image', summary: 'Id, as zunbox image list shows it' };
const registry: ArgumentSpec = { name: 'registry', summary: 'Name or id', of: 'registry' };
const login: readonly OptionSpec[] = [
	{ name: 'name', short: 'n', value: 'name', summary: 'Its name' },
	{ name: 'username', short: 'u', value: 'name', summary: 'User of the login' },
	{ name: 'password-stdin', summary: 'Read the password of the login from standard input' },
];

export const imageCommands: readonly CommandSpec[] = [
	{
		path: 'image pull',
		summary: 'Bring an image to a host (administrators)',
		arguments: [{ name: 'image', summary: 'Name of the image, with :tag or without' }],
		options: [
			{ name: 'host', value: 'name', summary: 'Host that is to have it; not needed where there is one', of: 'host' },
			{ name: 'registry', value: 'name', summary: 'Registry whose login is used', of: 'registry' },
			{ name: 'pull', value: 'policy', summary: 'When it is pulled', choices: ['always', 'ifnotpresent', 'never'] },
			...waiting,
			...showing,
		],
		examples: ['zunbox image pull nginx:1.29', 'zunbox image pull team/app --registry ours --host rack-7'],
		load: async () => (await import('../actions/images.ts')).pull,
	},
	{
		path: 'image list',
		summary: 'List the images on hosts (administrators)',
		details: 'What was brought by image pull comes first, then what is there anyhow.',
		options: [...paging.filter(({ name }) => name !== 'all-projects'), ...showing],
		examples: ['zunbox image list'],
		load: async () => (await import('../actions/images.ts')).list,
	},
	{
		path: 'image show',
		summary: 'Show an image on a host (administrators)',
		arguments: [image],
		options: showing,
		examples: ['zunbox image show 6f5a0e7c-0000-8000-8000-000000000000'],
		load: async () => (await import('../actions/images.ts')).show,
	},
	{
		path: 'image delete',
		summary: 'Take images from their hosts (administrators)',
		arguments: [{ ...image, summary: 'Ids', repeat: true }],
		options: doing,
		examples: ['zunbox image delete 6f5a0e7c-0000-8000-8000-000000000000'],
		load: async () => (await import('../actions/images.ts')).remove,
	},
	{
		path: 'image search',
		summary: 'Search for images by name, on the hosts and in the registries of the project, or in Glance',
		arguments: [{ name: 'name', summary: 'A part of the name' }],
		options: [{ name: 'exact', summary: 'The whole name, with or without its registry' }, imageDriver, ...showing],
		examples: ['zunbox image search nginx'],
		load: async () => (await import('../actions/images.ts')).search,
	},
	{
		path: 'commit list',
		summary: 'List the images that the project made of its containers, newest first',
		options: showing,
		examples: ['zunbox commit list'],
		load: async () => (await import('../actions/images.ts')).listCommits,
	},
	{
		path: 'commit delete',
		summary: 'Delete images that the project made',
		arguments: [{ name: 'commit', summary: 'Ids, as zunbox commit list shows them', repeat: true }],
		options: doing,
		examples: ['zunbox commit delete 6f5a0e7c-0000-8000-8000-000000000000'],
		load: async () => (await import('../actions/images.ts')).removeCommits,
	},
	{
		path: 'registry create',
		summary: 'Keep the login of a registry',
		arguments: [{ name: 'domain', summary: 'Its host and port, such as registry.example:5000' }],
		options: [...login, ...showing],
		examples: ['pass show registry | zunbox registry create registry.example --name ours -u team --password-stdin'],
		load: async () => (await import('../actions/registries.ts')).create,
	},
	{
		path: 'registry list',
		summary: 'List registries',
		options: [...paging, ...showing],
		examples: ['zunbox registry list'],
		load: async () => (await import('../actions/registries.ts')).list,
	},
	{
		path: 'registry show',
		summary: 'Show a registry; its password never is',
		arguments: [registry],
		options: showing,
		examples: ['zunbox registry show ours'],
		load: async () => (await import('../actions/registries.ts')).show,
	},
	{
		path: 'registry update',
		summary: 'Change a registry: what is given is changed',
		details: 'A new domain needs the password again.',
		arguments: [registry],
		options: [{ name: 'domain', value: 'domain', summary: 'New host and port' }, ...login, ...showing],
		examples: ['pass show registry | zunbox registry update ours --password-stdin'],
		load: async () => (await import('../actions/registries.ts')).update,
	},
	{
		path: 'registry delete',
		summary: 'Forget registries and their logins',
		arguments: [{ ...registry, summary: 'Names or ids', repeat: true }],
		options: doing,
		examples: ['zunbox registry delete ours'],
		load: async () => (await import('../actions/registries.ts')).remove,
	},
];
