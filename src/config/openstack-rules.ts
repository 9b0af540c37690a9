import type { ConfigValues } from './schema.ts';

/** What is wrong between the settings of providers, each with what would be right. */
export function providerContradictions(config: ConfigValues): string[] {
	const found: string[] = [];
	const keystone = config.identity.provider === 'keystone';
	const nova = config.compute.provider === 'nova';
	const neutron = config.network.provider === 'neutron';
	const cinder = config.volumes.provider === 'cinder';
	const need = (given: boolean, who: string, has: boolean, needed: string, why: string): void => {
		if (given && !has) found.push(`${who} needs ${needed}: ${why}`);
	};
	need(
		nova,
		'compute.provider: nova',
		keystone,
		'identity.provider: keystone',
		"servers are made in the user's project with the user's token",
	);
	need(nova, 'compute.provider: nova', neutron, 'network.provider: neutron', 'a server takes its ports from there');
	need(neutron, 'network.provider: neutron', nova, 'compute.provider: nova', 'its ports are wired to servers');
	need(cinder, 'volumes.provider: cinder', nova, 'compute.provider: nova', 'volumes are attached to servers');
	need(config.images.glance, 'images.glance: true', keystone, 'identity.provider: keystone', "images are read with the user's token");
	return [...found, ...(usesOpenStack(config) ? accessProblems(config) : []), ...roleProblems(config)];
}

/** Whether any provider needs the cloud's services. */
export function usesOpenStack(config: ConfigValues): boolean {
	return (
		config.identity.provider === 'keystone' ||
		config.compute.provider === 'nova' ||
		config.network.provider === 'neutron' ||
		config.volumes.provider === 'cinder' ||
		config.images.glance
	);
}

function accessProblems({ openstack }: ConfigValues): string[] {
	const found: string[] = [];
	if (openstack.authUrl === null)
		found.push('openstack.authUrl is not given: set it to the address of Keystone, such as http://controller:5000/v3');
	if (openstack.password === null && openstack.passwordFile === null) {
		found.push("openstack.passwordFile is not given: it names the file with the service user's password");
	}
	if (openstack.password !== null && openstack.passwordFile !== null) {
		found.push('openstack.password and openstack.passwordFile are both given: keep one of them');
	}
	return found;
}

function roleProblems({ identity }: ConfigValues): string[] {
	const lists = [
		['identity.adminRoles', identity.adminRoles],
		['identity.memberRoles', identity.memberRoles],
		['identity.readerRoles', identity.readerRoles],
	] as const;
	const place = new Map<string, string>();
	const found: string[] = [];
	for (const [name, roles] of lists) {
		for (const role of new Set(roles.map((one) => one.toLowerCase()))) {
			const other = place.get(role);
			if (other !== undefined) found.push(`role ${role} stands in ${other} and in ${name}: a role means one thing`);
			place.set(role, name);
		}
	}
	return found;
}
