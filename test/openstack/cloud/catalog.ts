/** What a new cloud holds: accounts, services with their places, sizes of servers, an image, a type of volumes. */
import { Account, type Fields, fieldsIn } from './account.ts';
import { password, region, urls } from './settings.ts';

/** Users, each in the project of the same name: two tenants, and the administrator that Keystone was made with. */
export const tenants = ['alpha', 'beta'] as const;

interface Service {
	/** Of the service and of its user. */
	readonly name: string;
	readonly type: string;
	readonly url: string;
}

const services: readonly Service[] = [
	{ name: 'placement', type: 'placement', url: urls.placement },
	{ name: 'glance', type: 'image', url: urls.glance },
	{ name: 'neutron', type: 'network', url: urls.neutron },
	{ name: 'nova', type: 'compute', url: urls.nova },
	{ name: 'cinder', type: 'volumev3', url: `${urls.cinder}/%(project_id)s` },
	{ name: 'zun', type: 'container', url: urls.container },
];

/** vCPUs, MiB and GiB. One of the sizes fits a sandbox of the usual size. A disk of 0 GiB is for administrators only. */
const flavors = [
	{ name: 'tiny', vcpus: 1, ram: 64, disk: 1 },
	{ name: 'small', vcpus: 1, ram: 512, disk: 10 },
	{ name: 'medium', vcpus: 2, ram: 2048, disk: 20 },
	{ name: 'large', vcpus: 4, ram: 8192, disk: 80 },
	/** More than the host has. */
	{ name: 'giant', vcpus: 8192, ram: 1024, disk: 1 },
] as const;

/** What servers are made of: Nova wants an image, the driver wants nothing of it. */
export const imageName = 'sandbox';

const admin = new Account('admin', 'admin');

/** Once Keystone serves. */
export async function fillCatalog(): Promise<void> {
	const roles = new Map<string, string>();
	for (const { id, name } of await admin.list('keystone', 'GET /roles', 'roles')) roles.set(String(name), String(id));
	if (!roles.has('service')) roles.set('service', await make('roles', 'role', { name: 'service' }));
	const grant = async (project: string, user: string, role: string) => {
		await admin.ok('keystone', `PUT /projects/${project}/users/${user}/roles/${roles.get(role)}`);
	};
	const domain = { domain_id: 'default' };
	const serviceProject = await make('projects', 'project', { name: 'service', ...domain });
	for (const name of tenants) {
		const project = await make('projects', 'project', { name, ...domain });
		const user = await make('users', 'user', { name, password, ...domain });
		await grant(project, user, 'member');
		await grant(project, user, 'reader');
	}
	for (const { name, type, url } of services) {
		const user = await make('users', 'user', { name, password, ...domain });
		for (const role of ['admin', 'service']) await grant(serviceProject, user, role);
		const service = await make('services', 'service', { name, type });
		for (const kind of ['public', 'internal', 'admin']) {
			await make('endpoints', 'endpoint', { service_id: service, interface: kind, url, region_id: region });
		}
	}
}

/** Once Nova serves. */
export async function makeFlavors(): Promise<void> {
	for (const flavor of flavors) await admin.ok('nova', 'POST /flavors', { flavor });
}

/** Once Glance serves. */
export async function makeImage(): Promise<void> {
	const image = { name: imageName, container_format: 'docker', disk_format: 'raw', visibility: 'public' };
	const { id } = await admin.ok('glance', 'POST /v2/images', image);
	const answer = await fetch(`${urls.glance}/v2/images/${id}/file`, {
		method: 'PUT',
		headers: { 'x-auth-token': await admin.token(), 'content-type': 'application/octet-stream' },
		body: new Uint8Array(1024),
		signal: AbortSignal.timeout(60_000),
	});
	if (answer.status !== 204) throw new Error(`Glance took no image: ${answer.status} ${await answer.text()}`);
}

/** Once Cinder serves: the type that its configuration names as the usual one. */
export async function makeVolumeType(): Promise<void> {
	const { volume_type: type } = await admin.ok('cinder', 'POST /types', { volume_type: { name: 'loopfile' } });
	const { id } = fieldsIn({ type }, 'type');
	await admin.ok('cinder', `POST /types/${id}/extra_specs`, { extra_specs: { volume_backend_name: 'loopfile' } });
}

async function make(list: string, kind: string, fields: Fields): Promise<string> {
	const answer = await admin.ok('keystone', `POST /${list}`, { [kind]: fields });
	return String(fieldsIn(answer, kind)['id']);
}
