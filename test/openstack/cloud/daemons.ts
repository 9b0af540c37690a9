import path from 'node:path';
import { physicalLink } from './configuration/network.ts';
import type { Place } from './place.ts';
import { ports, systemPath } from './settings.ts';

export const daemonNames = [
	'database',
	'broker-names',
	'broker',
	'cache',
	'keystone',
	'placement',
	'glance',
	'neutron',
	'neutron-bridge-agent',
	'neutron-dhcp-agent',
	'nova-api',
	'nova-conductor',
	'nova-scheduler',
	'nova-compute',
	'cinder-api',
	'cinder-scheduler',
	'cinder-volume',
	'engine',
] as const;
export type DaemonName = (typeof daemonNames)[number];

export interface DaemonCommand {
	readonly command: readonly [string, ...string[]];
	readonly environment?: Readonly<Record<string, string>>;
}

/** How each process of the cloud is started: depends on nothing but the folder, so that whoever knows it can start them again. */
export function daemonCommands(place: Place): Readonly<Record<DaemonName, DaemonCommand>> {
	return {
		database: { command: ['mariadbd', ...databaseOptions(place)] },
		'broker-names': { command: ['epmd', '-address', '127.0.0.1'] },
		broker: { command: ['/usr/lib/rabbitmq/bin/rabbitmq-server'], environment: brokerEnvironment(place) },
		cache: { command: ['memcached', '-u', 'root', '-l', '127.0.0.1', '-p', `${ports.cache}`, '-m', '64'] },
		keystone: webService(place, 'keystone', ports.keystone, '/usr/bin/keystone-wsgi-public', 2, 2),
		placement: webService(place, 'placement', ports.placement, '/usr/bin/placement-api', 1, 4),
		// Not a web service like the others: uploads in chunks need a part of uwsgi that is not packaged with it.
		glance: entry(place, 'glance-api', 'glance.cmd.api', ['glance/glance-api.conf']),
		neutron: {
			...entry(place, 'neutron', 'neutron.cmd.eventlet.server', ['neutron/neutron.conf', 'neutron/ml2_conf.ini']),
			environment: { PYTHONDONTWRITEBYTECODE: '1', PYTHONPATH: place.python, LOADED_FIRST: 'neutron_models' },
		},
		'neutron-bridge-agent': program(
			place,
			'neutron-bridge-agent',
			['neutron-linuxbridge-agent'],
			['neutron/neutron.conf', 'neutron/linuxbridge_agent.ini'],
		),
		'neutron-dhcp-agent': program(place, 'neutron-dhcp-agent', ['neutron-dhcp-agent'], ['neutron/neutron.conf', 'neutron/dhcp_agent.ini']),
		// Its processes cannot have threads.
		'nova-api': webService(place, 'nova-api', ports.nova, '/usr/bin/nova-api-wsgi', 2, 1),
		'nova-conductor': entry(place, 'nova-conductor', 'nova.cmd.conductor', ['nova/nova.conf']),
		'nova-scheduler': entry(place, 'nova-scheduler', 'nova.cmd.scheduler', ['nova/nova.conf']),
		'nova-compute': {
			...entry(place, 'nova-compute', 'nova.cmd.compute', ['nova/nova.conf', 'nova/nova-compute.conf']),
			environment: { PYTHONDONTWRITEBYTECODE: '1', NOVA_VIRT_FOLDERS: driverFolder },
		},
		'cinder-api': entry(place, 'cinder-api', 'cinder.cmd.api', ['cinder/cinder.conf']),
		'cinder-scheduler': entry(place, 'cinder-scheduler', 'cinder.cmd.scheduler', ['cinder/cinder.conf']),
		'cinder-volume': entry(place, 'cinder-volume', 'cinder.cmd.volume', ['cinder/cinder.conf']),
		engine: { command: ['dockerd', '--data-root', place.data('engine'), '--cgroup-parent', `/${place.owner}`] },
	};
}

/** The driver that Nova's compute process loads. */
const driverFolder = path.resolve(import.meta.dirname, '../../../nova-virt-driver');

