import type { CommandSpec, OptionSpec } from '../tree/spec.ts';
import { showingPlain } from './options.ts';

const config: OptionSpec = {
	name: 'config',
	value: 'file',
	summary: "The service's configuration; else what ZUNBOX_CONFIG names, or /etc/zunbox/zunbox.yaml",
};

/** For who installs and looks after the service. */
export const operatorCommands: readonly CommandSpec[] = [
	{
		path: 'doctor',
		summary: 'Test what the service needs on this machine and of other services, and say what to do',
		details:
			'Reads the same configuration as zunbox serve, changes nothing, and ends with 1 when something fails. To be run as root, on each host.',
		options: [config, ...showingPlain],
		examples: ['zunbox doctor', 'zunbox doctor -o json'],
		load: async () => (await import('../actions/doctor.ts')).doctor,
	},
	{
		path: 'openstack register',
		summary: "Make the service's user, roles and catalog entry at Keystone (administrators of the cloud)",
		details:
			"Makes what is missing and can be repeated. Logs in by OS_* variables or --os-cloud; the service's own user and password are those of its configuration.",
		options: [
			config,
			{ name: 'public-url', value: 'url', summary: 'Where clients reach the service; publicUrl of the configuration when not given' },
			{ name: 'internal-url', value: 'url', summary: 'Where other services reach it; the public one when not given' },
			{ name: 'admin-url', value: 'url', summary: 'Where administrators reach it; the public one when not given' },
			{ name: 'region', value: 'name', summary: 'Region of the catalog' },
			...showingPlain,
		],
		examples: ['zunbox openstack register --public-url http://controller:9517'],
		load: async () => (await import('../actions/register.ts')).register,
	},
];
