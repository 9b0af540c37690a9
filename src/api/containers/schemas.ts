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
import { imagePullPolicies, restartPolicyNames } from './words.ts';

const Word = Type.String({ maxLength: 131_072 });
const Text = Nullable(Type.String());
const Amount = Nullable(Type.Number());

export const Image = Type.String({ minLength: 2, maxLength: 255, pattern: '[a-zA-Z0-9][a-zA-Z0-9_.-]' });

export const RestartPolicy = Type.Object(
	{ Name: Type.Enum(restartPolicyNames), MaximumRetryCount: Type.Optional(Nullable(IntegerText)) },
	{ additionalProperties: false },
);

export const Mount = Type.Object(
	{
		type: Type.Optional(Nullable(Type.Enum(['volume', 'bind', '']))),
		source: Type.Optional(Nullable(Type.String({ description: 'Volume, by id or name; for bind the base64 content of a file.' }))),
		size: Type.Optional(
			Nullable(Type.Union([IntegerText, Type.Literal('')], { description: 'GiB of a new volume that goes with the sandbox.' })),
		),
		destination: Type.String({ minLength: 1, maxLength: 4096, pattern: '^/', description: 'Absolute path in the container.' }),
		read_only: Type.Optional(Flag),
	},
	{ additionalProperties: false },
);

export const HealthCheck = Type.Object({
	cmd: Type.Optional(Nullable(Type.String({ description: 'Run by the shell of the container.' }))),
	interval: Type.Optional(Nullable({ ...NumberText, description: 'Seconds between two checks, at least 1; 0 = 30.' })),
	timeout: Type.Optional(Nullable({ ...NumberText, description: 'Seconds that a check may take, at least 1; 0 = 30.' })),
	retries: Type.Optional(Nullable(IntegerText)),
});

/** What POST /containers takes. Which version has which field stands in the table of gates. */
export const ContainerCreate = Type.Object(
	{
		run: Type.Optional(Flag),
		image: Image,
		name: Type.Optional(Nullable(Name)),
		command: Type.Optional(
			Type.Union([Type.Array(Word, { maxItems: 4096 }), Word, Type.Null()], {
				description: 'A list of words from version 1.20; before that one command line.',
			}),
		),
		entrypoint: Type.Optional(Nullable(Type.Array(Word, { maxItems: 4096 }))),
		cpu: Type.Optional(Nullable(NumberText)),
		cpu_policy: Type.Optional(Nullable(Type.Enum(['shared', 'dedicated']))),
		memory: Type.Optional(Nullable(IntegerText)),
		disk: Type.Optional(Nullable(IntegerText)),
		workdir: Type.Optional(Nullable(Type.String({ maxLength: 4096 }))),
		environment: Type.Optional(Nullable(MapOf(Type.String()))),
		labels: Type.Optional(Nullable(Labels)),
		restart_policy: Type.Optional(Nullable(RestartPolicy)),
		auto_remove: Type.Optional(Nullable(Flag)),
		auto_heal: Type.Optional(Nullable(Flag)),
		interactive: Type.Optional(Nullable(Flag)),
		tty: Type.Optional(Nullable(Flag)),
		image_driver: Type.Optional(Nullable(Type.Enum(['docker', 'glance', 'None']))),
		image_pull_policy: Type.Optional(Nullable(Type.Enum(imagePullPolicies))),
		registry: Type.Optional(Nullable(Type.String({ minLength: 2, maxLength: 255 }))),
		hostname: Type.Optional(Nullable(Hostname)),
		runtime: Type.Optional(Nullable(Type.String({ maxLength: 64 }))),
		privileged: Type.Optional(Nullable(Flag)),
		security_groups: Type.Optional(Nullable(SecurityGroups)),
		exposed_ports: Type.Optional(Nullable(MapOf(Type.Object({})))),
		nets: Type.Optional(Nullable(Nets)),
		mounts: Type.Optional(Nullable(Type.Array(Mount, { maxItems: 64 }))),
		healthcheck: Type.Optional(Nullable(HealthCheck)),
		hints: Type.Optional(Nullable(Type.Record(Type.String(), Type.Unknown()))),
		availability_zone: Type.Optional(Nullable(Reference)),
		host: Type.Optional(Nullable(Reference)),
		sandbox: Type.Optional(Nullable(Type.String({ minLength: 1, maxLength: 255, description: 'Sandbox to join, by id or name.' }))),
		pids: Type.Optional(Nullable(IntegerText)),
	},
	{ additionalProperties: false, title: 'ContainerCreate' },
);

