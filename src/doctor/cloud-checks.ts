import { endpointOf } from '../openstack/catalog.ts';
import type { CinderClient } from '../openstack/cinder.ts';
import { hasStatus } from '../openstack/errors.ts';
import type { GlanceClient } from '../openstack/glance.ts';
import type { KeystoneClient } from '../openstack/keystone.ts';
import type { NeutronClient } from '../openstack/neutron.ts';
import type { NovaClient } from '../openstack/nova.ts';
import { asService, type Session } from '../openstack/session.ts';
import { type Check, type Finding, failed, ok, warning } from './check.ts';

/** The cloud's services: whether they are reached, and let the service user do what is asked of them. */

const keystoneName = 'keystone: login';

export function loginCheck(session: Pick<Session, 'own'>, authUrl: string, username: string): Check {
	return {
		name: keystoneName,
		advice: 'check openstack.authUrl, username, passwordFile, projectName and the domains, and that Keystone runs',
		async look(signal) {
			const { expiresAt, since } = await session.own(signal);
			return ok(`${username} logs in at ${authUrl}; tokens live ${Math.round((expiresAt - since) / 60_000)} min`);
		},
	};
}

/** Roles that the service user needs, and why. */
const neededRoles = [
	['admin', "it works in users' projects and sees every server"],
	['service', 'what users began is ended with their expired tokens'],
] as const;

export function rolesCheck(session: Pick<Session, 'own'>, username: string, projectName: string): Check {
	return {
		name: 'keystone: roles',
		needs: [keystoneName],
		advice: 'zunbox openstack register gives the service user its roles',
		async look(signal) {
			const { roles } = await session.own(signal);
			const missing = neededRoles.filter(([name]) => !roles.includes(name));
			if (missing.length === 0) return ok(`${username} has ${neededRoles.map(([name]) => name).join(' and ')} in ${projectName}`);
			return failed(
				`${username} has no role ${missing.map(([name, why]) => `${name} (${why})`).join(', ')}`,
				missing.map(([name]) => `openstack role add --user ${username} --project ${projectName} ${name}`).join('; '),
			);
		},
	};
}

export function validationCheck(session: Pick<Session, 'own'>, keystone: Pick<KeystoneClient, 'validate'>): Check {
	return {
		name: 'keystone: permission',
		needs: [keystoneName],
		advice: "let the service user validate tokens: it needs the role service or admin (Keystone's policy identity:validate_token)",
		async look(signal) {
			const { token } = await session.own(signal);
			const found = await keystone.validate(token.reveal(), signal);
			return found === null
				? failed('Keystone does not know its own token', 'look at its token provider and fernet keys')
				: ok("may validate users' tokens");
		},
	};
}

const skewWarning = 5000;
const skewFailure = 60_000;

export function clockCheck(session: Pick<Session, 'own'>): Check {
	return {
		name: 'keystone: clock',
		needs: [keystoneName],
		advice: 'keep both clocks right: install chrony',
		async look(signal) {
			const { skew } = await session.own(signal);
			if (skew === null) return warning('Keystone does not say its time', 'keep both clocks right: install chrony');
			const text = `Keystone's clock is ${(Math.abs(skew) / 1000).toFixed(1)} s ${skew < 0 ? 'behind' : 'ahead of'} this machine's`;
			if (Math.abs(skew) <= skewWarning) return ok(text);
			const advice = 'keep both clocks right: install chrony; tokens end too early or too late otherwise';
			return Math.abs(skew) <= skewFailure ? warning(text, advice) : failed(text, advice);
		},
	};
}

/** The service's own entry, by which clients find it. */
export function catalogCheck(session: Pick<Session, 'own'>, region: string | null): Check {
	return {
		name: 'keystone: catalog',
		needs: [keystoneName],
		advice: 'zunbox openstack register makes the entry',
		async look(signal) {
			const { catalog } = await session.own(signal);
			const entries = catalog.filter(({ type }) => type === 'container' || type === 'application-container');
			const found = entries
				.flatMap(({ endpoints }) => endpoints)
				.find((one) => one.interface === 'public' && (region === null || one.region === region));
			if (found === undefined)
				return failed('clients do not find the service: no public endpoint of type container', 'run zunbox openstack register');
			if (!/\/v1\/?$/.test(found.url))
				return failed(`the endpoint ${found.url} does not end with /v1`, 'run zunbox openstack register with the right URL');
			return ok(`type container at ${found.url}`);
		},
	};
}