/** What every process of the cloud has around it. */
export const commonEnvironment: Readonly<Record<string, string>> = { PATH: systemPath, LC_ALL: 'C.UTF-8', HOME: '/root' };

/** A link for flat networks. Kernels without dummy devices have veth pairs. */
export const physicalNetwork: readonly (readonly string[])[] = [
	['link', 'add', physicalLink, 'type', 'veth', 'peer', 'name', 'cloud-phys1'],
	['link', 'set', physicalLink, 'up'],
	['link', 'set', 'cloud-phys1', 'up'],
];

function databaseOptions(place: Place): readonly string[] {
	return [
		'--no-defaults',
		'--user=root',
		`--datadir=${place.data('database')}`,
		`--socket=${place.run('database.sock')}`,
		`--pid-file=${place.run('database.own')}`,
		'--bind-address=127.0.0.1',
		`--port=${ports.database}`,
		'--skip-name-resolve',
		'--skip-log-bin',
		'--max-connections=500',
		'--character-set-server=utf8mb3',
		'--collation-server=utf8mb3_general_ci',
		'--performance-schema=OFF',
		'--innodb-buffer-pool-size=256M',
		// A power failure may lose all of it: nothing is written for good.
		'--innodb-flush-log-at-trx-commit=0',
		'--innodb-doublewrite=0',
		'--innodb-flush-method=nosync',
	];
}

function brokerEnvironment(place: Place): Record<string, string> {
	return {
		HOME: place.data('rabbitmq'),
		ERL_EPMD_ADDRESS: '127.0.0.1',
		RABBITMQ_NODENAME: 'cloud@localhost',
		RABBITMQ_CONF_ENV_FILE: place.etc('rabbitmq/environment.conf'),
		RABBITMQ_CONFIG_FILE: place.etc('rabbitmq/rabbitmq'),
		RABBITMQ_ENABLED_PLUGINS_FILE: place.etc('rabbitmq/plugins'),
		RABBITMQ_MNESIA_BASE: place.data('rabbitmq/mnesia'),
		RABBITMQ_LOG_BASE: place.log('rabbitmq'),
		RABBITMQ_PID_FILE: place.run('broker.own'),
		RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-kernel inet_dist_use_interface {127,0,0,1} +S 1:1 +sbwt none',
	};
}

/** `logged` = the program's own log; what it prints goes elsewhere. */
function program(place: Place, name: string, start: readonly [string, ...string[]], files: readonly string[]): DaemonCommand {
	const configuration = files.flatMap((file) => ['--config-file', place.etc(file)]);
	return { command: [...start, ...configuration, '--log-file', place.log(`${name}.log`)] };
}

function entry(place: Place, name: string, module: string, files: readonly string[]): DaemonCommand {
	return {
		...program(place, name, ['/usr/bin/python3', path.join(place.python, 'entry.py'), name, module], files),
		environment: { PYTHONDONTWRITEBYTECODE: '1', PYTHONPATH: place.python },
	};
}

function webService(place: Place, name: string, port: number, file: string, processes: number, threads: number): DaemonCommand {
	const options = ['--master', '--die-on-term', '--lazy-apps', '--enable-threads', '--thunder-lock', '--no-orphans'];
	// One answer a connection, whose end its length is: the applications and uwsgi disagree about the header otherwise.
	const answers = ['--buffer-size', '65535', '--rem-header', 'Content-Length', '--add-header', 'Connection: close'];
	const size = ['--processes', `${processes}`, '--threads', `${threads}`, '--listen', '100'];
	return {
		command: [
			'uwsgi-core',
			'--plugins',
			'python3',
			'--http-socket',
			`127.0.0.1:${port}`,
			'--wsgi-file',
			file,
			'--procname-prefix-spaced',
			name,
			'--disable-logging',
			...options,
			...answers,
			...size,
		],
		environment: {
			TMPDIR: place.data('tmp'),
			OS_KEYSTONE_CONFIG_DIR: place.etc('keystone'),
			OS_PLACEMENT_CONFIG_DIR: place.etc('placement'),
			OS_NOVA_CONFIG_DIR: place.etc('nova'),
		},
	};
}
