import { Type } from 'typebox';
import { Flag, Links, Nullable } from '../schemas.ts';

const Text = Type.String();
const Count = Type.Integer();

export const Host = Type.Object(
	{
		uuid: Text,
		links: Links,
		hostname: Text,
		mem_total: Type.Number({ description: 'MiB' }),
		mem_used: Type.Number({ description: 'MiB claimed by sandboxes' }),
		cpus: Count,
		cpu_used: Type.Number({ description: 'Cores claimed by sandboxes' }),
		disk_total: Type.Number({ description: 'GiB' }),
		disk_used: Type.Number({ description: 'GiB claimed by sandboxes' }),
		disk_quota_supported: Type.Boolean(),
		total_containers: Count,
		architecture: Text,
		os_type: Text,
		os: Text,
		kernel_version: Text,
		labels: Type.Record(Text, Text),
		runtimes: Type.Array(Text),
		enable_cpu_pinning: Type.Boolean(),
		availability_zone: Text,
		driver: Text,
		driver_version: Text,
	},
	{ title: 'Host' },
);

export const HostList = Type.Object({ hosts: Type.Array(Host), next: Nullable(Text) }, { title: 'Hosts' });

export const Service = Type.Object(
	{
		id: Count,
		host: Text,
		binary: Text,
		state: Type.Enum(['up', 'down']),
		disabled: Type.Boolean({ description: 'Takes no new sandboxes.' }),
		disabled_reason: Nullable(Text),
		forced_down: Type.Boolean({ description: 'Declared dead by an administrator.' }),
		report_count: Count,
		last_seen_up: Nullable(Text),
		created_at: Text,
		updated_at: Text,
		availability_zone: Text,
	},
	{ title: 'Service' },
);

export const ServiceList = Type.Object({ services: Type.Array(Service) }, { title: 'Services' });

export const ZoneList = Type.Object(
	{ availability_zones: Type.Array(Type.Object({ availability_zone: Text })), next: Nullable(Text) },
	{ title: 'AvailabilityZones' },
);

const which = {
	host: Type.String({ minLength: 1, maxLength: 255, pattern: '^[a-zA-Z0-9-._]*$' }),
	binary: Type.String({ minLength: 1, maxLength: 255, description: 'zun-compute' }),
};
const closed = { additionalProperties: false };

export const ServiceParameters = Type.Object(which, closed);
export const DisableParameters = Type.Object(
	{ ...which, disabled_reason: Type.Optional(Nullable(Type.String({ maxLength: 255 }))) },
	closed,
);
export const ForceDownParameters = Type.Object({ ...which, forced_down: Type.Optional(Flag) }, closed);