/** Which of the catalog's endpoints are there at all: told before a service is asked. */
export function endpointCheck(
	session: Pick<Session, 'own'>,
	type: 'compute' | 'network' | 'volume' | 'image',
	name: string,
	choice: Parameters<typeof endpointOf>[2],
): Check {
	return {
		name: `${name}: endpoint`,
		needs: [keystoneName],
		advice: `openstack endpoint create for the service ${type}`,
		async look(signal) {
			const { catalog } = await session.own(signal);
			const url = endpointOf(catalog, type, choice);
			if (url !== null) return ok(url);
			const where = choice.region === null ? '' : ` in region ${choice.region}`;
			return failed(
				`the catalog has no ${choice.interface} endpoint${where}`,
				'check openstack.interface and openstack.region, or create the endpoint',
			);
		},
	};
}

/** 403 says what is missing; all else is told as it is. */
async function permitted(look: () => Promise<Finding>, what: string): Promise<Finding> {
	try {
		return await look();
	} catch (error) {
		if (!hasStatus(error, 401, 403)) throw error;
		return failed(`may not ${what}`, "give the service user the role admin in its project, or let the service's policy.yaml allow it");
	}
}

export function novaPermissionCheck(nova: Pick<NovaClient, 'serversChangedSince' | 'newestVersion'>, now: () => number): Check {
	return {
		name: 'nova: permission',
		needs: ['nova: endpoint'],
		advice: 'see that nova-api runs, and its log',
		async look(signal) {
			const newest = await nova.newestVersion(signal);
			if (Number(newest.split('.')[1] ?? 0) < 79) return failed(`Nova speaks ${newest}`, 'Nova of Train (2.79) or newer is needed');
			return await permitted(async () => {
				await nova.serversChangedSince(now(), signal);
				return ok(`Nova speaks ${newest}; may see the servers of every project`);
			}, 'see the servers of every project');
		},
	};
}

/** Whether nova-compute has told of a host with our driver. `host` null = any host. */
export function hypervisorCheck(nova: Pick<NovaClient, 'hypervisors'>, host: string | null): Check {
	return {
		name: 'nova: driver',
		needs: ['nova: permission'],
		advice: 'see that nova-conductor and nova-compute run, and their logs',
		look: (signal) =>
			permitted(async () => {
				const ours = (await nova.hypervisors(signal)).filter(({ type }) => type.toLowerCase() === 'zunbox');
				const up = ours.filter(({ state }) => state === 'up');
				const install =
					'on each compute host set compute_driver = zunbox_nova.driver.ZunboxDriver in nova.conf, start the service, then nova-compute; see its log';
				if (ours.length === 0) return failed('no compute host has the driver', install);
				if (host !== null && !ours.some(({ hostname }) => hostname === host)) {
					return failed(
						`no compute host ${host} has the driver; ${ours.map(({ hostname }) => hostname).join(', ')} have it`,
						`the setting hostname and nova-compute's host must be the same; then: ${install}`,
					);
				}
				const here = host === null ? up : up.filter(({ hostname }) => hostname === host);
				if (here.length === 0)
					return failed(`nova-compute with the driver is down on ${host ?? 'every host'}`, 'start nova-compute, and see its log');
				return ok(`up on ${here.map(({ hostname }) => hostname).join(', ')}`);
			}, 'see the compute hosts'),
	};
}

export function flavorCheck(nova: Pick<NovaClient, 'flavors'>): Check {
	return {
		name: 'nova: flavors',
		needs: ['nova: permission'],
		advice: 'openstack flavor list',
		async look(signal) {
			const flavors = await nova.flavors(asService, signal);
			const usable = flavors.filter(({ isPublic, diskGib }) => isPublic && diskGib > 0);
			if (usable.length > 0) return ok(`${usable.length} that every project may use`);
			return failed(
				'no public flavor with a disk: users can make no sandbox',
				'openstack flavor create --vcpus 1 --ram 512 --disk 1 sandbox.small, and others for the sizes that are wanted',
			);
		},
	};
}

