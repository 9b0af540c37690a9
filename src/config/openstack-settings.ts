import { Type } from 'typebox';

/** Settings of a service that works on OpenStack: which provider serves a concern, and how its services are reached. */

/** Who serves one concern: the service itself, or OpenStack's service for it. */
export function provider<const Name extends string>(name: Name, description: string) {
	return Type.Enum(['embedded', name], { default: 'embedded', description });
}

/** Names of roles at the identity service. */
function roleNames(byDefault: string[], description: string) {
	return Type.Array(Type.String({ minLength: 1 }), { default: byDefault, description });
}

export const keystoneSettings = {
	provider: provider('keystone', 'Who says who makes a request: the service itself, or Keystone.'),
	cacheTime: Type.Integer({
		minimum: 0,
		maximum: 3600,
		unit: 's',
		default: 60,
		description: 'With Keystone: how long a token that it took is not asked about again. So long may a token go on that was revoked.',
	}),
	adminRoles: roleNames(['admin'], "With Keystone: roles whose holders administer the service and see every project's things."),
	memberRoles: roleNames(['member', '_member_'], "With Keystone: roles whose holders change what is their project's."),
	readerRoles: roleNames(['reader'], "With Keystone: roles whose holders see what is their project's."),
};

function optional(format: string | null, description: string, more: object = {}) {
	return Type.Union([Type.String({ minLength: 1 }), Type.Null()], {
		default: null,
		description,
		...(format === null ? {} : { format }),
		...more,
	});
}

export const openstackSettings = Type.Object(
	{
		authUrl: optional('http-url', 'Keystone, with or without `/v3`, such as `http://controller:5000/v3`.'),
		publicAuthUrl: optional(
			'http-url',
			'Keystone as clients reach it, told to those who come without a token; null = `openstack.authUrl`.',
		),
		username: Type.String({ minLength: 1, default: 'zun', description: "The service's own user." }),
		password: optional(null, 'Its password. Better in a file: see `openstack.passwordFile`.', { secret: true }),
		passwordFile: optional('absolute-path', 'File that holds its password, for root alone; a line end after it is no part of it.'),
		projectName: Type.String({ minLength: 1, default: 'service', description: 'The project that the user works in.' }),
		userDomainName: Type.String({ minLength: 1, default: 'Default', description: 'Domain of the user.' }),
		projectDomainName: Type.String({ minLength: 1, default: 'Default', description: 'Domain of the project.' }),
		region: optional(null, 'Region of the catalog whose services are used; null = whatever is there first.'),
		interface: Type.Enum(['public', 'internal', 'admin'], {
			default: 'internal',
			description: "Which of the catalog's addresses are used.",
		}),
		caFile: optional('absolute-path', "Certificates (PEM) that the services' own are checked with; null = those that the machine trusts."),
		requestTimeout: Type.Integer({
			minimum: 1,
			maximum: 600,
			unit: 's',
			default: 30,
			description: 'Longest silence of a service before it counts as away.',
		}),
		maxConnections: Type.Integer({ minimum: 1, maximum: 1024, default: 32, description: 'Connections to one service at the same time.' }),
	},
	{ additionalProperties: false, description: "OpenStack's services and the user that works with them. Used where a provider needs them." },
);
