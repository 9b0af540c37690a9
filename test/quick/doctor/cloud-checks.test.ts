import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { defaultConfig } from '../../../src/config/load.ts';
import { runChecks } from '../../../src/doctor/check.ts';
import {
	catalogCheck,
	cinderCheck,
	clockCheck,
	endpointCheck,
	flavorCheck,
	glanceCheck,
	hypervisorCheck,
	loginCheck,
	neutronAgentCheck,
	neutronPermissionCheck,
	novaPermissionCheck,
	rolesCheck,
	serverImageCheck,
	validationCheck,
} from '../../../src/doctor/cloud-checks.ts';
import { Secret } from '../../../src/model/secret.ts';
import { OpenStackError } from '../../../src/openstack/errors.ts';
import type { GlanceImage } from '../../../src/openstack/glance.ts';
import type { ServiceTokenFacts } from '../../../src/openstack/service-token.ts';
import { checksFor } from '../../../src/wiring/doctor.ts';
import { expectOutcome, machine } from '../../support/doctor.ts';

const own: ServiceTokenFacts = {
	token: new Secret('t'),
	userId: 'u',
	projectId: 'p',
	roles: ['admin', 'service', 'member'],
	catalog: [
		{ type: 'container', name: 'zun', endpoints: [{ interface: 'public', region: 'one', url: 'http://s:9517/v1' }] },
		{ type: 'compute', name: 'nova', endpoints: [{ interface: 'internal', region: 'one', url: 'http://n/v2.1' }] },
	],
	since: 0,
	expiresAt: 3_600_000,
	skew: 300,
};
const session = (not: Partial<ServiceTokenFacts> = {}) => ({ own: async () => ({ ...own, ...not }) });
const refused = (status: number | null) => () => Promise.reject(new OpenStackError('the service says no', { service: 'compute', status }));

describe('checks of Keystone', () => {
	test('login', async () => {
		await expectOutcome(loginCheck(session(), 'http://k', 'zun'), 'ok', /zun logs in/);
		await expectOutcome(loginCheck({ own: refused(401) }, 'http://k', 'zun'), 'failed', /says no/, /openstack.authUrl/);
	});

	test('roles', async () => {
		await expectOutcome(rolesCheck(session(), 'zun', 'service'), 'ok', /admin and service/);
		await expectOutcome(
			rolesCheck(session({ roles: ['member'] }), 'zun', 'service'),
			'failed',
			/no role admin .*, service/,
			/role add --user zun/,
		);
	});

	test('validation of tokens', async () => {
		const token = { user: { id: 'u', name: 'u' }, project: null, roles: [], expiresAt: 1 };
		await expectOutcome(validationCheck(session(), { validate: async () => token }), 'ok', /may validate/);
		await expectOutcome(validationCheck(session(), { validate: async () => null }), 'failed', /own token/, /fernet/);
		await expectOutcome(validationCheck(session(), { validate: refused(403) }), 'failed', /says no/, /validate_token/);
	});

	test('clock', async () => {
		await expectOutcome(clockCheck(session()), 'ok', /0.3 s ahead/);
		await expectOutcome(clockCheck(session({ skew: -20_000 })), 'warning', /20.0 s behind/, /chrony/);
		await expectOutcome(clockCheck(session({ skew: 90_000 })), 'failed', /90.0 s ahead/, /chrony/);
		await expectOutcome(clockCheck(session({ skew: null })), 'warning', /does not say/, /chrony/);
	});

	test('catalog', async () => {
		await expectOutcome(catalogCheck(session(), null), 'ok', /9517/);
		await expectOutcome(catalogCheck(session(), 'two'), 'failed', /do not find/, /register/);
		await expectOutcome(catalogCheck(session({ catalog: [] }), null), 'failed', /do not find/, /register/);
		const wrong = [{ type: 'container', name: 'zun', endpoints: [{ interface: 'public', region: 'one', url: 'http://s:9517' }] }];
		await expectOutcome(catalogCheck(session({ catalog: wrong }), null), 'failed', /does not end with/, /register/);
	});

	test('endpoints', async () => {
		await expectOutcome(endpointCheck(session(), 'compute', 'nova', { interface: 'internal', region: 'one' }), 'ok', /v2.1/);
		const other = endpointCheck(session(), 'compute', 'nova', { interface: 'public', region: 'two' });
		await expectOutcome(other, 'failed', /no public endpoint in region two/, /openstack.interface/);
	});
});

describe('checks of Nova', () => {
	test('version and permission', async () => {
		const nova = { newestVersion: async () => '2.93', serversChangedSince: async () => [] };
		await expectOutcome(novaPermissionCheck(nova, Date.now), 'ok', /2.93/);
		await expectOutcome(novaPermissionCheck({ ...nova, newestVersion: async () => '2.60' }, Date.now), 'failed', /2.60/, /Train/);
		await expectOutcome(
			novaPermissionCheck({ ...nova, serversChangedSince: refused(403) }, Date.now),
			'failed',
			/may not see/,
			/role admin/,
		);
		await expectOutcome(novaPermissionCheck({ ...nova, newestVersion: refused(null) }, Date.now), 'failed', /says no/, /nova-api/);
	});

	test('the driver', async () => {
		const host = { hostname: 'h', type: 'zunbox', state: 'up', status: 'enabled' };
		const check = (hosts: readonly (typeof host)[], name: string | null = 'h') => hypervisorCheck({ hypervisors: async () => hosts }, name);
		await expectOutcome(check([host]), 'ok', /up on h/);
		await expectOutcome(check([host], null), 'ok', /up on h/);
		await expectOutcome(check([{ ...host, type: 'QEMU' }]), 'failed', /no compute host has/, /compute_driver/);
		await expectOutcome(check([host], 'other'), 'failed', /no compute host other .* h have it/, /must be the same/);
		await expectOutcome(check([{ ...host, state: 'down' }]), 'failed', /down on h/, /start nova-compute/);
		await expectOutcome(hypervisorCheck({ hypervisors: refused(403) }, null), 'failed', /may not see/, /role admin/);
	});

	test('flavors', async () => {
		const flavor = { id: 'f', name: 'f', vcpus: 1, memoryMib: 64, diskGib: 1, isPublic: true, extraSpecs: {} };
		await expectOutcome(flavorCheck({ flavors: async () => [flavor] }), 'ok', /1 that/);
		await expectOutcome(flavorCheck({ flavors: async () => [{ ...flavor, diskGib: 0 }] }), 'failed', /no public flavor/, /flavor create/);
	});
});

