import { Type } from 'typebox';
import { Links, Name, Nullable } from '../schemas.ts';

const Text = Type.String();
const Credential = Nullable(Type.String({ minLength: 1, maxLength: 255 }));
const Domain = Type.String({ minLength: 1, maxLength: 255, description: 'Host and port of the registry, such as registry.example:5000.' });
const closed = { additionalProperties: false };

const input = {
	name: Type.Optional(Nullable(Name)),
	username: Type.Optional(Credential),
	password: Type.Optional(Nullable(Type.String({ minLength: 1, maxLength: 4096 }))),
};

export const RegistryCreate = Type.Object({ registry: Type.Object({ ...input, domain: Domain }, closed) }, closed);
export const RegistryUpdate = Type.Object(
	{ registry: Type.Object({ ...input, domain: Type.Optional(Nullable(Domain)) }, closed) },
	{ ...closed, description: 'A new domain needs the password again.' },
);

export const Registry = Type.Object(
	{
		uuid: Text,
		links: Links,
		name: Nullable(Text),
		domain: Text,
		username: Nullable(Text),
		password: Type.Literal('***'),
		project_id: Text,
		user_id: Text,
		created_at: Text,
		updated_at: Text,
	},
	{ title: 'Registry' },
);

export const OneRegistry = Type.Object({ registry: Registry });
export const RegistryList = Type.Object({ registries: Type.Array(Registry), next: Nullable(Text) }, { title: 'Registries' });
