import { Type } from 'typebox';
import {
	Address,
	Flag,
	Hostname,
	IntegerText,
	Labels,
	Links,
	MapOf,
	Name,
	Nets,
	Nullable,
	NumberText,
	Reference,
	SecurityGroups,
} from '../schemas.ts';

const Text = Nullable(Type.String());

const PortNumber = Type.Integer({ minimum: 1, maximum: 65_535 });

export const PublishedPort = Type.Object(
	{
		protocol: Type.Optional(Type.Enum(['tcp', 'udp'])),
		host_ip: Type.Optional(Type.String({ maxLength: 45, description: 'Address of the host; 0.0.0.0 when missing.' })),
		host_port: PortNumber,
		sandbox_port: PortNumber,
	},
	{ additionalProperties: false },
);

const Volume = Type.Object(
	{
		source: Type.Optional(Reference),
		size: Type.Optional(IntegerText),
		read_only: Type.Optional(Flag),
	},
	{ additionalProperties: false, description: 'A volume by id or name (source), or a new one of size GiB that goes with the sandbox.' },
);

const ExpiresIn = Type.Union([Type.Integer({ minimum: 1, maximum: 315_360_000 }), Type.String({ pattern: '^[1-9]\\d{0,8}$' })], {
	description: 'Seconds until the sandbox and all in it end. The time does not run while it is paused.',
});

const changeable = {
	name: Type.Optional(Nullable(Name)),
	labels: Type.Optional(Nullable(Labels)),
	cpu: Type.Optional(Nullable(NumberText)),
	memory: Type.Optional(Nullable(IntegerText)),
	expires_in: Type.Optional(Nullable(ExpiresIn)),
	published_ports: Type.Optional(Nullable(Type.Array(PublishedPort, { maxItems: 256 }))),
};

export const SandboxCreate = Type.Object(
	{
		...changeable,
		hostname: Type.Optional(Nullable(Hostname)),
		disk: Type.Optional(Nullable(IntegerText)),
		namespaces: Type.Optional(
			Nullable(
				Type.Object(
					{ net: Type.Optional(Type.Literal(true)), ipc: Type.Optional(Flag), pid: Type.Optional(Flag) },
					{
						additionalProperties: false,
						description: 'Which namespaces the containers share; all when missing. The network is always shared.',
					},
				),
			),
		),
		volumes: Type.Optional(Nullable(Type.Array(Volume, { maxItems: 64 }))),
		nets: Type.Optional(Nullable(Nets)),
		security_groups: Type.Optional(Nullable(SecurityGroups)),
		host: Type.Optional(Nullable(Reference)),
		availability_zone: Type.Optional(Nullable(Reference)),
		hints: Type.Optional(Nullable(Type.Record(Type.String(), Type.Unknown(), { description: 'Such as same_host and different_host.' }))),
		runtime: Type.Optional(Nullable(Type.String({ maxLength: 64 }))),
	},
	{ additionalProperties: false, title: 'SandboxCreate' },
);

export const SandboxUpdate = Type.Object(changeable, {
	additionalProperties: false,
	title: 'SandboxUpdate',
	description: 'What is given is changed; cpu, memory and expires_in of null take the limit away.',
});

export const Sandbox = Type.Object(
	{
		uuid: Type.String(),
		links: Type.Optional(Links),
		name: Type.String(),
		project_id: Type.String(),
		user_id: Type.String(),
		status: Type.String(),
		status_reason: Text,
		task_state: Nullable(Type.String({ description: 'What is in progress.' })),
		labels: MapOf(Type.String()),
		hostname: Type.String(),
		cpu: Nullable(Type.Number({ description: 'Cores that all its containers may use together.' })),
		memory: Nullable(Type.String({ description: 'MiB that all its containers may use together.' })),
		disk: Nullable(Type.Integer({ description: 'GiB.' })),
		availability_zone: Text,
		runtime: Text,
		namespaces: Type.Object({ net: Type.Boolean(), ipc: Type.Boolean(), pid: Type.Boolean() }),
		addresses: MapOf(Type.Array(Address)),
		security_groups: Type.Array(Type.String()),
		ports: Type.Array(Type.String(), { description: 'Ids of its ports, in the order of its networks.' }),
		published_ports: Type.Array(
			Type.Object({ protocol: Type.String(), host_ip: Type.String(), host_port: Type.Integer(), sandbox_port: Type.Integer() }),
		),
		containers: Type.Array(Type.String(), { description: 'Ids of the containers in it.' }),
		volumes: Type.Array(Type.Object({ volume_id: Type.String(), read_only: Type.Boolean() })),
		created_by: Type.Enum(['user', 'container', 'capsule'], {
			description: 'One that was made for a container goes with its last container.',
		}),
		expires_at: Nullable(Type.String({ description: 'ISO 8601; null = never, or paused.' })),
		expires_remaining: Nullable(Type.Number({ description: 'Seconds left of a paused sandbox.' })),
		created_at: Type.String({ description: 'ISO 8601.' }),
		updated_at: Type.String({ description: 'ISO 8601.' }),
		host: Type.Optional(Text),
		driver: Type.Optional(Type.String()),
		provider_ids: Type.Optional(MapOf(Type.String())),
	},
	{ title: 'Sandbox', description: 'host, driver and provider_ids are shown to administrators only.' },
);

export const SandboxList = Type.Object({ sandboxes: Type.Array(Sandbox), next: Text }, { title: 'SandboxList' });
