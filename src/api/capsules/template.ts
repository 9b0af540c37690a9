import type { Static } from 'typebox';
import type { CapsuleContainer, CapsuleVolume, CreateCapsule } from '../../control/capsules/capsule-control.ts';
import type { PublishRequest } from '../../control/control.ts';
import { memberRestartPolicy } from '../../model/capsule.ts';
import { fail, type ZunboxError } from '../../model/errors.ts';
import type { Principal } from '../../model/principal.ts';
import { pullPolicy } from '../containers/words.ts';
import { checkContent } from '../http/body.ts';
import { defined } from '../http/defined.ts';
import { compileSchema } from '../http/validate.ts';
import type { Minor } from '../microversion/version.ts';
import type { RouteContext } from '../options.ts';
import { flag } from '../parse/flag.ts';
import { cpuLimits, memoryLimits, quantity } from '../parse/quantity.ts';
import { given } from '../parse/text.ts';
import { readPlacement } from '../placement.ts';
import { labelTexts } from '../schemas.ts';
import { type CapsuleCreate, CapsuleCreateObject, type Template, type TemplateContainer } from './schemas.ts';

type TemplateBody = Static<typeof Template>;
type ContainerBody = Static<typeof TemplateContainer>;

const checkTemplate = compileSchema(CapsuleCreateObject, 'body');

/** The template of a create request of any version in the newest internal form. Errors name the path of what is wrong. */
export function readTemplate(
	body: Static<typeof CapsuleCreate>,
	version: Minor,
	principal: Principal,
	context: Pick<RouteContext, 'policy' | 'options'>,
): CreateCapsule {
	const template = typeof body.template === 'string' ? parse(body.template) : body.template;
	const { metadata, spec } = template;
	const [containersPath, initPath] = ['template.spec.containers', 'template.spec.initContainers'];
	const initBodies = spec.initContainers ?? [];
	if (initBodies.length > 0) since(34, version, initPath);
	if (Object.keys(metadata.annotations ?? {}).length > 0) since(38, version, 'template.metadata.annotations');
	const volumes = (spec.volumes ?? []).map(readVolume);
	checkMounts(volumes, [...spec.containers, ...initBodies], containersPath);
	const names = new Set(volumes.map(({ name }) => name));
	const read = (path: string) => (container: ContainerBody, index: number) => readContainer(container, version, `${path}[${index}]`, names);
	const placement = readPlacement(
		{ nets: spec.nets ?? null, security_groups: spec.securityGroups ?? null, availability_zone: template.availabilityZone ?? null },
		'sandbox',
		principal,
		context,
	);
	return {
		...placement,
		...defined({ name: metadata.name ?? undefined }),
		labels: labelTexts(metadata.labels ?? {}),
		annotations: labelTexts(metadata.annotations ?? {}),
		restartPolicy: readRestartPolicy(template, version),
		volumes,
		initContainers: initBodies.map(read(initPath)),
		containers: spec.containers.map(read(containersPath)),
		publish: version < 42 ? [] : readPublished([...spec.containers, ...initBodies]),
	};
}

function parse(text: string): TemplateBody {
	let value: unknown;
	try {
		value = JSON.parse(text);
	} catch {
		throw invalid('template', 'is neither an object nor JSON text of one');
	}
	checkContent(value);
	const checked = checkTemplate({ template: value });
	if ('error' in checked) throw checked.error;
	return checked.value.template;
}

/** From 1.16 it stands in the spec. Its earlier place counts where the newer one is empty, and before 1.16 comes first. */
function readRestartPolicy({ restartPolicy, spec }: TemplateBody, version: Minor): CreateCapsule['restartPolicy'] {
	const places = version >= 16 ? [spec.restartPolicy, restartPolicy] : [restartPolicy, spec.restartPolicy];
	return places.find((policy) => policy !== undefined) ?? 'Always';
}

