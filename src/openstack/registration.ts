import { Readable } from 'node:stream';
import { OpenStackError } from './errors.ts';
import type { GlanceClient } from './glance.ts';
import type { KeystoneClient, Named } from './keystone.ts';
import { asService } from './session.ts';

/** What Keystone is to know of the service. */
export interface Registration {
	/** User, project and password that the service itself works with. */
	readonly username: string;
	readonly password: string;
	readonly userDomainName: string;
	readonly projectName: string;
	readonly projectDomainName: string;
	/** null = the catalog's entry is for no region in particular. */
	readonly region: string | null;
	/** Root of the API, with `/v1`, for each of the catalog's interfaces. */
	readonly urls: Readonly<Record<'public' | 'internal' | 'admin', string>>;
}

/** One thing that was looked at: made, changed, or there as it should be. */
export interface RegistrationStep {
	readonly what: string;
	readonly done: 'made' | 'changed' | 'there';
}

/** The service's type and name in the catalog: stock clients look for both. */
const service = { type: 'container', name: 'zun', description: 'Containers in sandboxes' } as const;
/** `admin`: it works in users' projects. `service`: what users began is ended with their expired tokens. */
const roleNames = ['admin', 'service'] as const;

/**
 * Makes what is missing at Keystone, with an administrator's client; harmless when repeated. A user that is there keeps its
 * password. Fails with an OpenStackError.
 */
export async function register(
	keystone: KeystoneClient,
	registration: Registration,
	signal: AbortSignal,
): Promise<readonly RegistrationStep[]> {
	const { username, password, projectName, region, urls } = registration;
	const steps: RegistrationStep[] = [];
	/** The one that is there, or a new one. */
	const ensure = async (what: string, there: readonly Named[], make: () => Promise<Named>): Promise<Named> => {
		const [found] = there;
		steps.push({ what, done: found === undefined ? 'made' : 'there' });
		return found ?? (await make());
	};

	const projectDomain = await domainId(keystone, registration.projectDomainName, signal);
	const userDomain = await domainId(keystone, registration.userDomainName, signal);
	const project = await ensure(
		`project ${projectName}`,
		await keystone.projects({ name: projectName, domainId: projectDomain }, signal),
		() => keystone.createProject({ name: projectName, domainId: projectDomain }, signal),
	);
	const user = await ensure(`user ${username}`, await keystone.users({ name: username, domainId: userDomain }, signal), () =>
		keystone.createUser({ name: username, domainId: userDomain, password }, signal),
	);
	for (const name of roleNames) {
		const role = await ensure(`role ${name}`, await keystone.roles(name, signal), () => keystone.createRole(name, signal));
		const grant = { userId: user.id, projectId: project.id, roleId: role.id };
		const had = await keystone.hasRole(grant, signal);
		if (!had) await keystone.grant(grant, signal);
		steps.push({ what: `role ${name} of user ${username} in project ${projectName}`, done: had ? 'there' : 'made' });
	}
	const services = await keystone.services(service.type, signal);
	const ours = services.filter(({ name }) => name === service.name);
	const entry = await ensure(`service ${service.name} of type ${service.type}`, ours.length > 0 ? ours : services, () =>
		keystone.createService(service, signal),
	);
	const endpoints = await keystone.endpoints(entry.id, signal);
	for (const name of ['public', 'internal', 'admin'] as const) {
		const there = endpoints.find((endpoint) => endpoint.interface === name && (region === null || endpoint.region === region));
		const what = `${name} endpoint ${urls[name]}`;
		if (there === undefined) await keystone.createEndpoint({ serviceId: entry.id, interface: name, region, url: urls[name] }, signal);
		else if (there.url !== urls[name]) await keystone.changeEndpoint(there.id, urls[name], signal);
		steps.push({ what, done: there === undefined ? 'made' : there.url === urls[name] ? 'there' : 'changed' });
	}
	return steps;
}

/** Nova wants an image for every server, and takes none that is empty. */
const imageBytes = 1024;

/**
 * Makes the image that servers are made of, for everybody, when there is none of that name; harmless when repeated, also
 * after it was broken off. `glance` is an administrator's. Fails with an OpenStackError.
 */
export async function ensureServerImage(glance: GlanceClient, name: string, signal: AbortSignal): Promise<RegistrationStep> {
	const what = `image ${name}`;
	const there = await glance.images(asService, { name }, signal);
	if (there.some(({ status }) => status === 'active')) return { what, done: 'there' };
	const image =
		there.find(({ status }) => status === 'queued') ??
		(await glance.createImage(asService, { name, containerFormat: 'docker', diskFormat: 'raw', visibility: 'public' }, signal));
	await glance.upload(asService, image.id, Readable.from([Buffer.alloc(imageBytes)]), signal);
	return { what, done: 'made' };
}

async function domainId(keystone: KeystoneClient, name: string, signal: AbortSignal): Promise<string> {
	const [found] = await keystone.domains(name, signal);
	if (found === undefined) throw new OpenStackError(`there is no domain ${name}`, { service: 'identity', status: 404 });
	return found.id;
}
