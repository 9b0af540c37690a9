/** What the providers on OpenStack ask of Nova and Neutron, in whose name, and how they take the answers. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, type TestContext, test } from 'node:test';
import type { Principal } from '../../../src/model/principal.ts';
import { Secret } from '../../../src/model/secret.ts';
import { GlanceClient } from '../../../src/openstack/glance.ts';
import { NeutronClient } from '../../../src/openstack/neutron.ts';
import { NovaClient } from '../../../src/openstack/nova.ts';
import { NovaCompute } from '../../../src/providers/compute/nova/nova-compute.ts';
import { NeutronPorts } from '../../../src/providers/network/neutron/neutron-ports.ts';
import { NeutronResolver } from '../../../src/providers/network/neutron/neutron-resolver.ts';
import { principal } from '../../support/control.ts';
import { type Heard, ScriptedCloud } from '../../support/openstack/scripted-cloud.ts';

const user = { token: new Secret('token-of-ann'), projectId: 'project-of-ann' };
const ann: Principal = { ...principal('project-of-ann'), token: user.token };
const signal = () => AbortSignal.timeout(20_000);

async function cloud(t: TestContext) {
	const scripted = await new ScriptedCloud().start();
	const session = scripted.session();
	t.after(async () => {
		session.close();
		await scripted.stop();
	});
	const neutron = new NeutronClient(session);
	return {
		scripted,
		nova: new NovaCompute({ nova: new NovaClient(session), glance: new GlanceClient(session), image: 'sandbox' }),
		ports: new NeutronPorts(neutron),
		resolver: new NeutronResolver(neutron),
	};
}

function server(change: object = {}) {
	return { id: 'server-1', name: 'web', tenant_id: 'project-of-ann', status: 'ACTIVE', metadata: {}, tags: [], ...change };
}

const askedBy = (heard: Heard | undefined) => heard?.headers['x-auth-token'];

describe('Nova', () => {
	test('servers are made in the user’s name, and can be found again', async (t) => {
		const { scripted, nova } = await cloud(t);
		scripted.scripts['compute'] = ({ method }) =>
			method === 'POST' ? { status: 202, body: { server: { id: 'server-1' } } } : { status: 200, body: { servers: [server()] } };
		const order = {
			sandboxId: 'sandbox-1',
			name: 'web',
			flavorId: 'f',
			imageId: 'i',
			availabilityZone: 'zone:host',
			hints: { group: 'g' },
			portIds: ['p1', 'p2'],
			volumeIds: [],
			volumes: [],
			requestId: 'req-1',
		};
		assert.equal(await nova.create(order, user, signal()), 'server-1');
		const [asked] = scripted.asked('compute').filter(({ method }) => method === 'POST');
		assert.equal(askedBy(asked), 'token-of-ann');
		assert.ok(asked?.headers['x-service-token']);
		const body = JSON.parse(asked?.text ?? '');
		assert.deepEqual(body['os:scheduler_hints'], { group: 'g' });
		assert.deepEqual(body.server.networks, [{ port: 'p1' }, { port: 'p2' }]);
		assert.deepEqual(
			[body.server.metadata, body.server.tags, body.server.availability_zone],
			[{ zunbox_sandbox: 'sandbox-1' }, ['zunbox-sandbox-1'], 'zone:host'],
		);
		const [found] = await nova.find('sandbox-1', signal());
		assert.equal(found?.serverId, 'server-1');
		const looked = scripted.asked('compute').at(-1);
		assert.deepEqual([looked?.query.get('tags'), looked?.query.get('all_tenants')], ['zunbox-sandbox-1', 'true']);
		assert.notEqual(askedBy(looked), 'token-of-ann');
	});

	test('a server’s state, and whether something is being done to it', async (t) => {
		const { scripted, nova } = await cloud(t);
		const seen = async (change: object) => {
			scripted.scripts['compute'] = () => ({ status: 200, body: { server: server(change) } });
			const view = await nova.server('server-1', signal());
			return [view?.state, view?.busy, view?.fault];
		};
		assert.deepEqual(await seen({}), ['running', false, null]);
		assert.deepEqual(await seen({ status: 'BUILD', 'OS-EXT-STS:task_state': 'spawning' }), ['building', true, null]);
		assert.deepEqual(await seen({ status: 'SHUTOFF', 'OS-EXT-STS:task_state': 'powering-on' }), ['stopped', true, null]);
		assert.deepEqual(await seen({ status: 'ERROR', fault: { message: 'No valid host was found.' } }), [
			'error',
			false,
			'No valid host was found.',
		]);
		assert.deepEqual(await seen({ status: 'SUSPENDED' }), ['other', false, null]);
		assert.deepEqual(await seen({ status: 'DELETED' }), ['gone', false, null]);
		scripted.scripts['compute'] = () => ({ status: 404, body: { itemNotFound: { message: 'Instance could not be found.' } } });
		assert.equal(await nova.server('server-1', signal()), null);
		await nova.remove('server-1', false, signal());
	});

	test('what it refuses is told by kind, in its own words', async (t) => {
		const { scripted, nova } = await cloud(t);
		const failure = async (status: number, call: () => Promise<unknown>) => {
			scripted.scripts['compute'] = () => ({ status, body: { error: { message: `said ${status}` } } });
			return await call().then(
				() => 'nothing',
				(error: Error & { failure?: string }) => `${error.failure}: ${error.message}`,
			);
		};
		const act = () => nova.act('server-1', 'stop', signal());
		const order = {
			sandboxId: 's',
			name: 'n',
			flavorId: 'f',
			imageId: 'i',
			availabilityZone: null,
			hints: {},
			portIds: [],
			volumeIds: [],
			volumes: [],
			requestId: 'r',
		};
		const create = () => nova.create(order, user, signal());
		assert.equal(await failure(403, create), 'refused: compute service: said 403');
		assert.equal(await failure(409, create), 'refused: compute service: said 409');
		assert.equal(await failure(401, create), 'unauthorized: compute service: said 401');
		assert.equal(await failure(409, act), 'conflict: compute service: said 409');
		assert.equal(await failure(404, act), 'not-found: compute service: said 404');
		assert.match(await failure(503, act), /^unavailable/);
	});

	test('flavors and the image are found before anything is made', async (t) => {
		const { scripted, nova } = await cloud(t);
		const flavor = (name: string, ram: number) => ({ id: `id-${name}`, name, vcpus: 1, ram, disk: 1, 'os-flavor-access:is_public': true });
		scripted.scripts['compute'] = () => ({ status: 200, body: { flavors: [flavor('big', 4096), flavor('small', 512)] } });
		let images: object[] = [{ id: 'image-1', name: 'sandbox', status: 'active', visibility: 'public' }];
		scripted.scripts['image'] = () => ({ status: 200, body: { images } });
		const wish = { cpu: 1, memoryMib: 512, diskGib: 0, flavor: null };
		assert.deepEqual(await nova.choose(ann, wish, signal()), {
			flavorId: 'id-small',
			imageId: 'image-1',
			vcpus: 1,
			memoryMib: 512,
			diskGib: 1,
		});
		assert.equal(askedBy(scripted.asked('compute')[0]), 'token-of-ann');
		images = [];
		assert.equal((await nova.choose(ann, wish, signal())).imageId, 'image-1', 'it is not looked for each time');
	});
});

describe('Neutron', () => {
	test('a port is made in the user’s name, with an address of each family, and found by its name', async (t) => {
		const { scripted, ports } = await cloud(t);
		const port = {
			id: 'p',
			name: 'zunbox-s-0',
			network_id: 'n',
			project_id: user.projectId,
			mac_address: 'fa:16:3e:00:00:01',
			fixed_ips: [],
			security_groups: ['g'],
		};
		scripted.scripts['network'] = ({ method, path }) => {
			if (path.endsWith('/subnets'))
				return { status: 200, body: { subnets: [subnet('four', '10.0.0.0/24', 4), subnet('six', 'fd00::/64', 6)] } };
			return method === 'POST' ? { status: 201, body: { port } } : { status: 200, body: { ports: [port] } };
		};
		const order = {
			sandboxId: 's',
			position: 0,
			projectId: user.projectId,
			networkId: 'n',
			addresses: ['10.0.0.9'],
			macAddress: null,
			groupIds: ['g'],
			requestId: 'r',
		};
		const made = await ports.create(order, user, signal());
		assert.deepEqual([made.portId, made.groupIds], ['p', ['g']]);
		const [asked] = scripted.asked('network').filter(({ method }) => method === 'POST');
		assert.equal(askedBy(asked), 'token-of-ann');
		assert.deepEqual(JSON.parse(asked?.text ?? '').port.fixed_ips, [{ ip_address: '10.0.0.9' }, { subnet_id: 'six' }]);
		await ports.find(user.projectId, 's', 0, signal());
		const looked = scripted.asked('network').at(-1);
		assert.deepEqual([looked?.query.get('name'), looked?.query.get('project_id')], ['zunbox-s-0', user.projectId]);
	});

	test('the group of exposed ports is made once, with its rules; a rule that is there is no error, a quota is', async (t) => {
		const { scripted, ports } = await cloud(t);
		let conflict = 'SecurityGroupRuleExists: Security group rule already exists. Rule id is x.';
		scripted.scripts['network'] = ({ method, path }) => {
			if (path.endsWith('-rules')) return { status: 409, body: { NeutronError: { message: conflict } } };
			const group = { id: 'g', name: 'zunbox-c', project_id: user.projectId };
			return method === 'POST' ? { status: 201, body: { security_group: group } } : { status: 200, body: { security_groups: [group] } };
		};
		const order = { containerId: 'c', projectId: user.projectId, ports: [{ port: 80, protocol: 'tcp' }] };
		assert.equal(await ports.ensureExposing(order, signal()), 'g');
		const posts = scripted.asked('network').filter(({ method }) => method === 'POST');
		assert.deepEqual(
			posts.map(({ text }) => JSON.parse(text).security_group_rule.ethertype),
			['IPv4', 'IPv6'],
		);
		conflict = "Quota exceeded for resources: ['security_group_rule'].";
		await assert.rejects(ports.ensureExposing(order, signal()), /Quota exceeded/);
	});

	test('what users name is looked up with their tokens, their own first', async (t) => {
		const { scripted, resolver } = await cloud(t);
		const [own, shared, theirPort, busyPort] = [randomUUID(), randomUUID(), randomUUID(), randomUUID()];
		const networks = [network(own, 'lan', 'project-of-ann'), network(shared, 'lan', 'project-of-bob')];
		const port = (id: string, project: string, device: string) => ({
			id,
			name: id,
			network_id: own,
			project_id: project,
			device_id: device,
			security_groups: ['g'],
		});
		const portsOf = [port(theirPort, 'project-of-bob', ''), port(busyPort, 'project-of-ann', 'server-9')];
		const groups = [
			{ id: 'default-of-ann', name: 'default', project_id: 'project-of-ann' },
			{ id: 'default-of-bob', name: 'default', project_id: 'project-of-bob' },
		];
		const matching = (all: readonly { id: string; name: string }[], query: URLSearchParams) =>
			all.filter(({ id, name }) => [null, id].includes(query.get('id')) && [null, name].includes(query.get('name')));
		scripted.scripts['network'] = ({ path, query }) => {
			if (path.endsWith('/security-groups')) return { status: 200, body: { security_groups: matching(groups, query) } };
			if (path.endsWith('/ports')) return { status: 200, body: { ports: matching(portsOf, query) } };
			if (path.endsWith('/subnets')) return { status: 200, body: { subnets: [subnet('four', '10.0.0.0/24', 4)] } };
			if (path.includes('/networks/')) return { status: 200, body: { network: networks[0] } };
			return { status: 200, body: { networks: matching(networks, query) } };
		};
		const found = await resolver.nets(ann, [{ network: 'lan', v4FixedIp: '10.0.0.7' }], null, signal());
		assert.deepEqual(found.securityGroups, ['default-of-ann']);
		assert.deepEqual(found.nets[0]?.resolved, { networkId: own, portSecurity: true, port: null });
		assert.ok(scripted.asked('network').every((heard) => askedBy(heard) === 'token-of-ann'));
		const refused = (net: object) => resolver.nets(ann, [net], [], signal());
		await assert.rejects(refused({ network: 'nowhere' }), { code: 'network-not-found' });
		await assert.rejects(refused({ network: 'lan', v4FixedIp: '10.9.9.9' }), /in no subnet/);
		await assert.rejects(refused({ port: theirPort }), { code: 'port-not-usable' });
		await assert.rejects(refused({ port: busyPort }), { code: 'port-in-use' });
		await assert.rejects(resolver.securityGroup(ann, 'nothing', signal()), { code: 'security-group-not-found' });
	});
});

function network(id: string, name: string, project: string) {
	return {
		id,
		name,
		project_id: project,
		shared: project !== 'project-of-ann',
		subnets: ['four'],
		admin_state_up: true,
		port_security_enabled: true,
	};
}

function subnet(id: string, cidr: string, version: number) {
	return { id, name: id, network_id: 'n', project_id: 'p', cidr, ip_version: version, enable_dhcp: true };
}
