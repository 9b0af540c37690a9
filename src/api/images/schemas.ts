import { Type } from 'typebox';
import { imageStatuses } from '../../model/image.ts';
import { imagePullPolicies } from '../containers/words.ts';
import { Links, Nullable, Reference } from '../schemas.ts';

const Text = Type.String();
const ImageText = Type.String({ minLength: 2, maxLength: 255, pattern: '[A-Za-z0-9][A-Za-z0-9_.-]' });

export const ImagePull = Type.Object(
	{
		repo: ImageText,
		host: Type.String({ minLength: 1, maxLength: 255, description: 'Host that is to have it, by id or name.' }),
		tag: Type.Optional(Nullable(Type.String({ minLength: 1, maxLength: 128, pattern: '^[\\w][\\w.-]*$' }))),
		image_id: Type.Optional(Nullable(Type.String({ maxLength: 255 }))),
		size: Type.Optional(Nullable(Type.Union([Type.Integer({ minimum: 0 }), Type.String({ maxLength: 255 })]))),
		image_pull_policy: Type.Optional(Nullable(Type.Enum(imagePullPolicies))),
		registry: Type.Optional(Nullable(Reference)),
	},
	{ additionalProperties: false },
);

export const Image = Type.Object(
	{
		uuid: Text,
		links: Links,
		image_id: Nullable(Text),
		repo: Text,
		tag: Text,
		size: Nullable(Text),
		project_id: Nullable(Text),
		user_id: Nullable(Text),
		host: Text,
		status: Type.Enum(imageStatuses),
		status_reason: Nullable(Text),
		progress: Nullable(
			Type.Object({
				layers_done: Type.Integer(),
				layers_total: Type.Integer(),
				bytes_done: Type.Integer(),
				bytes_total: Type.Integer(),
			}),
		),
		created_at: Text,
		updated_at: Text,
	},
	{ title: 'Image' },
);

export const ImageList = Type.Object({ images: Type.Array(Image), next: Nullable(Text) }, { title: 'Images' });

export const FoundImage = Type.Object(
	{
		id: Nullable(Text),
		name: Text,
		tags: Type.Array(Text),
		status: Type.Enum(['Active', 'Available']),
		size: Nullable(Type.Integer()),
		host: Nullable(Text),
		registry: Nullable(Text),
		description: Text,
		is_automated: Type.Boolean(),
		metadata: Type.Object({ is_official: Type.Boolean(), star_count: Type.Integer() }),
	},
	{ title: 'FoundImage' },
);

export const StoredImage = Type.Object(
	{
		id: Text,
		name: Text,
		tags: Type.Array(Text),
		status: Text,
		size: Nullable(Type.Integer()),
		container_format: Nullable(Text),
		disk_format: Nullable(Text),
		visibility: Text,
		owner: Nullable(Text),
		updated_at: Nullable(Text),
		metadata: Type.Object({}),
	},
	{ title: 'StoredImage' },
);
