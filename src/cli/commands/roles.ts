import type { CommandSpec, OptionSpec } from '../tree/spec.ts';

const dataDirectory: OptionSpec = {
	name: 'data-directory',
	value: 'folder',
	summary: 'Where the service keeps its files, when that is not its default',
};

export const roleCommands: readonly CommandSpec[] = [
	{
		path: 'serve',
		summary: 'Run the service on this machine until Ctrl-C; containers go on running',
		details:
			'Takes --config <file>, and every setting of docs/configuration.md as an option, such as --listen-port 9000 for the setting listen.port.',
		settings: true,
		examples: ['zunbox serve --listen-host 0.0.0.0'],
		load: async () => (await import('../actions/roles.ts')).serve,
	},
	{
		path: 'agent',
		summary: 'Run the agent of another host: not there yet, since serve holds the one of its own host',
		settings: true,
		examples: ['zunbox agent'],
		load: async () => (await import('../actions/roles.ts')).agent,
	},
	{
		path: 'db backup',
		summary: 'Copy the database to a file, also while the service runs',
		details: 'Keep the folder keys of the data directory with it: without it the passwords of registries cannot be read any more.',
		arguments: [{ name: 'file', summary: 'File that is made' }],
		options: [
			dataDirectory,
			{ name: 'force', short: 'f', summary: 'Replace a file that is there' },
			{ name: 'quiet', short: 'q', summary: 'Say nothing when all went well' },
		],
		examples: ['zunbox db backup /var/backups/zunbox.db'],
		load: async () => (await import('../actions/roles.ts')).backUpDatabase,
	},
	{
		path: 'db check',
		summary: 'Look whether the database is whole, also while the service runs',
		options: [dataDirectory],
		examples: ['zunbox db check'],
		load: async () => (await import('../actions/roles.ts')).checkDatabase,
	},
	{
		path: 'db rotate-keys',
		summary: 'Seal the secrets in the database with a new key; the service must not run',
		details: 'Older keys stay in the folder keys of the data directory: backups that were made before need them.',
		options: [dataDirectory],
		examples: ['zunbox db rotate-keys'],
		load: async () => (await import('../actions/roles.ts')).rotateKeys,
	},
	{
		path: 'db reset-admin',
		summary: 'Have the next start choose a new password for admin; the service must not run',
		details: 'The new password is in the folder credentials of the data directory, as after the first start.',
		options: [dataDirectory],
		examples: ['zunbox db reset-admin'],
		load: async () => (await import('../actions/roles.ts')).resetAdministrator,
	},
];
