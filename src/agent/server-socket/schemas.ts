import { Type } from 'typebox';

/** Bodies of the socket's requests: the parts of model/server.ts's ServerCall that the path does not say. */

const id = Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9-]{0,63}$' });
const closed = { additionalProperties: false };
/** Text that goes into a command's arguments: no blanks, nothing that a program takes for more than a value. */
const word = (pattern: string) => Type.String({ pattern });
const address = word('^[0-9A-Fa-f:.]{2,45}$');
const device = word('^[A-Za-z0-9][A-Za-z0-9_.-]{0,14}$');

const port = Type.Object(
	{
		portId: id,
		networkId: id,
		macAddress: word('^([0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}$'),
		mtu: Type.Integer({ minimum: 68, maximum: 65535 }),
		bridge: device,
		device,
		addresses: Type.Array(
			Type.Object(
				{
					address,
					prefixLength: Type.Integer({ minimum: 0, maximum: 128 }),
					version: Type.Union([Type.Literal(4), Type.Literal(6)]),
					gateway: Type.Union([address, Type.Null()]),
					subnetId: Type.Union([id, Type.Null()]),
				},
				closed,
			),
			{ maxItems: 100 },
		),
		routes: Type.Array(Type.Object({ destination: word('^[0-9A-Fa-f:.]{2,45}/[0-9]{1,3}$'), nexthop: address }, closed), {
			maxItems: 100,
		}),
		nameservers: Type.Array(address, { maxItems: 20 }),
	},
	closed,
);

const volume = Type.Object({ volumeId: id, device: word('^/dev/[A-Za-z0-9._:@+/-]{1,250}$'), readOnly: Type.Boolean() }, closed);

const ports = Type.Array(port, { maxItems: 100 });
const volumes = Type.Array(volume, { maxItems: 100 });

const server = Type.Object(
	{
		name: Type.String({ maxLength: 255 }),
		hostname: Type.String({ maxLength: 255 }),
		projectId: Type.String({ minLength: 1, maxLength: 255 }),
		userId: Type.String({ minLength: 1, maxLength: 255 }),
		metadata: Type.Record(Type.String({ maxLength: 255 }), Type.String({ maxLength: 255 })),
		vcpus: Type.Integer({ minimum: 0, maximum: 100_000 }),
		memoryMib: Type.Integer({ minimum: 0 }),
		diskGib: Type.Integer({ minimum: 0 }),
	},
	closed,
);

export const serverIdSchema = id;
export const nothingSchema = Type.Object({}, closed);
export const spawnSchema = Type.Object({ server, ports, volumes }, closed);
export const powerOnSchema = Type.Object({ ports, volumes }, closed);
export const powerOffSchema = Type.Object({ timeout: Type.Union([Type.Integer({ minimum: 0, maximum: 3600 }), Type.Null()]) }, closed);
export const plugSchema = Type.Object({ ports }, closed);
export const attachPortSchema = Type.Object({ port }, closed);
export const detachPortSchema = Type.Object({ portId: id }, closed);
export const attachVolumeSchema = Type.Object({ volume }, closed);
export const detachVolumeSchema = Type.Object({ volumeId: id }, closed);
