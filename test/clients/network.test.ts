import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { identityRoutes } from '../../src/api/identity/routes.ts';
import { networkRoutes } from '../../src/api/network/routes.ts';
import { createApi } from '../../src/api/server.ts';
import { createNetworkControl } from '../../src/control/networks/network-control.ts';
import { EmbeddedIdentity } from '../../src/providers/identity/embedded/embedded-identity.ts';
import { EmbeddedNetworkProvider } from '../../src/providers/network/embedded/embedded-network-provider.ts';
import { startControl, type TestControl } from '../support/control.ts';
import { cheapHash } from '../support/identity-server.ts';

type Row = Readonly<Record<string, unknown>>;

/** Stock `openstack` (Debian's python3-openstackclient) against the network API, with the files of the first start. */
describe('openstack client: network', () => {
	let control: TestControl;
	let directory: string;
	let close: () => Promise<void>;

	before(async () => {
		directory = await mkdtemp(path.join(os.tmpdir(), 'zunbox-openstack-'));
		control = await startControl();
		const { store, service, quotas } = control;
		let url = '';
		const publicUrl = () => url;
		const identity = new EmbeddedIdentity({
			store,
			publicUrl,
			tokenLifetime: 3_600_000,
			passwordHashesAtOnce: 2,
			failuresBeforeDelay: 5,
			maxDelay: 60_000,
			hashCost: cheapHash,
		});
		const provider = control.deps.network;
		assert.ok(provider instanceof EmbeddedNetworkProvider);
		const networks = createNetworkControl({ store, provider, quotas, quotaLimits: (projectId) => quotas.limits(store.db, projectId) });
		const api = await createApi({
			control: service,
			identity,
			plugins: [(app) => identityRoutes(app, { identity, publicUrl }), (app) => networkRoutes(app, { networks, publicUrl })],
		});
		url = await api.listen({ host: '127.0.0.1', port: 0 });
		close = () => api.close();
		await identity.ensureFirstAdministrator(directory);
	});
	after(async () => {
		await close();
		await control.close();
		await rm(directory, { recursive: true });
	});

	async function run(command: string): Promise<string> {
		const env = { PATH: process.env['PATH'], HOME: directory, OS_CLIENT_CONFIG_FILE: path.join(directory, 'clouds.yaml') };
		try {
			const args = ['--os-cloud', 'zunbox', ...command.split(' ')];
			return (await promisify(execFile)('openstack', args, { env, cwd: directory, timeout: 120_000 })).stdout;
		} catch (error) {
			if (error instanceof Error && 'code' in error && error.code === 'ENOENT')
				throw new Error('install python3-openstackclient to run this test');
			throw error;
		}
	}
	async function show(command: string): Promise<Row> {
		return JSON.parse(await run(`${command} -f json`));
	}
	async function list(command: string): Promise<readonly Row[]> {
		return JSON.parse(await run(`${command} -f json`));
	}
	const names = (rows: readonly Row[]) => rows.map((row) => row['Name']);

	test('extension and network list, show and set', async () => {
		assert.ok((await list('extension list --network')).some((row) => row['Alias'] === 'security-group'));
		assert.deepEqual(names(await list('network list')), ['default']);
		assert.deepEqual(names(await list('network list --external')), ['default']);
		assert.equal((await show('network show default'))['shared'], true);
		const made = await show('network create blue --description sky --mtu 1400');
		assert.deepEqual([made['name'], made['mtu'], made['admin_state_up']], ['blue', 1400, true]);
		await run('network set blue --name sea --disable');
		const changed = await show('network show sea');
		assert.deepEqual([changed['id'], changed['admin_state_up']], [made['id'], false]);
		await run('network delete sea');
		await assert.rejects(run('network show sea'), /No Network found for sea/);
		await assert.rejects(run('network delete default'), /default network/);
	});

	test('subnets and ports', async () => {
		await run('network create green');
		const subnet = await show(
			'subnet create leaf --network green --subnet-range 10.20.0.0/24 --gateway 10.20.0.254 --allocation-pool start=10.20.0.10,end=10.20.0.99 --dns-nameserver 10.20.0.53 --host-route destination=10.30.0.0/16,gateway=10.20.0.9',
		);
		assert.deepEqual([subnet['gateway_ip'], subnet['cidr']], ['10.20.0.254', '10.20.0.0/24']);
		await run('subnet create leaf6 --network green --ip-version 6 --subnet-range fd00:20::/64');
		assert.deepEqual(names(await list('subnet list --network green')), ['leaf', 'leaf6']);
		await run('subnet set leaf --no-dns-nameservers --description d');
		assert.deepEqual((await show('subnet show leaf'))['dns_nameservers'], []);

		const port = await show(
			'port create twig --network green --fixed-ip subnet=leaf,ip-address=10.20.0.50 --mac-address fa:16:3e:aa:bb:cc',
		);
		assert.deepEqual(port['fixed_ips'], [{ subnet_id: subnet['id'], ip_address: '10.20.0.50' }]);
		assert.deepEqual(names(await list('port list --network green --fixed-ip ip-address=10.20.0.50')), ['twig']);
		assert.deepEqual(names(await list('port list --mac-address fa:16:3e:aa:bb:cc')), ['twig']);
		await assert.rejects(run('port create other --network green --fixed-ip ip-address=10.20.0.50'), /already in use/);
		await run('port set twig --disable --no-security-group --allowed-address ip-address=10.20.0.60');
		const changed = await show('port show twig');
		assert.deepEqual([changed['admin_state_up'], changed['security_group_ids']], [false, []]);
		await run('port unset twig --allowed-address ip-address=10.20.0.60,mac-address=fa:16:3e:aa:bb:cc');
		await assert.rejects(run('network delete green'), /still in use/);
		await assert.rejects(run('subnet delete leaf'), /IP allocation/);
		await run('port delete twig');
		await run('subnet delete leaf');
		await run('network delete green');
	});

	test('security groups and rules', async () => {
		assert.deepEqual(names(await list('security group list')), ['default']);
		const group = await show('security group create web --description www');
		assert.equal(group['description'], 'www');
		const rule = await show('security group rule create web --protocol tcp --dst-port 80:90 --remote-ip 10.0.0.0/8');
		assert.deepEqual([rule['port_range_min'], rule['port_range_max'], rule['direction']], [80, 90, 'ingress']);
		await run('security group rule create web --protocol icmp --icmp-type 8 --remote-group default');
		await run('security group rule create web --egress --ethertype IPv6 --protocol udp --dst-port 53 --remote-ip fd00::/8');
		await assert.rejects(run('security group rule create web --protocol tcp --dst-port 80:90 --remote-ip 10.0.0.0/8'), /already exists/);
		assert.equal((await list('security group rule list web')).length, 5);
		assert.equal((await list('security group rule list web --ingress')).length, 2);
		assert.equal((await list('security group rule list web --protocol tcp')).length, 1);
		await run(`security group rule delete ${rule['id']}`);
		await run('security group set web --name www');
		await run('network create grey');
		await run('port create stone --network grey --security-group www');
		await assert.rejects(run('security group delete www'), /in use/i);
		await run('port delete stone');
		await run('security group delete www');
		await run('network delete grey');
		await assert.rejects(run('security group delete default'), /default security group/);
	});
});
