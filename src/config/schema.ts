import os from 'node:os';
import { type Static, Type } from 'typebox';
import { addressesBesideHost } from '../model/ip.ts';
import { keystoneSettings, openstackSettings, provider } from './openstack-settings.ts';

/**
 * All settings of the service. One place gives the types, the checks, the names of environment variables and flags,
 * and docs/configuration.md. `unit` and `format` are notes of our own: the reference shows the one, and rules.ts
 * checks the other.
 */

const seconds = { unit: 's' };
const group = { additionalProperties: false };

/** Text that may also be left open: null = as the description says. */
function optionalText(options: { description: string; format?: string }) {
	return Type.Union([Type.String({ minLength: 1 }), Type.Null()], { default: null, ...options });
}

function limit(what: string, unit: string | undefined, byDefault: number) {
	const note = unit === undefined ? {} : { unit };
	return Type.Integer({ minimum: -1, default: byDefault, description: `${what} of one project; -1 = no limit.`, ...note });
}

function ratio(what: string, byDefault: number) {
	return Type.Number({
		minimum: 0.1,
		maximum: 1000,
		default: byDefault,
		description: `How often ${what} of a host is given away: 2 = twice what is there.`,
	});
}

export const configSchema = Type.Object(
	{
		dataDirectory: Type.String({
			format: 'absolute-path',
			default: '/var/lib/zunbox',
			description: 'Folder of everything that the service keeps: database, keys, credentials, volumes.',
		}),
		hostname: Type.String({
			pattern: '^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$',
			default: os.hostname(),
			defaultText: 'name of the machine',
			description: 'Name under which this host is known. A host that changes it becomes another host.',
		}),
		owner: Type.String({
			pattern: '^[a-z0-9][a-z0-9-]{0,30}$',
			default: 'zunbox',
			description:
				'Mark on everything that is made in an engine or kernel. Two installations on one machine need two marks: each removes what carries its own and is not wanted.',
		}),
		publicUrl: optionalText({
			format: 'http-url',
			description:
				'URL under which clients reach the service, as the catalog and the credentials files give it; null = made of `listen`. Without a slash at its end.',
		}),
		logLevel: Type.Enum(['debug', 'info', 'warn', 'error'], {
			default: 'info',
			description: 'Least severe kind of log line that is written.',
		}),

		listen: Type.Object(
			{
				host: Type.String({ minLength: 1, default: '127.0.0.1', description: 'Address to serve on; `0.0.0.0` or `::` = every one.' }),
				port: Type.Integer({ minimum: 0, maximum: 65535, default: 9517, description: 'TCP port to serve on; 0 = a free one.' }),
				trustProxy: Type.Boolean({
					default: false,
					description:
						'Whether X-Forwarded-For, -Proto and -Host are believed: for the limits of sources, and for links where `publicUrl` is not set. True only behind a proxy that sets all of them.',
				}),
			},
			{ ...group, description: 'Where the HTTP service listens.' },
		),

		api: Type.Object(
			{
				bodyLimit: Type.Integer({ minimum: 16, maximum: 65536, unit: 'KiB', default: 1024, description: 'Largest body of a request.' }),
				archiveLimit: Type.Integer({
					minimum: 1,
					unit: 'MiB',
					default: 1024,
					description: 'Largest archive that is put into or got from a container.',
				}),
				maxLimit: Type.Integer({
					minimum: 1,
					maximum: 100000,
					default: 1000,
					description: 'Largest, and default, length of a page of a list.',
				}),
				requestsPerSecond: Type.Integer({
					minimum: 0,
					default: 10000,
					description: 'Requests a second that one user of one project may make for long; twice as many may come at once. 0 = no limit.',
				}),
				maxWait: Type.Integer({ minimum: 1, maximum: 86400, ...seconds, default: 600, description: 'Longest wait of `?wait=`.' }),
				maxStreams: Type.Integer({
					minimum: 1,
					maximum: 100000,
					default: 1000,
					description:
						'Event streams, followed logs and waits that are open at once, and as many attached terminals. One project may have a quarter of them.',
				}),
				pathPrefix: Type.String({
					pattern: '^(/[A-Za-z0-9._~-]+)*$',
					default: '',
					description: 'Prefix of all paths behind a proxy, such as `/container`; empty = none.',
				}),
				corsOrigins: Type.Array(Type.String({ minLength: 1 }), {
					default: [],
					description: 'Origins whose pages may call the API from a browser, such as `https://panel.example`.',
				}),
				allowedRuntimes: Type.Array(Type.String({ minLength: 1 }), {
					default: [],
					description: 'OCI runtimes that every member may choose; others are for administrators.',
				}),
			},
			{ ...group, description: 'The HTTP API and its limits.' },
		),

		identity: Type.Object(
			{
				...keystoneSettings,
				tokenLifetime: Type.Integer({
					minimum: 60,
					maximum: 2592000,
					...seconds,
					default: 3600,
					description: 'How long a token is valid.',
				}),
				passwordHashesAtOnce: Type.Integer({
					minimum: 1,
					maximum: 16,
					default: 2,
					description: 'Password checks that run at the same time; each takes a core and 16 MiB.',
				}),
				failuresBeforeDelay: Type.Integer({
					minimum: 1,
					maximum: 1000,
					default: 5,
					description: 'Wrong passwords of one user after which further attempts must wait. One source may fail five times as often.',
				}),
				maxDelay: Type.Integer({ minimum: 1, maximum: 3600, ...seconds, default: 60, description: 'Longest such wait.' }),
			},
			{ ...group, description: 'Users and tokens.' },
		),

		driver: Type.Object(
			{
				name: Type.String({
					minLength: 1,
					default: 'docker',
					description: '`docker`, `fake`, or the name of an npm package that exports a driver.',
				}),
				settings: Type.Record(Type.String(), Type.Unknown(), {
					default: {},
					description: "The driver's own settings, handed to it as they are.",
				}),
			},
			{ ...group, description: 'What makes sandboxes and containers on this host.' },
		),

		agent: Type.Object(
			{
				reconcileInterval: Type.Integer({
					minimum: 1,
					maximum: 86400,
					...seconds,
					default: 60,
					description: 'How often all of the host is looked at, beside what events report.',
				}),
				heartbeatInterval: Type.Integer({
					minimum: 1,
					maximum: 3600,
					...seconds,
					default: 10,
					description: 'How often the host says that it is alive.',
				}),
			},
			{ ...group, description: 'The agent of a host.' },
		),

		hosts: Type.Object(
			{
				downAfter: Type.Integer({
					minimum: 2,
					maximum: 86400,
					...seconds,
					default: 60,
					description: 'A host that was silent for longer is down. At least twice `agent.heartbeatInterval`.',
				}),
				availabilityZone: Type.String({ minLength: 1, maxLength: 255, default: 'nova', description: 'Zone of this host.' }),
			},
			{ ...group, description: 'Hosts as the control plane sees them.' },
		),

		scheduler: Type.Object(
			{
				cpuOvercommit: ratio('each core', 4),
				memoryOvercommit: ratio('the memory', 1.5),
				diskOvercommit: ratio('the disk', 1),
				strategy: Type.Enum(['spread', 'pack'], {
					default: 'spread',
					description: 'Whether sandboxes go to the emptiest host or to the fullest one.',
				}),
			},
			{ ...group, description: 'Where sandboxes are placed.' },
		),

		containers: Type.Object(
			{
				defaultCpu: Type.Number({
					minimum: 0.01,
					maximum: 1024,
					unit: 'cores',
					default: 1,
					description: 'Limit of a container that gives none.',
				}),
				defaultMemory: Type.Integer({ minimum: 4, unit: 'MiB', default: 512, description: 'Limit of a container that gives none.' }),
				defaultPids: Type.Integer({
					minimum: 16,
					maximum: 4194304,
					default: 4096,
					description: 'Processes of a container that gives no limit of them.',
				}),
				imagePullPolicy: Type.Enum(['ifnotpresent', 'always'], {
					default: 'ifnotpresent',
					description: 'For a container that gives none. `always` asks the registry for each container, as Zun does.',
				}),
				executeTimeout: Type.Integer({
					minimum: 1,
					maximum: 86400,
					...seconds,
					default: 60,
					description: 'Longest run of a command that is not interactive.',
				}),
				executeOutputLimit: Type.Integer({
					minimum: 1,
					maximum: 1024,
					unit: 'MiB',
					default: 4,
					description: 'Output that such a command may give.',
				}),
				uniqueNames: Type.Boolean({
					default: false,
					description: "Whether a container's name is refused when its project has one of that name.",
				}),
			},
			{ ...group, description: 'Containers.' },
		),

		registries: Type.Object(
			{
				forbidden: Type.Array(Type.String({ format: 'cidr' }), {
					default: [...addressesBesideHost],
					description:
						'Addresses that no registry may have whose images users name; administrators may. By default what is on the host itself and beside it. Names are looked up.',
				}),
			},
			{ ...group, description: 'Registries of images.' },
		),

		network: Type.Object(
			{
				provider: provider('neutron', 'Who serves networks, ports and security groups: the service itself, or Neutron.'),
				enabled: Type.Boolean({
					default: true,
					description:
						'Whether links, bridges and rules are made in the kernel. False for the fake driver and for drivers without network namespaces.',
				}),
				cidr: Type.String({
					format: 'ipv4-cidr',
					default: '10.87.0.0/16',
					description:
						'Addresses of the `default` network, which is made at the first start. Must not overlap any other network of the machine.',
				}),
				mtu: Type.Integer({ minimum: 1280, maximum: 65535, unit: 'bytes', default: 1500, description: 'Largest packet of new networks.' }),
				nameservers: Type.Array(Type.String({ format: 'ip-address' }), {
					default: [],
					description: "Resolvers that sandboxes use; none = the machine's own.",
				}),
			},
			{ ...group, description: 'Networks of sandboxes.' },
		),

		volumes: Type.Object(
			{
				provider: provider('cinder', 'Who serves volumes: the service itself, or Cinder.'),
				minSize: Type.Integer({ minimum: 1, maximum: 65536, unit: 'GiB', default: 1, description: 'Smallest volume.' }),
				maxSize: Type.Integer({ minimum: 1, maximum: 65536, unit: 'GiB', default: 1024, description: 'Largest volume.' }),
				atOnce: Type.Integer({
					minimum: 1,
					maximum: 64,
					default: 4,
					description: 'How many volumes of a host are made, mounted or unmounted at the same time.',
				}),
			},
			{ ...group, description: 'Volumes of sandboxes.' },
		),

		compute: Type.Object(
			{
				provider: provider('nova', 'Who places and provisions sandboxes: the service itself, or Nova, for which a sandbox is a server.'),
				image: Type.String({
					minLength: 1,
					default: 'zunbox-sandbox',
					description:
						'Id or name of the Glance image that servers are made of. Nova wants one; nothing of it is used, so the smallest will do. Everybody must be able to use it.',
				}),
				atOnce: Type.Integer({
					minimum: 1,
					maximum: 256,
					default: 8,
					description: 'How many sandboxes are provisioned or taken down at the same time.',
				}),
				pollInterval: Type.Integer({
					minimum: 1,
					maximum: 3600,
					...seconds,
					default: 5,
					description: 'How often Nova is asked which servers changed.',
				}),
				socket: optionalText({
					format: 'absolute-path',
					description:
						"Unix socket of this host's agent for Nova's virt driver, for root alone; null = `agent/nova.sock` in the data folder. Served where `provider` is nova.",
				}),
			},
			{ ...group, description: 'Where sandboxes are provisioned.' },
		),

		images: Type.Object(
			{
				glance: Type.Boolean({
					default: false,
					description: 'Whether containers may be made of images in Glance (`image_driver: glance`), and commits go there.',
				}),
			},
			{ ...group, description: 'Images of containers.' },
		),

		openstack: openstackSettings,

		quota: Type.Object(
			{
				sandboxes: limit('Sandboxes', undefined, 100),
				containers: limit('Containers', undefined, 200),
				cpu: limit('Cores', 'cores', 100),
				memory: limit('Memory', 'MiB', 204800),
				disk: limit('Disk', 'GiB', 1000),
				ports: limit('Ports', undefined, 500),
				networks: limit('Networks', undefined, 50),
				volumes: limit('Volumes', undefined, 100),
				volumeGigabytes: limit('Size of all volumes', 'GiB', 1000),
			},
			{ ...group, description: 'What a project may have when nothing else was set for it.' },
		),

		webhook: Type.Object(
			{
				url: optionalText({ format: 'http-url', description: 'Where every event is sent by POST, in their order; null = nowhere.' }),
				secretFile: optionalText({
					format: 'absolute-path',
					description: 'File with the secret that messages are signed with: HMAC-SHA256, in the header X-Zunbox-Signature.',
				}),
				kinds: Type.Array(Type.String({ minLength: 1 }), {
					default: [],
					description: 'Kinds of events, such as `container.status`, or first parts such as `container`; none = all.',
				}),
			},
			{ ...group, description: 'Whom the service tells of events by itself.' },
		),

		retention: Type.Object(
			{
				operations: Type.Integer({ minimum: 1, unit: 'days', default: 30, description: 'How long finished operations are kept.' }),
				events: Type.Integer({ minimum: 1, unit: 'days', default: 30, description: 'How long events are kept, and watchers can resume.' }),
				idempotencyKeys: Type.Integer({ minimum: 1, unit: 'h', default: 24, description: 'How long an Idempotency-Key is remembered.' }),
			},
			{ ...group, description: 'How long history is kept.' },
		),
	},
	group,
);

/** Settings as they stand in the file. */
export type ConfigValues = Static<typeof configSchema>;

/** The configuration of a process: all settings, with what was left open filled in. */
export interface Config extends Omit<ConfigValues, 'publicUrl'> {
	/** Without a slash at its end. With `listen.port` 0 it is known only after listening: see publicUrlOf. */
	readonly publicUrl: string | null;
}
