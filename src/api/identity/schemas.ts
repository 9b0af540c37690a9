import { Type } from 'typebox';
import { defaultDomain } from '../../model/identity.ts';

const name = Type.String({ minLength: 1, maxLength: 255, pattern: '\\S' });
const description = Type.String({ maxLength: 65535 });
const id = Type.String({ maxLength: 255 });
const password = Type.String({ minLength: 1, maxLength: 1024 });
/** Fields of Keystone that can only have the one value which they have here. */
const onlyDomain = Type.Optional(Type.Union([Type.Literal(defaultDomain.id), Type.Null()]));
const noOptions = Type.Optional(Type.Object({}, { additionalProperties: false, description: 'No options are offered.' }));
const closed = { additionalProperties: false };
const orNull = <T extends Type.TSchema>(schema: T) => Type.Optional(Type.Union([schema, Type.Null()]));

const projectFields = {
	description: orNull(description),
	enabled: Type.Optional(Type.Boolean()),
	domain_id: onlyDomain,
	parent_id: onlyDomain,
	is_domain: Type.Optional(Type.Literal(false)),
	tags: Type.Optional(Type.Array(Type.Unknown(), { maxItems: 0, description: 'Tags are not offered.' })),
	options: noOptions,
};
export const createProject = Type.Object({ project: Type.Object({ name, ...projectFields }, closed) });
export const updateProject = Type.Object({ project: Type.Object({ name: Type.Optional(name), ...projectFields }, closed) });

const userFields = {
	description: orNull(description),
	email: orNull(Type.String({ maxLength: 255 })),
	enabled: Type.Optional(Type.Boolean()),
	password: orNull(password),
	default_project_id: orNull(id),
	domain_id: onlyDomain,
	options: noOptions,
};
export const createUser = Type.Object({ user: Type.Object({ name, ...userFields }, closed) });
export const updateUser = Type.Object({ user: Type.Object({ name: Type.Optional(name), ...userFields }, closed) });
export const changePassword = Type.Object({ user: Type.Object({ original_password: password, password }, closed) });

export const createCredential = Type.Object({
	application_credential: Type.Object(
		{
			name,
			description: orNull(description),
			secret: orNull(password),
			expires_at: orNull(Type.String({ maxLength: 64 })),
			roles: Type.Optional(Type.Array(Type.Object({ id: Type.Optional(id), name: Type.Optional(id) }), { maxItems: 10 })),
			unrestricted: Type.Optional(Type.Literal(false, { description: 'Unrestricted ones are not offered.' })),
			project_id: Type.Optional(id),
		},
		closed,
	),
});

/** Filters are few, and those that clients send beside them are not looked at, as Keystone does. */
export const listFilter = Type.Object({
	name: Type.Optional(Type.String()),
	enabled: Type.Optional(Type.String()),
	domain_id: Type.Optional(Type.String()),
	type: Type.Optional(Type.String()),
});
export const assignmentFilter = Type.Object({
	'user.id': Type.Optional(Type.String()),
	'scope.project.id': Type.Optional(Type.String()),
	'role.id': Type.Optional(Type.String()),
	include_names: Type.Optional(Type.String()),
	effective: Type.Optional(Type.String()),
	'group.id': Type.Optional(Type.String()),
	'scope.domain.id': Type.Optional(Type.String()),
	'scope.system': Type.Optional(Type.String()),
});

export const projectPath = Type.Object({ projectId: id });
export const userPath = Type.Object({ userId: id });
export const credentialPath = Type.Object({ userId: id, credentialId: id });
export const assignmentPath = Type.Object({ projectId: id, userId: id, roleId: id });
export const memberPath = Type.Object({ projectId: id, userId: id });
export const thingPath = Type.Object({ id });

/** A switch in a query: there without a value, or anything but a no, is a yes. */
export function isOn(value: string | undefined): boolean {
	return value !== undefined && !/^(0|false|no|off)$/i.test(value);
}
