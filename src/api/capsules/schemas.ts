import { Type } from 'typebox';
import { capsuleRestartPolicies, capsuleStatuses } from '../../model/capsule.ts';
import { Container, Image } from '../containers/schemas.ts';
import { imagePullPolicies } from '../containers/words.ts';
import {
	Address,
	Flag,
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

const closed = { additionalProperties: false } as const;
const Words = Type.Array(Type.String({ maxLength: 131_072 }), { maxItems: 4096 });
const PortNumber = Type.Integer({ minimum: 1, maximum: 65_535 });

const Port = Type.Object(
	{
		name: Type.Optional(Nullable(Name)),
		containerPort: PortNumber,
		hostPort: Type.Optional(
			Type.Integer({ minimum: 0, maximum: 65_535, description: 'Published on the host from version 1.42; before that it is ignored.' }),
		),
		protocol: Type.Optional(Type.Enum(['TCP', 'UDP'])),
	},
	closed,
);

const VolumeMount = Type.Object(
	{
		name: Name,
		mountPath: Type.String({ minLength: 1, maxLength: 4096, pattern: '^/', description: 'Absolute path in the container.' }),
		readOnly: Type.Optional(Flag),
	},
	closed,
);

const members = {
	image: Image,
	name: Type.Optional(Nullable(Name)),
	command: Type.Optional(Words),
	args: Type.Optional(Words),
	env: Type.Optional(Nullable(MapOf(Type.String()))),
	labels: Type.Optional(Nullable(Labels)),
	workDir: Type.Optional(Nullable(Type.String({ maxLength: 4096 }))),
	imagePullPolicy: Type.Optional(Nullable(Type.Enum(imagePullPolicies))),
	stdin: Type.Optional({ ...Flag, description: 'From version 1.37.' }),
	tty: Type.Optional({ ...Flag, description: 'From version 1.37.' }),
	resources: Type.Optional(
		Type.Object(
			{
				requests: Type.Optional(
					Type.Object(
						{
							cpu: Type.Optional(Nullable(NumberText)),
							memory: Type.Optional(Nullable(Type.Union([Type.Integer({ minimum: 0 }), IntegerText], { description: 'MiB.' }))),
						},
						closed,
					),
				),
			},
			closed,
		),
	),
	ports: Type.Optional(Type.Array(Port, { maxItems: 256, description: 'Opened for all; not looked at before version 1.35.' })),
	volumeMounts: Type.Optional(Type.Array(VolumeMount, { maxItems: 64 })),
};

export const TemplateContainer = Type.Object(members, { ...closed, title: 'CapsuleContainer' });
/** Other keys were never looked at in Zun, so they are let pass. */
const TemplateInitContainer = Type.Object(members, { title: 'CapsuleInitContainer' });

const TemplateVolume = Type.Object({
	name: Name,
	cinder: Type.Object(
		{
			volumeID: Type.Optional(Type.String({ minLength: 36, maxLength: 36, description: 'An existing volume.' })),
			size: Type.Optional(
				Type.Union([Type.Integer({ minimum: 1 }), Type.String({ pattern: '^[1-9]\\d{0,8}$' })], { description: 'GiB of a new one.' }),
			),
			autoRemove: Type.Optional({ ...Flag, description: 'Whether the new one goes with the capsule.' }),
		},
		closed,
	),
});

const Metadata = Type.Object({
	name: Type.Optional(Nullable(Name)),
	labels: Type.Optional(Nullable(Labels)),
	annotations: Type.Optional({ ...Nullable(Labels), description: 'From version 1.38.' }),
});

const RestartPolicy = Type.Enum([...capsuleRestartPolicies]);

export const Template = Type.Object(
	{
		kind: Type.Enum(['capsule', 'Capsule']),
		capsuleVersion: Type.Optional(Type.Enum(['beta', 'Beta'])),
		metadata: Metadata,
		restartPolicy: Type.Optional({ ...RestartPolicy, description: 'Of old; what spec says counts from version 1.16.' }),
		availabilityZone: Type.Optional(Nullable(Reference)),
		spec: Type.Object({
			restartPolicy: Type.Optional(RestartPolicy),
			containers: Type.Array(TemplateContainer, { minItems: 1, maxItems: 100 }),
			initContainers: Type.Optional(
				Nullable(
					Type.Array(TemplateInitContainer, {
						maxItems: 100,
						description: 'Run one after another, before the containers. From version 1.34.',
					}),
				),
			),
			volumes: Type.Optional(Nullable(Type.Array(TemplateVolume, { maxItems: 100 }))),
			nets: Type.Optional(Nullable(Nets)),
			securityGroups: Type.Optional(Nullable(SecurityGroups)),
		}),
	},
	{ ...closed, title: 'CapsuleTemplate' },
);

export const CapsuleCreate = Type.Object(
	{ template: Type.Union([Template, Type.String({ description: 'The template as JSON.' })]) },
	{ ...closed, title: 'CapsuleCreate' },
);

/** What a template that came as text must be. */
export const CapsuleCreateObject = Type.Object({ template: Template }, closed);

export const CapsuleUpdate = Type.Object(
	{ name: Type.Optional(Name), labels: Type.Optional(Labels), annotations: Type.Optional(Labels) },
	{ ...closed, title: 'CapsuleUpdate' },
);

const Texts = MapOf(Type.String());

/** A capsule as it is answered. Until version 1.31 some of it has other names. */
export const Capsule = Type.Object(
	{
		uuid: Type.String(),
		links: Links,
		name: Type.Optional(Type.String()),
		meta_name: Type.Optional(Type.String({ description: 'The name, until 1.31.' })),
		labels: Type.Optional(Texts),
		meta_labels: Type.Optional({ ...Texts, description: 'The labels, until 1.31.' }),
		annotations: Texts,
		project_id: Type.String(),
		user_id: Type.String(),
		created_at: Nullable(Type.String()),
		updated_at: Nullable(Type.String()),
		status: Type.Enum([...capsuleStatuses]),
		status_reason: Nullable(Type.String()),
		restart_policy: Type.Union([Type.Object({ Name: Type.String(), MaximumRetryCount: Type.String() }), Type.String()], {
			description: 'Until 1.31 the bare name.',
		}),
		cpu: Type.Number(),
		memory: Type.String({ description: 'MiB.' }),
		addresses: MapOf(Type.Array(Address)),
		sandbox_id: Type.String({ description: 'The sandbox that it is: both have one id.' }),
		init_containers: Type.Array(Container),
		containers: Type.Array(Container),
		host: Type.Optional(Nullable(Type.String())),
	},
	{ title: 'Capsule', description: 'host is shown to administrators only.' },
);

export const CapsuleList = Type.Object({ capsules: Type.Array(Capsule), next: Nullable(Type.String()) }, { title: 'CapsuleList' });
