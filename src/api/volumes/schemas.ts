import { Type } from 'typebox';
import { pagingParameters } from '../http/paging.ts';
import { Flag, IntegerText, Links, Name, Nullable, Reference } from '../schemas.ts';

const Text = Nullable(Type.String());

export const VolumeCreate = Type.Object(
	{
		name: Type.Optional(Nullable(Name)),
		size: Type.Union([Type.Integer({ minimum: 1 }), IntegerText], {
			description: 'GiB. The size is exact: a full volume refuses further writes with ENOSPC.',
		}),
	},
	{ additionalProperties: false, title: 'VolumeCreate' },
);

export const VolumeAttach = Type.Object(
	{
		volume: Reference,
		read_only: Type.Optional(Flag),
	},
	{ additionalProperties: false, title: 'VolumeAttach', description: 'A volume by id or name.' },
);

export const Volume = Type.Object(
	{
		uuid: Type.String(),
		links: Type.Optional(Links),
		name: Type.String(),
		project_id: Type.String(),
		user_id: Type.String(),
		size: Type.Integer({ description: 'GiB.' }),
		provider: Type.Enum(['local', 'cinder']),
		status: Type.Enum(['creating', 'available', 'in-use', 'detaching', 'deleting', 'error'], {
			description: 'available = no sandbox has it; detaching = its host has still to let go of it.',
		}),
		status_reason: Text,
		auto_remove: Type.Boolean({ description: 'Whether it was made with a sandbox, by size, and goes with it.' }),
		sandbox_id: Nullable(Type.String({ description: 'The sandbox that has it.' })),
		read_only: Nullable(Type.Boolean({ description: 'Whether that sandbox may only read it.' })),
		created_at: Type.String({ description: 'ISO 8601.' }),
		updated_at: Type.String({ description: 'ISO 8601.' }),
		host: Type.Optional(Nullable(Type.String({ description: 'Where its data is, for administrators; null until it is first attached.' }))),
	},
	{ title: 'Volume' },
);

export const VolumeList = Type.Object({ volumes: Type.Array(Volume), next: Text }, { title: 'VolumeList' });

export const SandboxVolumes = Type.Object({ volumes: Type.Array(Volume) }, { title: 'SandboxVolumes' });

const { limit, marker, all_projects } = pagingParameters;

export const ListParameters = Type.Object(
	{ limit, marker, all_projects, name: Type.Optional(Type.String({ maxLength: 255 })) },
	{ additionalProperties: false },
);

export const AttachmentParams = Type.Object({
	id: Type.String({ minLength: 1, maxLength: 255, description: 'Id or name of the sandbox.' }),
	volume: Type.String({ minLength: 1, maxLength: 255, description: 'Id or name of the volume.' }),
});
