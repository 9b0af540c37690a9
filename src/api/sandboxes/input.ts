import type { Static } from 'typebox';
import type { CreateSandbox, PublishRequest, UpdateSandbox } from '../../control/control.ts';
import { fail } from '../../model/errors.ts';
import type { Principal } from '../../model/principal.ts';
import { defined } from '../http/defined.ts';
import type { RouteContext } from '../options.ts';
import { flag } from '../parse/flag.ts';
import { cpuLimits, diskLimits, type QuantityLimits, quantity } from '../parse/quantity.ts';
import { given } from '../parse/text.ts';
import { readPlacement } from '../placement.ts';
import { labelTexts } from '../schemas.ts';
import type { PublishedPort, SandboxCreate, SandboxUpdate } from './schemas.ts';

/** A sandbox's limits hold for all its containers together, so they may be larger than those of one. */
const sandboxCpu: QuantityLimits = { ...cpuLimits, maximum: 1024 };
const sandboxMemory: QuantityLimits = { minimum: 4, maximum: 16_777_216, integer: true };
const expiry: QuantityLimits = { minimum: 1, maximum: 315_360_000, integer: true };

export function readCreate(
	body: Static<typeof SandboxCreate>,
	principal: Principal,
	context: Pick<RouteContext, 'policy' | 'options'>,
): CreateSandbox {
	const { namespaces } = body;
	return {
		...readPlacement(body, 'sandbox', principal, context),
		...defined({
			name: body.name ?? undefined,
			labels: body.labels == null ? undefined : labelTexts(body.labels),
			hostname: given(body.hostname) ?? undefined,
			cpu: quantity('cpu', body.cpu, sandboxCpu),
			memory: quantity('memory', body.memory, sandboxMemory),
			disk: quantity('disk', body.disk, diskLimits),
			namespaces: namespaces == null ? undefined : { ipc: flag(namespaces.ipc, true), pid: flag(namespaces.pid, true) },
			expiresIn: quantity('expires_in', body.expires_in, expiry),
			volumes: body.volumes == null || body.volumes.length === 0 ? undefined : body.volumes.map(readVolume),
			publish: body.published_ports == null ? undefined : body.published_ports.map(readPublishedPort),
		}),
	};
}

export function readUpdate(body: Static<typeof SandboxUpdate>): UpdateSandbox {
	return defined({
		name: body.name ?? undefined,
		labels: body.labels == null ? undefined : labelTexts(body.labels),
		cpu: body.cpu === null ? null : quantity('cpu', body.cpu, sandboxCpu),
		memory: body.memory === null ? null : quantity('memory', body.memory, sandboxMemory),
		expiresIn: body.expires_in === null ? null : quantity('expires_in', body.expires_in, expiry),
		publish: body.published_ports == null ? undefined : body.published_ports.map(readPublishedPort),
	});
}

function readVolume(volume: NonNullable<Static<typeof SandboxCreate>['volumes']>[number]) {
	const size = quantity('size', volume.size, { minimum: 1, maximum: 65_536, integer: true });
	if ((volume.source === undefined) === (size === undefined)) {
		throw fail('schema-validation-error', `Invalid input for field 'volumes': each entry has either 'source' or 'size'.`);
	}
	return defined({ source: volume.source, size, readOnly: volume.read_only === undefined ? undefined : flag(volume.read_only) });
}

function readPublishedPort(port: Static<typeof PublishedPort>): PublishRequest {
	return { protocol: port.protocol ?? 'tcp', hostIp: port.host_ip ?? '0.0.0.0', hostPort: port.host_port, sandboxPort: port.sandbox_port };
}
