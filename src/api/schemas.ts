import { type Static, type TSchema, Type } from 'typebox';
import { flagWords } from './parse/flag.ts';

/** Parts that many schemas share. */

export const Nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);

export const Flag = Type.Union([Type.Boolean(), Type.Enum(flagWords)], {
	description: 'true or false, also as a word such as True, 1, on or yes.',
});

export const NumberText = Type.Union([Type.Number(), Type.String({ pattern: '^(\\d+\\.?\\d*|\\.\\d+)$' })]);
export const IntegerText = Type.Union([Type.Integer({ minimum: 0 }), Type.String({ pattern: '^\\d+$' })]);

export const Name = Type.String({ minLength: 2, maxLength: 255, pattern: '^[a-zA-Z0-9][a-zA-Z0-9_.-]+$' });
export const Reference = Type.String({ minLength: 1, maxLength: 255 });
export const Hostname = Type.String({ minLength: 1, maxLength: 63, pattern: '^[a-zA-Z0-9-._]*$' });

/** A key → value map; keys are one line. */
export const MapOf = <T extends TSchema>(value: T) => Type.Record(Type.String({ pattern: '^.+$' }), value, { additionalProperties: false });

export const Labels = MapOf(Type.Union([Type.String(), Type.Number(), Type.Boolean()]));

export const IdParams = Type.Object({ id: Type.String({ minLength: 1, maxLength: 255, description: 'Id or name.' }) });

export const NoParameters = Type.Object({});

export const Empty = Type.Null({ description: 'Taken on; nothing to say.' });

export const Links = Type.Array(Type.Object({ rel: Type.String(), href: Type.String() }));

export const Address = Type.Object(
	{
		addr: Type.String(),
		version: Type.Union([Type.Literal(4), Type.Literal(6)]),
		port: Type.String({ description: 'Id of the port.' }),
		subnet_id: Type.String(),
		preserve_on_delete: Type.Boolean({ description: 'Whether the port was made by a user and outlives the sandbox.' }),
	},
	{ title: 'Address' },
);

/** Labels as text, the way Python writes scalars. */
export function labelTexts(labels: Static<typeof Labels>): Record<string, string> {
	return Object.fromEntries(Object.entries(labels).map(([key, value]) => [key, labelText(value)]));
}

function labelText(value: string | number | boolean): string {
	if (typeof value === 'boolean') return value ? 'True' : 'False';
	return String(value);
}

/** What is requested of the network: `nets` of containers and sandboxes. */
export const Nets = Type.Array(
	Type.Object(
		{
			network: Type.Optional(Nullable(Type.String({ maxLength: 255 }))),
			port: Type.Optional(Nullable(Type.String({ maxLength: 255 }))),
			'v4-fixed-ip': Type.Optional(Nullable(Type.String({ maxLength: 45 }))),
			'v6-fixed-ip': Type.Optional(Nullable(Type.String({ maxLength: 45 }))),
		},
		{ additionalProperties: false },
	),
	{ maxItems: 64, description: 'Networks or ports to attach, by id or name, and chosen addresses.' },
);

export const SecurityGroups = Type.Array(Reference, { maxItems: 64, description: 'Names or ids.' });

/** The shape of an error of the /v1 API. */
export const ErrorBody = Type.Object(
	{
		errors: Type.Array(
			Type.Object({
				request_id: Type.String(),
				code: Type.String({ description: 'Such as container.container-not-found.' }),
				status: Type.Integer(),
				title: Type.String(),
				detail: Type.String(),
				links: Links,
			}),
		),
	},
	{ title: 'Errors' },
);
