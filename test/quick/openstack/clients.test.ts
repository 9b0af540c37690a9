import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { text } from 'node:stream/consumers';
import { describe, type TestContext, test } from 'node:test';
import { Secret } from '../../../src/model/secret.ts';
import { CinderClient } from '../../../src/openstack/cinder.ts';
import { hasStatus, OpenStackError } from '../../../src/openstack/errors.ts';
import { GlanceClient, type GlanceImage } from '../../../src/openstack/glance.ts';
import { NeutronClient } from '../../../src/openstack/neutron.ts';
import { NovaClient } from '../../../src/openstack/nova.ts';
import { asService, type Caller } from '../../../src/openstack/session.ts';
import { type Script, ScriptedCloud } from '../../support/openstack/scripted-cloud.ts';

const signal = new AbortController().signal;
const user: Caller = { type: 'user', token: new Secret('user-token'), projectId: 'user-project' };

async function world(t: TestContext) {
	const cloud = await new ScriptedCloud().start();
	const session = cloud.session();
	t.after(async () => {
		session.close();
		await cloud.stop();
	});
	const clients = {
		nova: new NovaClient(session),
		neutron: new NeutronClient(session),
		cinder: new CinderClient(session),
		glance: new GlanceClient(session),
	};
	return { cloud, ...clients };
}

const answer =
	(body: unknown, status = 200): Script =>
	() => ({ status, body });

const serverBody = {
	id: 's1',
	name: 'web',
	tenant_id: 'p1',
	user_id: 'u1',
	status: 'ERROR',
	'OS-EXT-STS:task_state': null,
	'OS-EXT-STS:vm_state': 'error',
	'OS-EXT-SRV-ATTR:host': '',
	'OS-EXT-AZ:availability_zone': 'nova',
	metadata: { zunbox_sandbox: 'b1' },
	tags: ['zunbox-b1'],
	fault: { code: 500, message: 'No valid host was found.', created: '2030-01-01T00:00:00Z' },
	updated: '2030-01-01T00:00:01Z',
	'os-extended-volumes:volumes_attached': [{ id: 'v1', delete_on_termination: true }],
};

