/** The clients of OpenStack's services, each against the service itself. */
import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { Secret } from '../../src/model/secret.ts';
import { CinderClient } from '../../src/openstack/cinder.ts';
import { hasStatus, OpenStackError } from '../../src/openstack/errors.ts';
import { GlanceClient } from '../../src/openstack/glance.ts';
import { KeystoneClient } from '../../src/openstack/keystone.ts';
import { NeutronClient } from '../../src/openstack/neutron.ts';
import { NovaClient } from '../../src/openstack/nova.ts';
import { asService, type Caller, Session } from '../../src/openstack/session.ts';
import { eventually } from '../support/eventually.ts';
import { Account } from './cloud/account.ts';
import { imageName } from './cloud/catalog.ts';
import { password, region, urls } from './cloud/settings.ts';
import { makeNetwork } from './support/networks.ts';

const signal = AbortSignal.timeout(300_000);

describe('clients of the services', () => {
	const alpha = new Account('alpha', 'alpha');
	const admin = new Account('admin', 'admin');
	let session: Session;
	/** A member of alpha, with a token of its own. */
	let user: Caller;

	before(async () => {
		const names = { userDomainName: 'Default', projectName: 'service', projectDomainName: 'Default' };
		const credentials = { authUrl: urls.keystone, username: 'zun', password: new Secret(password), ...names };
		session = new Session({ credentials, interface: 'internal', region });
		user = { type: 'user', token: new Secret(await alpha.newToken()), projectId: await alpha.projectId() };
	});
	after(() => session.close());

	test('Keystone: whose a token is, and that a revoked or invented one is nobody’s', async () => {
		const keystone = new KeystoneClient(session);
		const token = await alpha.newToken();
		const told = await keystone.validate(token, signal);
		assert.deepEqual(
			{ user: told?.user.name, project: told?.project, roles: [...(told?.roles ?? [])].sort() },
			{ user: 'alpha', project: { id: await alpha.projectId(), name: 'alpha' }, roles: ['member', 'reader'] },
		);
		assert.ok((told?.expiresAt ?? 0) > Date.now());
		await fetch(`${urls.keystone}/auth/tokens`, { method: 'DELETE', headers: { 'x-auth-token': token, 'x-subject-token': token } });
		await eventually('the token is revoked', async () => (await keystone.validate(token, signal)) === null);
		assert.equal(await keystone.validate(randomBytes(120).toString('base64url'), signal), null);
	});

	test('Keystone: a wrong password and a service that the catalog has not are told clearly', async () => {
		const names = { userDomainName: 'Default', projectName: 'service', projectDomainName: 'Default' };
		const credentials = { authUrl: urls.keystone, username: 'zun', password: new Secret('wrong'), ...names };
		const wrong = new Session({ credentials, interface: 'internal', region });
		await assert.rejects(wrong.own(signal), (error) => hasStatus(error, 401) && !String(error).includes('wrong'));
		wrong.close();
		const right = { ...credentials, password: new Secret(password) };
		const elsewhere = new Session({ credentials: right, interface: 'internal', region: 'Elsewhere' });
		await assert.rejects(elsewhere.endpoint('compute', signal), /has no internal endpoint of the compute service in region Elsewhere/);
		elsewhere.close();
	});

	test('Neutron: networks and ports are those of the user; a port is found by its name; groups and rules', async (t) => {
		const neutron = new NeutronClient(session);
		const network = await makeNetwork(t, alpha, '10.61.0.0/24');
		assert.equal((await neutron.network(user, network.id, signal)).name, network.name);
		const group = await neutron.createSecurityGroup(user, { name: `group-${randomUUID()}` }, signal);
		t.after(() => neutron.deleteSecurityGroup(user, group.id, signal));
		const rule = await neutron.createRule(
			user,
			{ securityGroupId: group.id, direction: 'ingress', ethertype: 'IPv4', protocol: 'icmp' },
			signal,
		);
		assert.deepEqual((await neutron.securityGroup(user, group.id, signal)).rules.map(({ id }) => id).includes(rule.id), true);

		const name = `zunbox-${randomUUID()}-0`;
		const asked = { networkId: network.id, name, fixedIps: [{ address: '10.61.0.77' }], securityGroupIds: [group.id] };
		const port = await neutron.createPort(user, asked, signal);
		t.after(() => neutron.deletePort(asService, port.id, signal));
		const [found, ...others] = await neutron.ports(asService, { name }, signal);
		assert.deepEqual([found?.id, others.length], [port.id, 0]);
		assert.deepEqual(
			found?.fixedIps.map(({ address }) => address),
			['10.61.0.77'],
		);
		assert.equal(found?.projectId, await alpha.projectId());
		await assert.rejects(neutron.createPort(user, { ...asked, name: 'taken' }, signal), (error) => hasStatus(error, 409));
		const beta = new Account('beta', 'beta');
		const other: Caller = { type: 'user', token: new Secret(await beta.token()), projectId: await beta.projectId() };
		await assert.rejects(neutron.port(other, port.id, signal), (error) => hasStatus(error, 404));
		assert.equal(await neutron.deletePort(user, port.id, signal), true);
		assert.equal(await neutron.deletePort(user, port.id, signal), false);
	});

	test('Cinder: a volume is found by its metadata, and gone after it is deleted', async (t) => {
		const cinder = new CinderClient(session);
		const metadata = { zunbox_test: randomUUID() };
		const volume = await cinder.createVolume(user, { size: 1, name: 'found again', metadata }, signal);
		t.after(() => cinder.deleteVolume(asService, volume.id, signal).catch(() => false));
		await eventually('it is available', async () => (await cinder.volume(user, volume.id, signal)).status === 'available');
		assert.deepEqual(
			(await cinder.volumes(asService, { metadata }, signal)).map(({ id }) => id),
			[volume.id],
		);
		assert.deepEqual(
			(await cinder.volumes(user, { name: 'found again' }, signal)).map(({ id }) => id),
			[volume.id],
		);
		assert.equal(await cinder.deleteVolume(asService, volume.id, signal), true);
		await eventually('it is gone', async () => hasStatus(await cinder.volume(user, volume.id, signal).catch((error) => error), 404));
		assert.equal(await cinder.deleteVolume(user, volume.id, signal), false);
	});

	test('Glance: what is put is got, checked by its hash', async (t) => {
		const glance = new GlanceClient(session);
		const name = `image-${randomUUID()}`;
		const image = await glance.createImage(user, { name, containerFormat: 'docker', diskFormat: 'raw' }, signal);
		t.after(() => glance.deleteImage(user, image.id, signal));
		await assert.rejects(glance.download(user, image, signal), OpenStackError);
		const data = randomBytes(3 << 20);
		await glance.upload(user, image.id, Readable.from([data.subarray(0, 1000), data.subarray(1000)]), signal);
		const [found] = await glance.images(user, { name }, signal);
		assert.equal(found?.status, 'active');
		assert.equal(found?.size, data.length);
		assert.ok(data.equals(await buffer(await glance.download(user, found, signal))));
		assert.equal(await glance.deleteImage(user, image.id, signal), true);
	});

	test('Nova: flavors, hosts, refusals in its own words; the server that has a tag', async () => {
		const nova = new NovaClient(session);
		const flavors = await nova.flavors(user, signal);
		const tiny = flavors.find(({ name }) => name === 'tiny');
		assert.deepEqual([tiny?.vcpus, tiny?.memoryMib, tiny?.diskGib], [1, 64, 1]);
		assert.deepEqual(await nova.serversByTag(asService, `zunbox-${randomUUID()}`, signal), []);
		const images = await admin.list('glance', `GET /v2/images?name=${imageName}`, 'images');
		const wanted = { name: 'none', imageId: String(images[0]?.['id']), portIds: [randomUUID()], metadata: {}, tags: [] };
		await assert.rejects(
			nova.createServer(user, { ...wanted, flavorId: tiny?.id ?? '' }, signal),
			(error) => error instanceof OpenStackError && /Port .* could not be found/.test(error.message),
		);
		await assert.rejects(nova.server(user, randomUUID(), signal), (error) => hasStatus(error, 404));
		assert.equal(await nova.deleteServer(asService, randomUUID(), signal), false);
	});

	test('a server that cannot be placed says why, and changes are listed since a moment', async (t) => {
		const nova = new NovaClient(session);
		const giant = (await nova.flavors(user, signal)).find(({ name }) => name === 'giant');
		const [image] = await admin.list('glance', `GET /v2/images?name=${imageName}`, 'images');
		const before = Date.now() - 1000;
		const tag = `zunbox-${randomUUID()}`;
		const wanted = {
			name: 'unplaceable',
			imageId: String(image?.['id']),
			flavorId: giant?.id ?? '',
			portIds: [],
			metadata: { zunbox_sandbox: tag },
		};
		const id = await nova.createServer(user, { ...wanted, tags: [tag] }, signal);
		t.after(() => nova.deleteServer(asService, id, signal));
		const server = await eventually(
			'it has failed',
			async () => {
				const looked = await nova.server(asService, id, signal);
				return looked.status === 'ERROR' ? looked : null;
			},
			{ timeout: 60_000 },
		);
		assert.match(server.fault ?? '', /No valid host/);
		assert.deepEqual(server.metadata, { zunbox_sandbox: tag });
		assert.equal(server.projectId, await alpha.projectId());
		assert.deepEqual(
			(await nova.serversByTag(asService, tag, signal)).map((found) => found.id),
			[id],
		);
		assert.ok((await nova.serversChangedSince(before, signal)).some((changed) => changed.id === id));
		await nova.deleteServer(asService, id, signal);
		await eventually('it is told as deleted', async () =>
			(await nova.serversChangedSince(before, signal)).some((changed) => changed.id === id && changed.status === 'DELETED'),
		);
	});
});
