import type { Static } from 'typebox';
import type { CreateContainer, MountRequest } from '../../control/control.ts';
import { checkJoining } from '../../control/joining.ts';
import type { HealthCheck, RestartPolicy } from '../../model/container.ts';
import { fail } from '../../model/errors.ts';
import type { Principal } from '../../model/principal.ts';
import { defined } from '../http/defined.ts';
import type { Minor } from '../microversion/version.ts';
import type { RouteContext } from '../options.ts';
import { flag } from '../parse/flag.ts';
import { cpuLimits, diskLimits, memoryLimits, pidsLimits, quantity } from '../parse/quantity.ts';
import { shellWords } from '../parse/shell-words.ts';
import { given } from '../parse/text.ts';
import { readPlacement } from '../placement.ts';
import { labelTexts } from '../schemas.ts';
import { exposedPorts } from './exposed-ports.ts';
import type { ContainerCreate } from './schemas.ts';
import { pullPolicy } from './words.ts';

type Body = Static<typeof ContainerCreate>;

/** A create request of any version in the newest internal form. */
export function readCreate(
	body: Body,
	version: Minor,
	principal: Principal,
	context: Pick<RouteContext, 'policy' | 'options'>,
): CreateContainer {
	const placement = readPlacement(body, 'container', principal, context);
	const sandbox = given(body.sandbox) ?? undefined;
	checkJoining({ ...placement, ...defined({ sandbox }) });
	const privileged = flag(body.privileged);
	if (privileged) context.policy.enforce(principal, 'container:create:privileged');
	const ports = exposedPorts(body.exposed_ports ?? null);
	if (version >= 20 && ports !== undefined && placement.securityGroups !== undefined) {
		throw fail('invalid-value', 'security_groups and exposed_ports cannot be given together.');
	}
	const interactive = flag(body.interactive);
	const image = body.image;
	return {
		...placement,
		...defined({
			sandbox,
			name: body.name ?? undefined,
			imageDriver: imageDriver(body.image_driver),
			imagePullPolicy: body.image_pull_policy == null ? undefined : pullPolicy(body.image_pull_policy),
			registry: body.registry ?? undefined,
			command: readCommand(body.command, version),
			entrypoint: nonEmpty(body.entrypoint),
			cpu: quantity('cpu', body.cpu, cpuLimits),
			cpuPolicy: body.cpu_policy ?? undefined,
			memory: quantity('memory', body.memory, memoryLimits),
			disk: quantity('disk', body.disk, diskLimits),
			pids: quantity('pids', body.pids, pidsLimits),
			workdir: given(body.workdir) ?? undefined,
			hostname: given(body.hostname) ?? undefined,
			environment: body.environment ?? undefined,
			labels: body.labels == null ? undefined : labelTexts(body.labels),
			restartPolicy: readRestartPolicy(body.restart_policy),
			healthcheck: readHealthCheck(body.healthcheck),
			exposedPorts: ports,
			mounts: body.mounts == null || body.mounts.length === 0 ? undefined : body.mounts.map(readMount),
		}),
		image,
		interactive,
		// Until 1.35 a terminal came with `interactive`, and before 1.20 it was as sent.
		tty: version >= 20 && version <= 35 ? interactive : flag(body.tty),
		privileged,
		autoRemove: flag(body.auto_remove),
		autoHeal: flag(body.auto_heal),
		run: flag(body.run),
	};
}

function readCommand(command: Body['command'], version: Minor): readonly string[] | undefined {
	if (command === undefined || command === null) return undefined;
	const isLine = typeof command === 'string';
	if (isLine !== version < 20) {
		const wanted = version < 20 ? 'a string before version 1.20' : 'a list of strings from version 1.20';
		throw fail(
			'schema-validation-error',
			`Invalid input for field 'command'. It must be ${wanted}, and this request has version 1.${version}: see the header OpenStack-API-Version.`,
		);
	}
	return nonEmpty(isLine ? shellWords(command) : command);
}

function nonEmpty(words: readonly string[] | null | undefined): readonly string[] | undefined {
	return words === null || words === undefined || words.length === 0 ? undefined : words;
}

function imageDriver(driver: Body['image_driver']): 'docker' | 'glance' | undefined {
	return driver === 'docker' || driver === 'glance' ? driver : undefined;
}

export function readRestartPolicy(policy: Body['restart_policy']): RestartPolicy | undefined {
	if (policy === null || policy === undefined) return undefined;
	const retries = quantity('MaximumRetryCount', policy.MaximumRetryCount, { minimum: 0, maximum: 1_000_000, integer: true }) ?? 0;
	if (retries !== 0 && (policy.Name === 'always' || policy.Name === 'unless-stopped')) {
		throw fail('invalid-value', `maximum retry count not valid with restart policy '${policy.Name}'.`);
	}
	return { name: policy.Name, maximumRetryCount: policy.Name === 'no' ? 0 : retries };
}

function readHealthCheck(check: Body['healthcheck']): HealthCheck | undefined {
	const test = given(check?.cmd);
	if (check === null || check === undefined || test === null) return undefined;
	// Nothing and 0 stand for what engines take by default. What comes faster than each second would keep the host busy.
	const seconds = (name: 'interval' | 'timeout') =>
		Number(check[name]) === 0 ? undefined : quantity(name, check[name], { minimum: 1, maximum: 86_400 });
	return {
		test,
		interval: seconds('interval') ?? 30,
		timeout: seconds('timeout') ?? 30,
		retries: quantity('retries', check.retries, { minimum: 0, maximum: 1000, integer: true }) || 3,
	};
}

function readMount(mount: NonNullable<Body['mounts']>[number]): MountRequest {
	const source = given(mount.source) ?? undefined;
	const size = quantity('size', mount.size === '' ? undefined : mount.size, { minimum: 1, maximum: 65_536, integer: true });
	const type: MountRequest['type'] = mount.type === 'bind' ? 'bind' : 'volume';
	if (source === undefined && (size === undefined || type === 'bind')) {
		throw fail(
			'schema-validation-error',
			`Invalid input for field 'mounts': ${type === 'bind' ? "'source'" : "either 'source' or 'size'"} is required.`,
		);
	}
	return defined({
		type,
		source,
		size,
		destination: mount.destination,
		readOnly: mount.read_only === undefined ? undefined : flag(mount.read_only),
	});
}