describe('checks of Neutron, Cinder and Glance', () => {
	test('the agent that wires ports', async () => {
		const agent = { id: 'a', type: 'Linux bridge agent', binary: 'neutron-linuxbridge-agent', host: 'h', alive: true, adminStateUp: true };
		const check = (agents: readonly (typeof agent)[]) => neutronAgentCheck({ agents: async () => agents }, 'h');
		await expectOutcome(check([agent]), 'ok', /Linux bridge agent on h/);
		await expectOutcome(check([{ ...agent, type: 'Open vSwitch agent' }]), 'ok', /Open vSwitch/);
		await expectOutcome(check([{ ...agent, alive: false }]), 'failed', /is down/, /start neutron-linuxbridge-agent/);
		await expectOutcome(check([{ ...agent, type: 'DHCP agent' }]), 'failed', /no agent/, /install/);
		await expectOutcome(check([{ ...agent, host: 'other' }]), 'failed', /no agent/, /setting hostname/);
		await expectOutcome(neutronAgentCheck({ agents: refused(403) }, 'h'), 'failed', /may not/, /role admin/);
	});

	test('permission', async () => {
		await expectOutcome(neutronPermissionCheck({ projectsWithQuotas: async () => [] }), 'ok', /every project/);
		await expectOutcome(neutronPermissionCheck({ projectsWithQuotas: refused(403) }), 'failed', /may not work/, /role admin/);
		await expectOutcome(neutronPermissionCheck({ projectsWithQuotas: refused(null) }), 'failed', /says no/, /neutron-server/);
	});

	test('volumes', async () => {
		const volume = { binary: 'cinder-volume', host: 'h', state: 'up' };
		await expectOutcome(cinderCheck({ services: async () => [volume] }), 'ok', /up on h/);
		await expectOutcome(
			cinderCheck({ services: async () => [{ ...volume, state: 'down' }] }),
			'failed',
			/down on h/,
			/start cinder-volume/,
		);
		await expectOutcome(cinderCheck({ services: async () => [] }), 'failed', /no cinder-volume/, /start/);
		await expectOutcome(cinderCheck({ services: refused(403) }), 'failed', /may not/, /role admin/);
	});

	test('the image that servers are made of', async () => {
		const image: GlanceImage = {
			...{ id: 'i', name: 'n', status: 'active', size: 1, containerFormat: 'docker', diskFormat: 'raw', visibility: 'public' },
			...{ owner: null, hash: null, updatedAt: null, tags: [] },
		};
		const check = (images: readonly GlanceImage[]) => serverImageCheck({ images: async () => images, image: async () => image }, 'n');
		await expectOutcome(check([image]), 'ok', /everybody/);
		await expectOutcome(check([]), 'failed', /no image n/, /register/);
		await expectOutcome(check([{ ...image, status: 'queued' }]), 'failed', /no image n/, /register/);
		await expectOutcome(check([image, image]), 'failed', /2 images/, /the id/);
		await expectOutcome(check([{ ...image, visibility: 'private' }]), 'warning', /is private/, /--public i/);
		const byId = serverImageCheck({ images: refused(500), image: refused(404) }, '12345678-1234-1234-1234-123456789012');
		await expectOutcome(byId, 'failed', /says no/, /compute.image/);
	});

	test('images', async () => {
		await expectOutcome(glanceCheck({ images: async () => [] }), 'ok', /0 with/);
		await expectOutcome(glanceCheck({ images: refused(null) }), 'failed', /says no/, /glance-api/);
	});
});

test('the list of checks is sound, alone and with a whole cloud', async () => {
	const alone = { ...defaultConfig(), driver: { name: 'fake', settings: {} } };
	const cloud = {
		...alone,
		identity: { ...alone.identity, provider: 'keystone' as const },
		compute: { ...alone.compute, provider: 'nova' as const },
		network: { ...alone.network, provider: 'neutron' as const },
		volumes: { ...alone.volumes, provider: 'cinder' as const },
		images: { ...alone.images, glance: true },
		openstack: { ...alone.openstack, authUrl: 'http://127.0.0.1:1/v3', password: 'pw' },
	};
	for (const config of [alone, cloud]) {
		const closing: (() => unknown)[] = [];
		const checks = await checksFor(config, machine(), closing);
		for (const close of closing) await close();
		const seen = new Set<string>();
		for (const { name, needs = [], advice } of checks) {
			assert.ok(!seen.has(name), `${name} is there twice`);
			for (const need of needs) assert.ok(seen.has(need), `${name} needs ${need}, which does not come before it`);
			assert.notEqual(advice, '');
			seen.add(name);
		}
		assert.equal(seen.has('keystone: login'), config === cloud);
		const withoutMachine = checks.filter(({ name }) => name.includes(': ') && !/^(kernel|disk|file)/.test(name));
		const results = await runChecks(withoutMachine, 5000, AbortSignal.abort(new Error('not asked')));
		assert.ok(results.every(({ outcome }) => outcome !== 'ok'));
	}
});
