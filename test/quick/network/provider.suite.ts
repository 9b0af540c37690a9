import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import type { Port } from '../../../src/model/network.ts';
import type { NetworkProvider } from '../../../src/providers/network/network-provider.ts';
import type { Store } from '../../../src/store/store.ts';
import { somebody, writeSandbox } from './world.ts';

/** A provider to test, with what the interface has no function for. */
export interface ProviderUnderTest {
	readonly store: Store;
	readonly provider: NetworkProvider;
	/** Makes a network with one IPv4 subnet of the project; answers its id. */
	makeNetwork(projectId: string, name: string, cidr: string): Promise<string>;
	/** Makes a port of the project on the network; answers its id. */
	makePort(projectId: string, networkId: string, name: string): Promise<string>;
	/** Makes a group of the project that lets nothing in; answers its id. */
	makeGroup(projectId: string, name: string): Promise<string>;
}

/** What every network provider does. `open` answers a provider on an empty store with its `default` network made. */
export function networkProviderSuite(name: string, open: (context: TestContext) => Promise<ProviderUnderTest>): void {
	/** A sandbox of a new project, with the ports that were asked for. */
	async function attached(
		{ store, provider }: ProviderUnderTest,
		nets: Parameters<NetworkProvider['attach']>[3] = [],
		{ principal = somebody(), host = 'host-1' as string | null, hostname = 'box', groups = null as readonly string[] | null } = {},
	) {
		return await store.transaction(async (tx) => {
			const sandbox = await writeSandbox(tx, principal.projectId, host, hostname);
			return { sandbox, principal, ports: await provider.attach(tx, principal, sandbox, nets, groups) };
		});
	}
	const one = (ports: readonly Port[]): Port => {
		assert.equal(ports.length, 1);
		const [port] = ports;
		assert.ok(port !== undefined);
		return port;
	};

	describe(`network provider ${name}`, () => {
		test('a sandbox that asks for nothing gets one port on the default network, in its default group', async (t) => {
			const world = await open(t);
			const { sandbox, principal, ports } = await attached(world);
			const port = one(ports);
			const network = await world.provider.findNetwork(world.store.db, principal, 'default');
			assert.equal(port.networkId, network.id);
			assert.ok(network.shared && network.isDefault && network.external);
			assert.ok(port.fixedIps.length >= 1);
			assert.match(port.macAddress, /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/);
			assert.equal(port.preserveOnDelete, false);
			const view = (await world.provider.views(world.store.db, [sandbox.id])).get(sandbox.id);
			assert.deepEqual(view?.securityGroupIds, port.securityGroupIds);
			assert.deepEqual(
				view?.addresses[network.id]?.map(({ addr, port: portId, preserve_on_delete }) => ({ addr, portId, preserve_on_delete })),
				port.fixedIps.map((fixedIp) => ({ addr: fixedIp.ipAddress, portId: port.id, preserve_on_delete: false })),
			);
		});

		test("a project's own network comes before the default one", async (t) => {
			const world = await open(t);
			const principal = somebody();
			const own = await world.makeNetwork(principal.projectId, 'mine', '10.1.0.0/24');
			await world.makeNetwork(principal.projectId, 'later', '10.2.0.0/24');
			assert.equal(one((await attached(world, [], { principal })).ports).networkId, own);
		});

		test('several networks are interfaces in their order, and the way out is through the external one', async (t) => {
			const world = await open(t);
			const principal = somebody();
			await world.makeNetwork(principal.projectId, 'mine', '10.1.0.0/24');
			const { sandbox } = await attached(world, [{ network: 'mine' }, { network: 'default' }], { principal });
			const specs = await world.provider.portSpecs(world.store.db, sandbox.id);
			assert.deepEqual(
				specs.map((spec) => spec.interfaceName),
				['eth0', 'eth1'],
			);
			const gateways = specs.map((spec) => spec.addresses.filter((address) => address.version === 4).map((address) => address.gateway));
			assert.deepEqual(gateways[0], [null]);
			assert.ok(typeof gateways[1]?.[0] === 'string');
		});

		test('chosen addresses are given, and refused when taken or outside', async (t) => {
			const world = await open(t);
			const principal = somebody();
			await world.makeNetwork(principal.projectId, 'mine', '10.1.0.0/24');
			const chosen = { network: 'mine', v4FixedIp: '10.1.0.77', macAddress: '52:54:00:00:00:01' };
			const port = one((await attached(world, [chosen], { principal })).ports);
			assert.deepEqual(
				port.fixedIps.map((fixedIp) => fixedIp.ipAddress),
				['10.1.0.77'],
			);
			assert.equal(port.macAddress, '52:54:00:00:00:01');
			await assert.rejects(attached(world, [{ network: 'mine', v4FixedIp: '10.1.0.77' }], { principal }), { code: 'invalid-value' });
			await assert.rejects(attached(world, [{ network: 'mine', v4FixedIp: '10.9.0.1' }], { principal }), { code: 'invalid-value' });
			await assert.rejects(attached(world, [{ network: 'mine', macAddress: '52:54:00:00:00:01' }], { principal }), {
				code: 'invalid-value',
			});
		});

		test("another project's networks, ports and groups do not exist", async (t) => {
			const world = await open(t);
			const owner = somebody();
			const network = await world.makeNetwork(owner.projectId, 'theirs', '10.1.0.0/24');
			const port = await world.makePort(owner.projectId, network, 'their-port');
			const group = await world.makeGroup(owner.projectId, 'their-group');
			for (const ref of [network, 'theirs']) {
				await assert.rejects(attached(world, [{ network: ref }]), { code: 'network-not-found' });
				await assert.rejects(world.provider.findNetwork(world.store.db, somebody(), ref), { code: 'network-not-found' });
			}
			for (const ref of [port, 'their-port']) await assert.rejects(attached(world, [{ port: ref }]), { code: 'port-not-found' });
			for (const ref of [group, 'their-group']) {
				await assert.rejects(attached(world, [], { groups: [ref] }), { code: 'security-group-not-found' });
			}
		});

		test('two projects can use the same range', async (t) => {
			const world = await open(t);
			for (const principal of [somebody(), somebody()]) {
				await world.makeNetwork(principal.projectId, 'mine', '10.1.0.0/24');
				const port = one((await attached(world, [{ network: 'mine', v4FixedIp: '10.1.0.5' }], { principal })).ports);
				assert.equal(port.fixedIps[0]?.ipAddress, '10.1.0.5');
			}
		});

		test('a name that two networks bear is a conflict', async (t) => {
			const world = await open(t);
			const principal = somebody();
			await world.makeNetwork(principal.projectId, 'twin', '10.1.0.0/24');
			await world.makeNetwork(principal.projectId, 'twin', '10.2.0.0/24');
			await assert.rejects(attached(world, [{ network: 'twin' }], { principal }), { code: 'conflict' });
		});

		test("a user's port is used once at a time, outlives the sandbox and keeps its address", async (t) => {
			const world = await open(t);
			const principal = somebody();
			const network = await world.makeNetwork(principal.projectId, 'mine', '10.1.0.0/24');
			const id = await world.makePort(principal.projectId, network, 'kept');
			const first = await attached(world, [{ port: 'kept' }], { principal });
			assert.equal(one(first.ports).id, id);
			assert.equal(one(first.ports).preserveOnDelete, true);
			await assert.rejects(attached(world, [{ port: id }], { principal }), { code: 'port-in-use' });
			await world.store.transaction((tx) => world.provider.release(tx, first.sandbox.id));
			const second = await attached(world, [{ port: id }], { principal });
			assert.deepEqual(one(second.ports).fixedIps, one(first.ports).fixedIps);
		});

		test('ports made with a sandbox go with it, and their addresses are free again', async (t) => {
			const world = await open(t);
			const principal = somebody();
			await world.makeNetwork(principal.projectId, 'tiny', '10.1.0.0/30');
			const { sandbox } = await attached(world, [{ network: 'tiny' }], { principal });
			await assert.rejects(attached(world, [{ network: 'tiny' }], { principal }), { code: 'invalid-value' });
			await world.store.transaction((tx) => world.provider.release(tx, sandbox.id));
			await attached(world, [{ network: 'tiny' }], { principal });
			await world.store.transaction((tx) => world.provider.release(tx, sandbox.id));
		});

		test('what fails leaves nothing behind', async (t) => {
			const world = await open(t);
			const principal = somebody();
			await world.makeNetwork(principal.projectId, 'tiny', '10.1.0.0/30');
			await assert.rejects(attached(world, [{ network: 'tiny' }, { network: 'nowhere' }], { principal }), { code: 'network-not-found' });
			await attached(world, [{ network: 'tiny' }], { principal });
		});

		test('networks come and go while the sandbox runs', async (t) => {
			const world = await open(t);
			const principal = somebody();
			await world.makeNetwork(principal.projectId, 'mine', '10.1.0.0/24');
			const { sandbox } = await attached(world, [{ network: 'default' }], { principal });
			const attach = (network: string) =>
				world.store.transaction((tx) => world.provider.attach(tx, principal, sandbox, [{ network }], null));
			const detach = (network: string) => world.store.transaction((tx) => world.provider.detach(tx, principal, sandbox.id, { network }));
			assert.equal(one(await attach('mine')).position, 1);
			await assert.rejects(attach('mine'), { code: 'invalid' });
			await detach('default');
			await assert.rejects(detach('default'), { code: 'invalid' });
			const specs = await world.provider.portSpecs(world.store.db, sandbox.id);
			assert.deepEqual(
				specs.map((spec) => spec.interfaceName),
				['eth1'],
			);
			assert.equal(specs[0]?.addresses[0]?.gateway, '10.1.0.1');
			const port = specs[0]?.id ?? '';
			await world.store.transaction((tx) => world.provider.detach(tx, principal, sandbox.id, { port }));
			assert.deepEqual(await world.provider.portSpecs(world.store.db, sandbox.id), []);
		});

		test('groups are put on and taken off all ports, and a new port has those of the others', async (t) => {
			const world = await open(t);
			const principal = somebody();
			await world.makeNetwork(principal.projectId, 'mine', '10.1.0.0/24');
			const group = await world.makeGroup(principal.projectId, 'web');
			const { sandbox } = await attached(world, [{ network: 'default' }], { principal });
			const groupsNow = async () => {
				const view = (await world.provider.views(world.store.db, [sandbox.id])).get(sandbox.id);
				return view?.ports.map((port) => port.securityGroupIds.includes(group));
			};
			const add = () => world.store.transaction((tx) => world.provider.addSecurityGroup(tx, principal, sandbox.id, 'web'));
			const remove = () => world.store.transaction((tx) => world.provider.removeSecurityGroup(tx, principal, sandbox.id, group));
			await add();
			await assert.rejects(add(), { code: 'invalid-value' });
			await world.store.transaction((tx) => world.provider.attach(tx, principal, sandbox, [{ network: 'mine' }], null));
			assert.deepEqual(await groupsNow(), [true, true]);
			await remove();
			assert.deepEqual(await groupsNow(), [false, false]);
			await assert.rejects(remove(), { code: 'invalid-value' });
			await assert.rejects(
				world.store.transaction((tx) => world.provider.addSecurityGroup(tx, principal, sandbox.id, 'none')),
				{ code: 'security-group-not-found' },
			);
		});

		test('200 sandboxes at once have 200 addresses', async (t) => {
			const world = await open(t);
			const principal = somebody();
			await world.makeNetwork(principal.projectId, 'mine', '10.1.0.0/24');
			const all = await Promise.all(Array.from({ length: 200 }, () => attached(world, [{ network: 'mine' }], { principal })));
			const ports = all.map((made) => one(made.ports));
			assert.equal(new Set(ports.map((port) => port.fixedIps[0]?.ipAddress)).size, 200);
			assert.equal(new Set(ports.map((port) => port.macAddress)).size, 200);
			const rest = await Promise.allSettled(Array.from({ length: 60 }, () => attached(world, [{ network: 'mine' }], { principal })));
			assert.equal(rest.filter((result) => result.status === 'fulfilled').length, 53);
		});

		test('exposed ports are a group that is on the sandbox and goes with the container', async (t) => {
			const world = await open(t);
			const { sandbox, principal, ports } = await attached(world);
			const container = { id: 'c-1', sandboxId: sandbox.id };
			const id = await world.store.transaction((tx) =>
				world.provider.exposePorts(tx, principal, container, ['80/tcp', '53/udp', '8080', '80']),
			);
			const host = await world.provider.hostSpec(world.store.db, 'host-1');
			const inside = host.securityGroups
				.find((group) => group.id === id)
				?.rules.filter((rule) => rule.direction === 'ingress' && rule.version === 4);
			assert.deepEqual(inside?.map((rule) => `${rule.portRangeMin}-${rule.portRangeMax}/${rule.protocol}`).sort(), [
				'53-53/udp',
				'80-80/tcp',
				'8080-8080/tcp',
			]);
			await world.store.transaction((tx) => world.provider.unexposePorts(tx, container.id));
			await world.store.transaction((tx) => world.provider.unexposePorts(tx, container.id));
			const view = (await world.provider.views(world.store.db, [sandbox.id])).get(sandbox.id);
			assert.deepEqual(view?.securityGroupIds, one(ports).securityGroupIds);
			await assert.rejects(
				world.store.transaction((tx) => world.provider.exposePorts(tx, principal, container, ['http'])),
				{ code: 'invalid-value' },
			);
		});

		test('the status of ports is what the agent reports', async (t) => {
			const world = await open(t);
			const { sandbox, ports } = await attached(world);
			const status = async () => (await world.provider.views(world.store.db, [sandbox.id])).get(sandbox.id)?.ports[0]?.status;
			assert.equal(await status(), 'DOWN');
			await world.store.transaction((tx) => world.provider.setActive(tx, sandbox.id, [one(ports).id]));
			assert.equal(await status(), 'ACTIVE');
			await world.store.transaction((tx) => world.provider.setActive(tx, sandbox.id, []));
			assert.equal(await status(), 'DOWN');
		});

		test('sandboxes of a project know the names of those on their networks, and of no others', async (t) => {
			const world = await open(t);
			const principal = somebody();
			await world.makeNetwork(principal.projectId, 'mine', '10.1.0.0/24');
			const web = await attached(world, [{ network: 'default' }], { principal, hostname: 'web' });
			await attached(world, [{ network: 'default' }], { principal, hostname: 'db' });
			await attached(world, [{ network: 'mine' }], { principal, hostname: 'hidden' });
			await attached(world, [{ network: 'default' }], { hostname: 'stranger' });
			const names = async (limit: number) =>
				(await world.provider.hostNames(world.store.db, web.sandbox.id, limit)).map((entry) => entry.names.join());
			assert.deepEqual([...new Set(await names(100))], ['web', 'db']);
			assert.deepEqual(await names(1), ['web']);
		});

		test('views of many sandboxes have an entry for each', async (t) => {
			const world = await open(t);
			const made = await Promise.all([attached(world), attached(world), attached(world)]);
			const ids = [...made.map((entry) => entry.sandbox.id), 'unknown'];
			const found = await world.provider.views(world.store.db, ids);
			assert.deepEqual([...found.keys()], ids);
			for (const entry of made) assert.deepEqual(found.get(entry.sandbox.id)?.ports, entry.ports);
			assert.deepEqual(found.get('unknown')?.ports, []);
			assert.equal((await world.provider.views(world.store.db, [])).size, 0);
		});

		test('initializing again changes nothing', async (t) => {
			const world = await open(t);
			const before = await world.provider.findNetwork(world.store.db, somebody(), 'default');
			await world.store.transaction((tx) => world.provider.initialize(tx));
			assert.deepEqual(await world.provider.findNetwork(world.store.db, somebody(), 'default'), before);
		});
	});
}