export const ContainerUpdate = Type.Object(
	{
		name: Type.Optional(Name),
		cpu: Type.Optional(NumberText),
		memory: Type.Optional(IntegerText),
		auto_heal: Type.Optional(Flag),
		labels: Type.Optional({ ...Labels, description: 'Replaces all labels. Beyond Zun.' }),
		restart_policy: Type.Optional({ ...RestartPolicy, description: 'From its next end on. Beyond Zun.' }),
		environment: Type.Optional({ ...MapOf(Type.String()), description: 'Replaces all of it, from the next rebuild on. Beyond Zun.' }),
	},
	{ additionalProperties: false, title: 'ContainerUpdate' },
);

/** A container as it is answered. Times of Zun's own fields have no zone and are UTC; those that we add are ISO 8601. */
export const Container = Type.Object(
	{
		uuid: Type.String(),
		links: Type.Optional(Links),
		name: Type.String(),
		project_id: Type.String(),
		user_id: Type.String(),
		image: Type.String(),
		image_driver: Text,
		command: Nullable(Type.Array(Type.String())),
		entrypoint: Nullable(Type.Array(Type.String())),
		cpu: Amount,
		memory: Nullable(Type.String({ description: 'MiB.' })),
		disk: Nullable(Type.Integer({ description: 'GiB.' })),
		cpu_policy: Text,
		status: Type.String(),
		status_reason: Text,
		task_state: Text,
		status_detail: Text,
		environment: MapOf(Type.String()),
		labels: MapOf(Type.String()),
		workdir: Text,
		hostname: Text,
		ports: Type.Array(Type.Integer()),
		addresses: MapOf(Type.Array(Address)),
		security_groups: Type.Array(Type.String()),
		interactive: Type.Boolean(),
		tty: Type.Boolean(),
		auto_remove: Type.Boolean(),
		auto_heal: Type.Boolean(),
		restart_policy: Nullable(Type.Object({})),
		healthcheck: Nullable(Type.Object({})),
		registry_id: Text,
		created_at: Text,
		updated_at: Text,
		sandbox_id: Type.String({ description: 'The sandbox that it lives in.' }),
		sandbox: Type.String({ description: 'Name of the sandbox.' }),
		exit_code: Nullable(Type.Integer({ description: 'Of its last run.' })),
		oom_killed: Type.Boolean({ description: 'Whether its last run was ended for want of memory.' }),
		health: Nullable(Type.Enum(['starting', 'healthy', 'unhealthy'])),
		restart_count: Type.Integer({ description: 'How often its policy started it again.' }),
		started_at: Text,
		finished_at: Text,
		mounts: Type.Array(
			Type.Object({ type: Type.String(), volume_id: Type.String(), destination: Type.String(), read_only: Type.Boolean() }),
		),
		exposed_ports: MapOf(Type.Object({})),
		pids: Nullable(Type.Integer({ description: 'Most processes.' })),
		pull: Nullable(
			Type.Object(
				{ layers_done: Type.Integer(), layers_total: Type.Integer(), bytes_done: Type.Integer(), bytes_total: Type.Integer() },
				{ description: 'How far the pull of its image is.' },
			),
		),
		host: Type.Optional(Text),
		image_pull_policy: Type.Optional(Text),
		privileged: Type.Optional(Type.Boolean()),
		runtime: Type.Optional(Text),
	},
	{ title: 'Container', description: 'host, image_pull_policy, privileged and runtime are shown to administrators only.' },
);

export const ContainerList = Type.Object({ containers: Type.Array(Container), next: Text }, { title: 'ContainerList' });