function readContainer(body: ContainerBody, version: Minor, path: string, volumes: ReadonlySet<string>): CapsuleContainer {
	for (const name of ['stdin', 'tty'] as const) if (flag(body[name])) since(37, version, `${path}.${name}`);
	const requests = body.resources?.requests;
	const command = [...(body.command ?? []), ...(body.args ?? [])];
	// Until 1.34 ports were taken and not looked at.
	const ports = version < 35 ? [] : (body.ports ?? []);
	return {
		...defined({
			name: body.name ?? undefined,
			imagePullPolicy: body.imagePullPolicy == null ? undefined : pullPolicy(body.imagePullPolicy),
			command: command.length === 0 ? undefined : command,
			environment: body.env ?? undefined,
			labels: body.labels == null ? undefined : labelTexts(body.labels),
			workdir: given(body.workDir) ?? undefined,
			cpu: quantity(`${path}.resources.requests.cpu`, requests?.cpu, cpuLimits),
			memory: quantity(`${path}.resources.requests.memory`, requests?.memory, memoryLimits),
		}),
		image: body.image,
		interactive: flag(body.stdin),
		tty: flag(body.tty),
		exposedPorts: [...new Set(ports.map((port) => `${port.containerPort}/${protocolOf(port)}`))],
		mounts: readMounts(body, path, volumes),
	};
}

function readMounts(body: ContainerBody, path: string, volumes: ReadonlySet<string>): CapsuleContainer['mounts'] {
	const taken = new Set<string>();
	return (body.volumeMounts ?? []).map((mount, index) => {
		const place = `${path}.volumeMounts[${index}]`;
		if (!volumes.has(mount.name)) throw invalid(`${place}.name`, `names the volume ${mount.name}, which spec.volumes does not have`);
		const parts = mount.mountPath.split('/').filter((part) => part !== '' && part !== '.');
		const destination = `/${parts.join('/')}`;
		if (parts.length === 0 || parts.includes('..')) throw invalid(`${place}.mountPath`, 'must be a path below / without ..');
		if (taken.has(destination)) throw invalid(`${place}.mountPath`, `${destination} is the place of another mount already`);
		taken.add(destination);
		return { volume: mount.name, destination, readOnly: flag(mount.readOnly) };
	});
}

function readVolume({ name, cinder }: NonNullable<TemplateBody['spec']['volumes']>[number], index: number): CapsuleVolume {
	const { volumeID: id, size } = cinder;
	const path = `template.spec.volumes[${index}].cinder`;
	if (id !== undefined && size === undefined) return { name, volume: { id }, autoRemove: false };
	const gibibytes = quantity(`${path}.size`, size, { minimum: 1, maximum: 65_536, integer: true });
	if (id !== undefined || gibibytes === undefined) throw invalid(path, 'needs either volumeID or size');
	return { name, volume: { size: gibibytes }, autoRemove: flag(cinder.autoRemove) };
}

/** Every volume has a name of its own, and is mounted by somebody. */
function checkMounts(volumes: readonly CapsuleVolume[], containers: readonly ContainerBody[], containersPath: string): void {
	const mounted = new Set(containers.flatMap(({ volumeMounts = [] }) => volumeMounts.map(({ name }) => name)));
	const names = new Set<string>();
	for (const [index, { name }] of volumes.entries()) {
		const path = `template.spec.volumes[${index}].name`;
		if (names.has(name)) throw invalid(path, `${name} is the name of another volume already`);
		names.add(name);
		if (!mounted.has(name)) throw invalid(path, `${name} is mounted by none of ${containersPath}`);
	}
}

function readPublished(containers: readonly ContainerBody[]): readonly PublishRequest[] {
	return containers.flatMap(({ ports = [] }) =>
		ports.flatMap((port) =>
			port.hostPort === undefined || port.hostPort === 0
				? []
				: [{ protocol: protocolOf(port), hostIp: '0.0.0.0', hostPort: port.hostPort, sandboxPort: port.containerPort }],
		),
	);
}

function protocolOf(port: { readonly protocol?: 'TCP' | 'UDP' }): 'tcp' | 'udp' {
	return port.protocol === 'UDP' ? 'udp' : 'tcp';
}

function since(from: Minor, version: Minor, path: string): void {
	if (version >= from) return;
	throw fail(
		'invalid-param-in-version',
		`Invalid param '${path}' because current request version is 1.${version}. '${path}' is only supported from version 1.${from}: ` +
			`send the header 'OpenStack-API-Version: container 1.${from}' or a later one.`,
	);
}

function invalid(path: string, problem: string): ZunboxError {
	return fail('invalid-capsule-template', `Invalid capsule template: ${path} ${problem}.`);
}

/** How a capsule's policy is shown: in the words of containers, as in Zun. */
export function shownRestartPolicy(policy: CreateCapsule['restartPolicy']) {
	const { name, maximumRetryCount } = memberRestartPolicy(policy, false);
	return { Name: name, MaximumRetryCount: String(maximumRetryCount) };
}