describe('Nova', () => {
	test('a server is made with its ports, volumes, tags, metadata, zone, hints and host name', async (t) => {
		const { cloud, nova } = await world(t);
		cloud.scripts['compute'] = ({ method }) =>
			method === 'GET' ? { status: 200, body: { version: { version: '2.93' } } } : { status: 202, body: { server: { id: 's1' } } };
		const server = {
			name: 'web',
			hostname: 'inside',
			flavorId: 'f1',
			imageId: 'i1',
			portIds: ['p1', 'p2'],
			volumes: [{ volumeId: 'v1', deleteWithServer: true }],
			metadata: { zunbox_sandbox: 'b1' },
			tags: ['zunbox-b1'],
			availabilityZone: 'az:host',
			schedulerHints: { group: 'g' },
		};
		assert.equal(await nova.createServer(user, server, signal), 's1');
		const [, made] = cloud.asked('compute');
		assert.equal(made?.headers['openstack-api-version'], 'compute 2.90');
		assert.equal(made.headers['x-auth-token'], 'user-token');
		assert.deepEqual(made.body, {
			server: {
				name: 'web',
				flavorRef: 'f1',
				imageRef: 'i1',
				networks: [{ port: 'p1' }, { port: 'p2' }],
				block_device_mapping_v2: [
					{ uuid: 'i1', source_type: 'image', destination_type: 'local', boot_index: 0, delete_on_termination: true },
					{ uuid: 'v1', source_type: 'volume', destination_type: 'volume', boot_index: -1, delete_on_termination: true },
				],
				metadata: { zunbox_sandbox: 'b1' },
				tags: ['zunbox-b1'],
				availability_zone: 'az:host',
				hostname: 'inside',
			},
			'os:scheduler_hints': { group: 'g' },
		});
	});

	test('an older Nova gets no host name, and is asked once what it knows', async (t) => {
		const { cloud, nova } = await world(t);
		cloud.scripts['compute'] = ({ method }) =>
			method === 'GET' ? { status: 200, body: { version: { version: '2.79' } } } : { status: 202, body: { server: { id: 's1' } } };
		const server = { name: 'web', hostname: 'inside', flavorId: 'f', imageId: 'i', portIds: [], metadata: {}, tags: [] };
		await nova.createServer(user, server, signal);
		await nova.createServer(user, server, signal);
		const posts = cloud.asked('compute').filter(({ method }) => method === 'POST');
		assert.equal(cloud.asked('compute').length, 3);
		assert.ok(posts.every(({ headers }) => headers['openstack-api-version'] === 'compute 2.79'));
		assert.ok(posts.every(({ text: sent }) => !sent.includes('inside') && sent.includes('"networks":"none"')));
	});

	test('what a server is, its fault included', async (t) => {
		const { cloud, nova } = await world(t);
		cloud.scripts['compute'] = answer({ server: serverBody });
		assert.deepEqual(await nova.server(asService, 's1', signal), {
			id: 's1',
			name: 'web',
			projectId: 'p1',
			userId: 'u1',
			status: 'ERROR',
			taskState: null,
			vmState: 'error',
			host: null,
			availabilityZone: 'nova',
			metadata: { zunbox_sandbox: 'b1' },
			tags: ['zunbox-b1'],
			fault: 'No valid host was found.',
			updatedAt: Date.UTC(2030, 0, 1, 0, 0, 1),
			volumeIds: ['v1'],
		});
	});

	test('lists are read page by page, of every project for the service user', async (t) => {
		const { cloud, nova } = await world(t);
		cloud.scripts['compute'] = ({ query }) => {
			const first = query.get('marker') === null;
			return { status: 200, body: { servers: [{ ...serverBody, id: first ? 'a' : 'b' }], ...(first ? { servers_links: [{}] } : {}) } };
		};
		const found = await nova.serversChangedSince(Date.UTC(2030, 0, 1), signal);
		assert.deepEqual(
			found.map(({ id }) => id),
			['a', 'b'],
		);
		const [asked, next] = cloud.asked('compute');
		assert.equal(asked?.query.get('all_tenants'), 'true');
		assert.equal(asked.query.get('changes-since'), '2030-01-01T00:00:00.000Z');
		assert.equal(next?.query.get('marker'), 'a');
	});

	test('what is gone already is no error to who takes it away; actions on it are', async (t) => {
		const { cloud, nova } = await world(t);
		cloud.scripts['compute'] = answer({ itemNotFound: { code: 404, message: 'Instance s1 could not be found.' } }, 404);
		assert.equal(await nova.deleteServer(asService, 's1', signal), false);
		assert.equal(await nova.detachInterface(asService, 's1', 'p1', signal), false);
		assert.equal(await nova.detachVolume(asService, 's1', 'v1', signal), false);
		await assert.rejects(
			nova.action(asService, 's1', 'stop', signal),
			(error) => hasStatus(error, 404) && /Instance s1/.test(String(error)),
		);
	});

	test('an answer of another shape is told with its place', async (t) => {
		const { cloud, nova } = await world(t);
		for (const [body, message] of [
			[{ server: { ...serverBody, status: 7 } }, /answer.server.status is no text/],
			[{}, /answer.server is no object/],
			[[], /answer is no object/],
		] as const) {
			cloud.scripts['compute'] = answer(body);
			await assert.rejects(nova.server(asService, 's1', signal), (error) => error instanceof OpenStackError && message.test(error.message));
		}
	});
});

