import type { ArgumentSpec, CommandSpec, OptionSpec } from '../tree/spec.ts';
import { doing, showing } from './options.ts';

const project: ArgumentSpec = { name: 'project', summary: 'Name or id', of: 'project' };
const user: ArgumentSpec = { name: 'user', summary: 'Name or id', of: 'user' };
const role: OptionSpec = { name: 'role', value: 'role', summary: 'Role; member when not given', choices: ['admin', 'member', 'reader'] };
const password: OptionSpec = {
	name: 'password-stdin',
	summary: 'Read the password from standard input; else one is made up and shown once',
};

export const identityCommands: readonly CommandSpec[] = [
	{
		path: 'project list',
		summary: 'List projects',
		options: showing,
		examples: ['zunbox project list'],
		load: async () => (await import('../actions/projects.ts')).list,
	},
	{
		path: 'project create',
		summary: 'Make a project',
		arguments: [{ name: 'name', summary: 'Its name' }],
		options: [{ name: 'description', value: 'text', summary: 'What it is for' }, ...showing],
		examples: ['zunbox project create shop'],
		load: async () => (await import('../actions/projects.ts')).create,
	},
	{
		path: 'project delete',
		summary: 'Delete projects',
		arguments: [{ ...project, summary: 'Names or ids', repeat: true }],
		options: doing,
		examples: ['zunbox project delete shop'],
		load: async () => (await import('../actions/projects.ts')).remove,
	},
	{
		path: 'project members',
		summary: 'List who has which role in a project',
		arguments: [project],
		options: showing.filter(({ name }) => name !== 'quiet'),
		examples: ['zunbox project members shop'],
		load: async () => (await import('../actions/projects.ts')).members,
	},
	{
		path: 'project add',
		summary: 'Give a user a role in a project',
		arguments: [project, user],
		options: [role, ...doing],
		examples: ['zunbox project add shop ann --role member'],
		load: async () => (await import('../actions/projects.ts')).add,
	},
	{
		path: 'project remove',
		summary: 'Take a role in a project from a user',
		arguments: [project, user],
		options: [role, ...doing],
		examples: ['zunbox project remove shop ann --role member'],
		load: async () => (await import('../actions/projects.ts')).take,
	},
	{
		path: 'user list',
		summary: 'List users',
		options: showing,
		examples: ['zunbox user list'],
		load: async () => (await import('../actions/users.ts')).list,
	},
	{
		path: 'user create',
		summary: 'Make a user, with a role in a project where --project is given',
		arguments: [{ name: 'name', summary: 'Its name' }],
		options: [
			{ name: 'project', value: 'project', summary: 'Project that the user gets a role in', of: 'project' },
			role,
			{ name: 'email', value: 'address', summary: 'E-mail address' },
			{ name: 'description', value: 'text', summary: 'Who it is' },
			password,
			...showing,
		],
		examples: ['zunbox user create ann --project shop', 'pass show ann | zunbox user create ann --password-stdin'],
		load: async () => (await import('../actions/users.ts')).create,
	},
	{
		path: 'user password',
		summary: 'Give a user a new password',
		arguments: [user],
		options: [password, ...doing],
		examples: ['zunbox user password ann'],
		load: async () => (await import('../actions/users.ts')).setPassword,
	},
	{
		path: 'user delete',
		summary: 'Delete users',
		arguments: [{ ...user, summary: 'Names or ids', repeat: true }],
		options: doing,
		examples: ['zunbox user delete ann'],
		load: async () => (await import('../actions/users.ts')).remove,
	},
	{
		path: 'token issue',
		summary: 'Get a token, for curl and other programs',
		options: showing,
		examples: ['curl -H "X-Auth-Token: $(zunbox token issue -q)" http://127.0.0.1:9517/v1/sandboxes'],
		load: async () => (await import('../actions/tokens.ts')).issue,
	},
	{
		path: 'token revoke',
		summary: 'Make a token worthless',
		arguments: [{ name: 'token', summary: 'The token; that of these commands themselves when not given', optional: true }],
		options: doing,
		examples: ['zunbox token revoke'],
		load: async () => (await import('../actions/tokens.ts')).revoke,
	},
];
