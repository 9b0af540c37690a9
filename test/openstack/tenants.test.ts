/** Two projects neither see nor reach each other; within one, security groups decide, also towards servers of Nova alone. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { eventually } from '../support/eventually.ts';
import { type Fields, fieldsIn, listIn } from './cloud/account.ts';
import { imageName } from './cloud/catalog.ts';
import { allow, forbid, makeGroup } from './support/groups.ts';
import { addressesOf, inNetworkOf, passes, pings, portsOf, serverOf } from './support/looks.ts';
import { makeNetwork, type TestNetwork } from './support/networks.ts';
import type { Tenant } from './support/tenant.ts';
import { CloudWorld } from './support/world.ts';

interface Reachable {
	readonly id: unknown;
	readonly address: string;
}

/** The newest that has the commands for security groups. */
const oldVersion = ['--os-container-api-version', '1.14', 'appcontainer'];

describe('tenants and security groups', () => {
	let world: CloudWorld;
	let network: TestNetwork;
	const endings: (() => unknown)[] = [];
	const lifetime = { after: (ending: () => unknown) => endings.push(ending) };

	before(async () => {
		world = await CloudWorld.start();
		network = await makeNetwork(lifetime, world.alpha.account, '10.81.0.0/24');
	});
	after(async () => {
		await world.remove();
		for (const ending of endings) await ending();
	});

	async function sandbox(tenant: Tenant, fields: Fields): Promise<Reachable> {
		const made = await tenant.sandbox(fields);
		const server = await serverOf(world.admin.account, made['uuid']);
		const [port] = await portsOf(world.admin.account, server['id']);
		const [address] = port === undefined ? [] : addressesOf(port);
		assert.ok(address !== undefined);
		return { id: made['uuid'], address };
	}

	/** Whether a connection to the web server there is made within a second. */
	async function connects(from: Reachable, address: string): Promise<boolean> {
		const script = 'exec 3<>"/dev/tcp/$1/80"';
		return await inNetworkOf(world, from.id, 'timeout', '1', 'bash', '-c', script, 'bash', address).then(
			() => true,
			() => false,
		);
	}

	test('within a network what comes in is what the groups of the port allow, from the moment that they do', async (t) => {
		const { alpha } = world;
		const group = await makeGroup(t, alpha.account);
		const [one, two] = await Promise.all(
			['one', 'two'].map((name) => sandbox(alpha, { name, nets: [{ network: network.id }], security_groups: [group.name] })),
		);
		assert.ok(one !== undefined && two !== undefined);
		t.after(() => world.clear());
		await alpha.container({ name: 'web', sandbox: 'two', command: ['httpd', '-f', '-p', '80', '-h', '/etc'] });
		const ping = () => pings(world, one.id, two.address);
		const connection = () => connects(one, two.address);

		await passes('a ping', ping, false);
		const icmp = await allow(alpha.account, group.id, { protocol: 'icmp' });
		await passes('a ping', ping, true);
		assert.equal(await connection(), false);
		await forbid(alpha.account, icmp);
		await passes('a ping', ping, false);
		// What may come in from members of the group only.
		const web = { protocol: 'tcp', port_range_min: 80, port_range_max: 80 };
		const members = await allow(alpha.account, group.id, { ...web, remote_group_id: group.id });
		await passes('a connection', connection, true);
		await forbid(alpha.account, members);

		// A group is given to a container that runs, and taken from it.
		const open = await makeGroup(t, alpha.account);
		await allow(alpha.account, open.id, web);
		await passes('a connection', connection, false);
		assert.match(await alpha.openstack(...oldVersion, 'add', 'security', 'group', 'web', open.name), /has been accepted/);
		await eventually(
			'Neutron knows',
			async () => {
				const [port] = await portsOf(world.admin.account, (await serverOf(world.admin.account, two.id))['id']);
				const groups = port === undefined ? [] : [port['security_groups']].flat();
				if (!groups.includes(open.id)) throw new Error(JSON.stringify(port));
				return true;
			},
			{ timeout: 60_000 },
		);
		await passes('a connection', connection, true);
		assert.match(await alpha.openstack(...oldVersion, 'remove', 'security', 'group', 'web', open.name), /has been accepted/);
		await passes('a connection', connection, false);
		await world.clear();
	});

	test('an address that is not the port’s own is not let out', async (t) => {
		const { alpha } = world;
		const group = await makeGroup(t, alpha.account);
		await allow(alpha.account, group.id, { protocol: 'icmp' });
		t.after(() => world.clear());
		const [one, two] = await Promise.all(
			['one', 'two'].map((name) => sandbox(alpha, { name, nets: [{ network: network.id }], security_groups: [group.name] })),
		);
		assert.ok(one !== undefined && two !== undefined);
		await passes('a ping', () => pings(world, one.id, two.address), true);
		await inNetworkOf(world, one.id, 'ip', 'address', 'add', '10.81.0.250/24', 'dev', await linkOf(one));
		const spoofed = inNetworkOf(world, one.id, 'busybox', 'ping', '-c', '2', '-W', '1', '-I', '10.81.0.250', two.address);
		await assert.rejects(spoofed, (error: Error) => /100% packet loss/.test(String(Reflect.get(error, 'stdout'))));
		await world.clear();
	});

	test('a sandbox and a server that was made with Nova alone reach each other as their groups say', async (t) => {
		const { alpha } = world;
		const group = await makeGroup(t, alpha.account);
		t.after(() => world.clear());
		const one = await sandbox(alpha, { name: 'one', nets: [{ network: network.id }], security_groups: [group.name] });
		const server = await plainServer(alpha, group.name);
		const [port] = await portsOf(world.admin.account, server['id']);
		const [address] = port === undefined ? [] : addressesOf(port);
		assert.ok(address !== undefined);
		// It is a sandbox of its project too, by the server's id.
		const adopted = await alpha.settled('sandboxes', server['id'], 'Running');
		assert.equal(adopted['name'], 'plain');
		await passes('a ping', () => pings(world, one.id, address), false);
		await allow(alpha.account, group.id, { protocol: 'icmp' });
		await passes('a ping', () => pings(world, one.id, address), true);
		await passes('a ping back', () => pings(world, server['id'], one.address), true);
		await alpha.account.ok('nova', `DELETE /servers/${server['id']}`);
		await alpha.gone('sandboxes', server['id']);
		await world.clear();
	});

	test('projects see nothing of each other, and no packet passes between their networks', async (t) => {
		const { alpha, beta } = world;
		t.after(() => world.clear());
		// The same addresses as alpha's network has.
		const theirs = await makeNetwork(t, beta.account, '10.81.0.0/24');
		const groups = await Promise.all([alpha, beta].map((tenant) => makeGroup(t, tenant.account)));
		const [ours, other] = groups;
		assert.ok(ours !== undefined && other !== undefined);
		await allow(alpha.account, ours.id, { protocol: 'icmp' });
		await allow(beta.account, other.id, { protocol: 'icmp' });
		const at = (address: string, id: string) => [{ network: id, 'v4-fixed-ip': address }];
		const [one, two, mine] = await Promise.all([
			sandbox(alpha, { name: 'one', nets: at('10.81.0.31', network.id), security_groups: [ours.name] }),
			sandbox(beta, { name: 'two', nets: at('10.81.0.32', theirs.id), security_groups: [other.name] }),
			sandbox(alpha, { name: 'mine', nets: at('10.81.0.33', network.id), security_groups: [ours.name] }),
		]);
		assert.ok(one !== undefined && two !== undefined && mine !== undefined);
		await passes('a ping within alpha', () => pings(world, one.id, mine.address), true);
		for (let tries = 0; tries < 3; tries += 1) assert.equal(await pings(world, one.id, two.address), false);
		assert.equal(await pings(world, two.id, one.address), false);

		assert.deepEqual(
			(await beta.list('sandboxes')).map((shown) => shown['uuid']),
			[two.id],
		);
		for (const line of [`GET /v1/sandboxes/${one.id}`, `DELETE /v1/sandboxes/${one.id}?force=true`, `POST /v1/sandboxes/${one.id}/stop`]) {
			assert.equal((await beta.call(line)).status, 404, line);
		}
		assert.equal((await beta.call('POST /v1/sandboxes', { nets: [{ network: network.id }] })).status, 404);
		assert.equal((await alpha.settled('sandboxes', one.id, 'Running'))['uuid'], one.id);
		await world.clear();
	});

	/** A server that knows nothing of the service under test. */
	async function plainServer(tenant: Tenant, group: string): Promise<Fields> {
		const { account } = tenant;
		const flavor = (await account.list('nova', 'GET /flavors', 'flavors')).find((one) => one['name'] === 'tiny');
		const [image] = await account.list('glance', `GET /v2/images?name=${imageName}`, 'images');
		const wanted = { name: 'plain', flavorRef: flavor?.['id'], imageRef: image?.['id'], networks: [{ uuid: network.id }] };
		const made = fieldsIn(
			await account.ok('nova', 'POST /servers', { server: { ...wanted, security_groups: [{ name: group }] } }),
			'server',
		);
		return await eventually(
			'the server is active',
			async () => {
				const server = fieldsIn(await account.ok('nova', `GET /servers/${made['id']}`), 'server');
				if (server['status'] === 'ERROR') throw new Error(JSON.stringify(server['fault']));
				return server['status'] === 'ACTIVE' ? server : null;
			},
			{ timeout: 90_000, interval: 300 },
		);
	}

	/** Name of the sandbox's link that has its address. */
	async function linkOf({ id, address }: Reachable): Promise<string> {
		const links: unknown = JSON.parse(await inNetworkOf(world, id, 'ip', '-j', 'address'));
		const found = listIn({ links }, 'links').find((link) => listIn(link, 'addr_info').some((info) => info['local'] === address));
		return String(found?.['ifname']);
	}
});