describe('Neutron', () => {
	test('a port is made with what is given, and nothing else', async (t) => {
		const { cloud, neutron } = await world(t);
		cloud.scripts['network'] = ({ body }) => {
			const { port } = Object(body);
			return {
				status: 201,
				body: { port: { id: 'p1', tenant_id: 'x', mac_address: 'fa', status: 'DOWN', admin_state_up: true, ...port } },
			};
		};
		const port = await neutron.createPort(
			user,
			{ networkId: 'n1', name: 'a', fixedIps: [{ subnetId: 's1', address: '10.0.0.9' }], securityGroupIds: [] },
			signal,
		);
		assert.deepEqual(cloud.asked('network')[0]?.body, {
			port: { network_id: 'n1', name: 'a', fixed_ips: [{ subnet_id: 's1', ip_address: '10.0.0.9' }], security_groups: [] },
		});
		assert.equal(cloud.asked('network')[0]?.path, '/v2.0/ports');
		assert.deepEqual([port.projectId, port.fixedIps, port.bindingHost], ['x', [{ subnetId: 's1', address: '10.0.0.9' }], null]);
	});

	test('a quota that is used up is a 409 with its text', async (t) => {
		const { cloud, neutron } = await world(t);
		const message = "Quota exceeded for resources: ['port'].";
		cloud.scripts['network'] = answer({ NeutronError: { type: 'OverQuota', message, detail: '' } }, 409);
		await assert.rejects(
			neutron.createPort(user, { networkId: 'n' }, signal),
			(error) => hasStatus(error, 409) && String(error).includes(message),
		);
	});

	test('lists take the service’s own filters', async (t) => {
		const { cloud, neutron } = await world(t);
		cloud.scripts['network'] = answer({ security_groups: [{ id: 'g', project_id: 'p', security_group_rules: [] }] });
		const [group] = await neutron.securityGroups(user, { name: 'web', id: ['a', 'b'] }, signal);
		assert.equal(group?.id, 'g');
		assert.equal(cloud.asked('network')[0]?.path, '/v2.0/security-groups');
		assert.equal(cloud.asked('network')[0]?.query.toString(), 'name=web&id=a&id=b');
	});
});

describe('Cinder', () => {
	test('volumes are found by metadata, in the form that Cinder reads', async (t) => {
		const { cloud, cinder } = await world(t);
		cloud.scripts['volume'] = answer({ volumes: [{ id: 'v', size: 1, status: 'available', multiattach: 'False' }] });
		const [volume] = await cinder.volumes(asService, { metadata: { zunbox_sandbox: 'b1' } }, signal);
		assert.deepEqual([volume?.id, volume?.multiattach, volume?.projectId], ['v', false, null]);
		assert.equal(cloud.asked('volume')[0]?.query.get('metadata'), "{'zunbox_sandbox':'b1'}");
		assert.equal(cloud.asked('volume')[0]?.query.get('all_tenants'), 'true');
		await cinder.volumes(user, {}, signal);
		assert.equal(cloud.asked('volume')[1]?.query.get('all_tenants'), null);
	});
});

describe('Glance', () => {
	const data = 'the image';
	const image = (changes: Partial<GlanceImage> = {}): GlanceImage => ({
		...{ id: 'i', name: 'n', status: 'active', size: data.length, containerFormat: 'docker', diskFormat: 'raw', visibility: 'private' },
		...{ owner: null, hash: { algorithm: 'sha512', value: createHash('sha512').update(data).digest('hex') }, updatedAt: null, tags: [] },
		...changes,
	});

	test('a download is checked: its hash, its length, and that it is there', async (t) => {
		const { cloud, glance } = await world(t);
		cloud.scripts['image'] = () => ({ status: 200, text: data });
		assert.equal(await text(await glance.download(user, image(), signal)), data);
		assert.equal(await text(await glance.download(user, image({ hash: null, size: null }), signal)), data);
		for (const wrong of [image({ hash: { algorithm: 'sha512', value: '00' } }), image({ hash: null, size: 3 })]) {
			await assert.rejects(text(await glance.download(user, wrong, signal)), /is not what its checksum says/);
		}
		cloud.scripts['image'] = () => ({ status: 204 });
		await assert.rejects(glance.download(user, image(), signal), /has no data/);
	});

	test('an image in Glance’s words', async (t) => {
		const { cloud, glance } = await world(t);
		cloud.scripts['image'] = answer({
			id: 'i',
			name: 'n',
			status: 'queued',
			size: null,
			checksum: 'abc',
			visibility: 'shared',
			owner: 'p',
		});
		const found = await glance.image(user, 'i', signal);
		assert.deepEqual([found.size, found.hash, found.owner], [null, { algorithm: 'md5', value: 'abc' }, 'p']);
		cloud.scripts['image'] = answer({ id: 'i', status: 'active', os_hash_algo: 'sha512', os_hash_value: 'def', checksum: 'abc' });
		assert.deepEqual((await glance.image(user, 'i', signal)).hash, { algorithm: 'sha512', value: 'def' });
	});
});