/** The image that servers are made of. */
export function serverImageCheck(glance: Pick<GlanceClient, 'images' | 'image'>, image: string): Check {
	return {
		name: 'nova: image',
		needs: ['glance: endpoint'],
		advice: 'see that glance-api runs, and compute.image',
		async look(signal) {
			const byId = /^[0-9a-f-]{36}$/i.test(image);
			const found = byId ? [await glance.image(asService, image, signal)] : await glance.images(asService, { name: image }, signal);
			const active = found.filter(({ status }) => status === 'active');
			const [only] = active;
			if (only === undefined) return failed(`no image ${image} with data`, 'run zunbox openstack register, which makes it');
			if (active.length > 1) return failed(`${active.length} images are called ${image}`, 'set compute.image to the id of one of them');
			if (only.visibility === 'public' || only.visibility === 'community') return ok(`${image}, for everybody`);
			return warning(`${image} is ${only.visibility}`, `others make no sandbox of it: openstack image set --public ${only.id}`);
		},
	};
}

/** What wires ports on a host. */
const layerTwoAgents = /linux ?bridge|open vswitch|ovn controller/i;

export function neutronAgentCheck(neutron: Pick<NeutronClient, 'agents'>, host: string | null): Check {
	return {
		name: 'neutron: agent',
		needs: ['neutron: permission'],
		advice: 'see that neutron-server runs, and its log',
		look: (signal) =>
			permitted(async () => {
				const wiring = (await neutron.agents({}, signal)).filter(({ type }) => layerTwoAgents.test(type));
				const here = host === null ? wiring : wiring.filter((agent) => agent.host === host);
				const alive = here.filter((agent) => agent.alive && agent.adminStateUp);
				if (alive.length > 0) return ok(`${alive.map((agent) => `${agent.type} on ${agent.host}`).join(', ')}`);
				const where = host === null ? 'any host' : `host ${host}`;
				if (here.length > 0) return failed(`the agent on ${where} is down`, `start ${here[0]?.binary ?? 'it'}, and see its log`);
				return failed(
					`no agent that wires ports on ${where}`,
					"install Neutron's Linux bridge or Open vSwitch agent there; its host must be the setting hostname",
				);
			}, 'see the network agents'),
	};
}

/** Asks for what only administrators get: to others Neutron's lists just show less. */
export function neutronPermissionCheck(neutron: Pick<NeutronClient, 'projectsWithQuotas'>): Check {
	return {
		name: 'neutron: permission',
		needs: ['neutron: endpoint'],
		advice: 'see that neutron-server runs, and its log',
		look: (signal) =>
			permitted(async () => {
				await neutron.projectsWithQuotas(signal);
				return ok("may work with every project's ports");
			}, "work with every project's ports"),
	};
}

export function cinderCheck(cinder: Pick<CinderClient, 'services'>): Check {
	return {
		name: 'cinder: permission',
		needs: ['cinder: endpoint'],
		advice: 'see that cinder-api runs, and its log',
		look: (signal) =>
			permitted(async () => {
				const volumes = (await cinder.services(signal)).filter(({ binary }) => binary === 'cinder-volume');
				const up = volumes.filter(({ state }) => state === 'up');
				if (up.length > 0) return ok(`cinder-volume is up on ${up.map(({ host }) => host).join(', ')}`);
				return failed(
					volumes.length === 0 ? 'there is no cinder-volume' : `cinder-volume is down on ${volumes.map(({ host }) => host).join(', ')}`,
					'start cinder-volume, and see its log',
				);
			}, "see the volume service's parts"),
	};
}

export function glanceCheck(glance: Pick<GlanceClient, 'images'>): Check {
	return {
		name: 'glance: permission',
		needs: ['glance: endpoint'],
		advice: 'see that glance-api runs, and its log',
		look: (signal) =>
			permitted(async () => {
				const images = await glance.images(asService, { container_format: 'docker' }, signal);
				return ok(`may read images; ${images.length} with container format docker`);
			}, 'read images'),
	};
}
