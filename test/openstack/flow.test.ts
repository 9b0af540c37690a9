/** The way of a request: command line, REST, Nova and agent, sandbox; each step seen where it has its effect. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { eventually } from '../support/eventually.ts';
import { fieldsIn, listIn } from './cloud/account.ts';
import { hostName } from './cloud/settings.ts';
import { addressesOf, engineContainers, inNetworkOf, portsOf, serverOf } from './support/looks.ts';
import { makeNetwork, type TestNetwork } from './support/networks.ts';
import { CloudWorld } from './support/world.ts';

describe('a sandbox is a server of Nova', () => {
	let world: CloudWorld;
	let network: TestNetwork;
	const endings: (() => unknown)[] = [];
	const lifetime = { after: (ending: () => unknown) => endings.push(ending) };

	before(async () => {
		world = await CloudWorld.start();
		network = await makeNetwork(lifetime, world.alpha.account, '10.71.0.0/24');
	});
	afterEach(() => world.clear());
	after(async () => {
		await world.remove();
		for (const ending of endings) await ending();
	});

	test('with one container, from the command line', async () => {
		const { alpha, admin } = world;
		const words = [
			'appcontainer',
			'run',
			'-f',
			'json',
			'--name',
			'single',
			'--net',
			`network=${network.name}`,
			'--image-pull-policy',
			'never',
		];
		const made: unknown = JSON.parse(await alpha.openstack(...words, 'zunbox/busybox', 'sleep', '1000'));
		assert.equal(fieldsIn({ made }, 'made')['name'], 'single');
		const shown = await alpha.settled('containers', 'single', 'Running');

		const server = await serverOf(admin.account, shown['sandbox_id']);
		assert.deepEqual(
			[server['status'], server['OS-EXT-SRV-ATTR:host'], server['tenant_id'], server['user_id']],
			['ACTIVE', hostName, await alpha.account.projectId(), await alpha.account.userId()],
		);
		const [port, ...others] = await portsOf(admin.account, server['id']);
		assert.ok(port !== undefined && others.length === 0);
		assert.deepEqual([port['status'], port['device_owner'], port['network_id']], ['ACTIVE', 'compute:nova', network.id]);

		const addresses = addressesOf(port);
		const told = listIn(fieldsIn(shown, 'addresses'), network.id);
		assert.deepEqual(
			told.map((address) => [address['addr'], address['port']]),
			[[addresses[0], port['id']]],
		);
		assert.match(await inNetworkOf(world, shown['sandbox_id'], 'ip', '-4', 'address'), new RegExp(`inet ${addresses[0]}/24`));
		assert.match(await inNetworkOf(world, shown['sandbox_id'], 'ip', 'link'), new RegExp(String(port['mac_address'])));
		assert.match((await alpha.execute('single', 'ip -4 address')).output, new RegExp(`inet ${addresses[0]}/24`));
		assert.deepEqual(
			(await engineContainers(world, shown['sandbox_id'])).map(({ State }) => State),
			['running', 'running'],
		);

		const rows = await alpha.openstackList('appcontainer', 'list');
		assert.deepEqual(
			rows.map((row) => [row['name'], row['status']]),
			[['single', 'Running']],
		);
		await alpha.openstack('appcontainer', 'delete', '--stop', 'single');
		await alpha.gone('containers', 'single');
		await world.nothingIsLeft();
	});

	test('with several containers: one server, one address, and each reaches the others at localhost', async () => {
		const { alpha, admin } = world;
		const box = await alpha.sandbox({
			name: 'box',
			nets: [{ network: network.id, 'v4-fixed-ip': '10.71.0.50' }],
			hints: { flavor: 'small' },
		});
		const server = await serverOf(admin.account, box['uuid']);
		assert.equal(fieldsIn(server, 'flavor')['original_name'], 'small');
		await Promise.all([
			alpha.container({ name: 'web', sandbox: 'box', command: ['httpd', '-f', '-p', '80', '-h', '/etc'] }),
			alpha.container({ name: 'client', sandbox: 'box', command: ['sleep', '1000'] }),
			alpha.container({ name: 'other', sandbox: 'box', command: ['sleep', '1000'] }),
		]);
		assert.equal((await engineContainers(world, box['uuid'])).length, 4);
		assert.equal((await serverOf(admin.account, box['uuid']))['id'], server['id']);
		assert.equal((await portsOf(admin.account, server['id'])).length, 1);
		const page = await alpha.execute('client', 'wget -q -O - http://127.0.0.1/passwd');
		assert.match(page.output, /root/);
		assert.match((await alpha.execute('other', 'ip -4 address')).output, /10\.71\.0\.50\/24/);
		// One goes and the others stay.
		await alpha.ok('DELETE /v1/containers/other?stop=true');
		await alpha.gone('containers', 'other');
		assert.equal((await alpha.execute('client', 'true')).code, 0);
	});

	test('as a capsule of the command line', async () => {
		const { alpha, admin } = world;
		const file = path.join(world.service.folder, 'pod.yaml');
		writeFileSync(file, capsule);
		await alpha.openstack('capsule', 'create', '--file', file);
		const pod = await alpha.settled('capsules', 'pod', 'Running');
		const server = await serverOf(admin.account, pod['uuid']);
		assert.equal(server['status'], 'ACTIVE');
		assert.equal((await engineContainers(world, pod['uuid'])).filter(({ State }) => State === 'running').length, 3);
		await alpha.openstack('capsule', 'delete', 'pod');
		await alpha.gone('capsules', 'pod');
	});

	test('with a port of the user’s own, which stays; on two networks; attached and detached while it runs', async (t) => {
		const { alpha, admin } = world;
		const second = await makeNetwork(t, alpha.account, '10.72.0.0/24');
		const asked = { port: { network_id: network.id, name: 'own', fixed_ips: [{ ip_address: '10.71.0.60' }] } };
		const own = String(fieldsIn(await alpha.account.ok('neutron', 'POST /v2.0/ports', asked), 'port')['id']);
		t.after(() => alpha.account.call('neutron', `DELETE /v2.0/ports/${own}`));

		const container = await alpha.container({ name: 'two', nets: [{ port: own }, { network: second.id }], command: ['sleep', '1000'] });
		const server = await serverOf(admin.account, container['sandbox_id']);
		const networks = async () => (await portsOf(admin.account, server['id'])).map((port) => String(port['network_id'])).sort();
		assert.deepEqual(await networks(), [network.id, second.id].sort());
		const inside = async () => (await alpha.execute('two', 'ip -4 address')).output;
		assert.match(await inside(), /10\.71\.0\.60\/24[\s\S]*10\.72\.0\.\d+\/24/);

		const third = await makeNetwork(t, alpha.account, '10.73.0.0/24');
		await alpha.openstack('appcontainer', 'network', 'attach', '--network', third.name, 'two');
		await until(async () => /10\.73\.0\.\d+\/24/.test(await inside()));
		await alpha.openstack('appcontainer', 'network', 'detach', '--network', second.name, 'two');
		await until(async () => !/10\.72\.0\.\d+\/24/.test(await inside()));
		await until(async () => (await networks()).join() === [network.id, third.id].sort().join());

		await alpha.ok('DELETE /v1/containers/two?stop=true');
		await alpha.gone('containers', 'two');
		await world.nothingIsLeft({ ports: [own] });
		const kept = fieldsIn(await alpha.account.ok('neutron', `GET /v2.0/ports/${own}`), 'port');
		assert.deepEqual([kept['device_id'], kept['status']], ['', 'DOWN']);
		await alpha.account.ok('neutron', `DELETE /v2.0/ports/${own}`);
	});

	test('what names things that are not there, or are another’s, is refused at once and makes nothing', async (t) => {
		const { alpha, beta } = world;
		const others = await makeNetwork(t, beta.account, '10.74.0.0/24');
		const refused = async (fields: object, status: number, words: RegExp) => {
			const answer = await alpha.call('POST /v1/sandboxes', fields);
			assert.equal(answer.status, status, answer.text);
			assert.match(answer.text, words);
		};
		await refused({ nets: [{ network: others.id }] }, 404, /network/i);
		await refused({ nets: [{ port: '11111111-2222-4333-8444-555555555555' }] }, 404, /port/i);
		await refused({ nets: [{ network: network.id }], security_groups: ['no-such-group'] }, 404, /group/i);
		await refused({ nets: [{ network: network.id }], hints: { flavor: 'no-such-flavor' } }, 400, /flavor/i);
		assert.deepEqual(await alpha.list('sandboxes'), []);
	});
});

async function until(look: () => Promise<boolean>): Promise<void> {
	await eventually('it is so', look, { timeout: 60_000, interval: 200 });
}

/** It names no network: the project has only one. */
const capsule = `
capsuleVersion: beta
kind: capsule
metadata:
  name: pod
spec:
  restartPolicy: Always
  containers:
  - image: zunbox/busybox
    command: ["sleep", "1000"]
  - image: zunbox/busybox
    command: ["sleep", "1000"]
`;
