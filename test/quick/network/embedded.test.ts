import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Listener } from '../../../src/model/listener.ts';
import type { EmbeddedNetworkProvider } from '../../../src/providers/network/embedded/embedded-network-provider.ts';
import { anyAddresses } from '../../../src/providers/network/embedded/ports.ts';
import { networks } from '../../../src/store/networks.ts';
import { ports } from '../../../src/store/ports.ts';
import type { Store, StoreTransaction } from '../../../src/store/store.ts';
import { eventually } from '../../support/eventually.ts';
import { networkProviderSuite } from './provider.suite.ts';
import { embeddedWorld, smallDefault, somebody, writeSandbox } from './world.ts';

async function newNetwork(provider: EmbeddedNetworkProvider, tx: StoreTransaction, projectId: string, name: string, cidr: string) {
	const network = await provider.networks.create(tx, {
		name,
		projectId,
		description: '',
		shared: false,
		isDefault: false,
		external: false,
		adminStateUp: true,
		mtu: 1500,
		portSecurityEnabled: true,
	});
	await provider.networks.createSubnet(tx, network, {
		projectId,
		name: '',
		description: '',
		cidr,
		dnsNameservers: ['10.0.0.53'],
		hostRoutes: [],
		enableDhcp: true,
	});
	return network;
}

networkProviderSuite('embedded', async (t) => {
	const { store, provider } = await embeddedWorld(t);
	return {
		store,
		provider,
		makeNetwork: (projectId, name, cidr) => store.transaction(async (tx) => (await newNetwork(provider, tx, projectId, name, cidr)).id),
		makePort: (projectId, networkId, name) =>
			store.transaction(async (tx) => {
				const [network] = await networks(tx, { ids: [networkId] });
				assert.ok(network !== undefined);
				const port = await provider.ports.create(tx, {
					network,
					name,
					projectId,
					description: '',
					macAddress: null,
					addresses: anyAddresses,
					securityGroupIds: [],
					portSecurityEnabled: true,
					allowedAddressPairs: [],
					adminStateUp: true,
					sandboxId: null,
					position: 0,
					preserveOnDelete: true,
					host: null,
				});
				return port.id;
			}),
		makeGroup: (projectId, name) =>
			store.transaction(
				async (tx) => (await provider.securityGroups.create(tx, { projectId, name, description: '', ownerContainerId: null })).id,
			),
	};
});

async function sandboxOn(store: Store, provider: EmbeddedNetworkProvider, host: string | null, principal = somebody()) {
	return await store.transaction(async (tx) => {
		const sandbox = await writeSandbox(tx, principal.projectId, host);
		const made = await provider.attach(tx, principal, sandbox, [{ network: 'default' }], null);
		return { sandbox, principal, ports: made };
	});
}

describe('what a host is told', () => {
	test('its ports, their networks, the groups in use and who is in them', async (t) => {
		const { store, provider } = await embeddedWorld(t);
		const principal = somebody();
		const here = await sandboxOn(store, provider, 'h1', principal);
		const there = await sandboxOn(store, provider, 'h2', principal);
		await sandboxOn(store, provider, 'h2');
		const spec = await provider.hostSpec(store.db, 'h1');
		assert.deepEqual(
			spec.networks.map((network) => network.ports.map((port) => port.id)),
			[here.ports.map((port) => port.id)],
		);
		assert.equal(spec.securityGroups.length, 1);
		const members = [...here.ports, ...there.ports].flatMap((port) => port.fixedIps.map((fixedIp) => fixedIp.ipAddress));
		assert.deepEqual([...(spec.securityGroups[0]?.members ?? [])].sort(), members.sort());
		assert.equal(spec.securityGroups[0]?.rules.length, 4);
	});

	test('a host that a change does not concern keeps its spec, and one that it does gets a higher version', async (t) => {
		const { store, provider } = await embeddedWorld(t);
		const principal = somebody();
		await sandboxOn(store, provider, 'h1', principal);
		const before = await provider.hostSpec(store.db, 'h1');
		await sandboxOn(store, provider, 'h2');
		assert.equal(await provider.hostSpec(store.db, 'h1'), before);
		await sandboxOn(store, provider, 'h2', principal);
		const after = await provider.hostSpec(store.db, 'h1');
		assert.ok(after.version > before.version);
		assert.equal(after.securityGroups[0]?.members.length, 4);
	});

	test('a member of a group on one network is none on another that uses the same range', async (t) => {
		const { store, provider } = await embeddedWorld(t, smallDefault('10.88.0.0/24'));
		const principal = somebody();
		const victim = await sandboxOn(store, provider, 'h1', principal);
		const stranger = await sandboxOn(store, provider, 'h1');
		const address = stranger.ports[0]?.fixedIps[0]?.ipAddress ?? '';
		await store.transaction(async (tx) => {
			await newNetwork(provider, tx, principal.projectId, 'mine', '10.88.0.0/24');
			const sandbox = await writeSandbox(tx, principal.projectId, 'h1');
			await provider.attach(tx, principal, sandbox, [{ network: 'mine', v4FixedIp: address }], null);
		});
		const spec = await provider.hostSpec(store.db, 'h1');
		const group = spec.securityGroups.find(({ id }) => victim.ports[0]?.securityGroupIds.includes(id));
		const network = spec.networks.find(({ id }) => id === victim.ports[0]?.networkId);
		assert.ok(group !== undefined && network !== undefined);
		assert.ok(group.members.includes(address));
		assert.equal(group.membersByNetwork?.[network.id]?.includes(address), false);
		assert.deepEqual(
			group.membersByNetwork?.[network.id],
			victim.ports[0]?.fixedIps.map((fixedIp) => fixedIp.ipAddress),
		);
	});

	test('what was undone is not told, nor kept from being told later', async (t) => {
		const { store, provider } = await embeddedWorld(t);
		const { sandbox, principal } = await sandboxOn(store, provider, 'h1');
		const before = await provider.hostSpec(store.db, 'h1');
		await assert.rejects(
			store.transaction(async (tx) => {
				await provider.release(tx, sandbox.id);
				assert.deepEqual((await provider.hostSpec(tx, 'h1')).networks, []);
				throw new Error('undo');
			}),
			/undo/,
		);
		assert.equal(await provider.hostSpec(store.db, 'h1'), before);
		await store.transaction((tx) => provider.detach(tx, principal, sandbox.id, { network: 'default' }));
		assert.deepEqual((await provider.hostSpec(store.db, 'h1')).networks, []);
	});

	test('1,000 ports are told in few milliseconds, also after each change', async (t) => {
		const { store, provider } = await embeddedWorld(t);
		const principal = somebody();
		const made = await store.transaction(async (tx) => {
			for (let index = 0; index < 1000; index += 1) {
				const sandbox = await writeSandbox(tx, principal.projectId, 'h1');
				await provider.attach(tx, principal, sandbox, [], null);
			}
			return await ports(tx, {});
		});
		const times: number[] = [];
		for (const port of made.slice(0, 20)) {
			await store.transaction((tx) => provider.ports.change(tx, port, { adminStateUp: false }));
			const start = performance.now();
			const spec = await provider.hostSpec(store.db, 'h1');
			times.push(performance.now() - start);
			assert.equal(spec.networks[0]?.ports.length, 1000);
		}
		t.diagnostic(`median ${times.sort((one, other) => one - other)[10]?.toFixed(1)} ms`);
		const start = performance.now();
		await provider.views(
			store.db,
			made.map((port) => port.sandboxId ?? ''),
		);
		t.diagnostic(`views ${(performance.now() - start).toFixed(1)} ms`);
	});
});

describe('who is woken', () => {
	test('the host of a port, and hosts whose groups name its group', async (t) => {
		const { store, provider, changes } = await embeddedWorld(t);
		const principal = somebody();
		await sandboxOn(store, provider, 'h1', principal);
		await sandboxOn(store, provider, 'h3');
		await eventually('the third host is told', () => changes.some((change) => change.hosts.includes('h3')));
		changes.length = 0;
		const { sandbox } = await sandboxOn(store, provider, 'h2', principal);
		await eventually('a change is told', () => changes.length > 0);
		assert.deepEqual([...new Set(changes.flatMap((change) => change.hosts))].sort(), ['h1', 'h2']);
		assert.deepEqual(
			changes.flatMap((change) => change.sandboxes),
			[{ id: sandbox.id, host: 'h2' }],
		);
	});

	test('a sandbox whose interfaces change has a new version; one whose groups change is left alone', async (t) => {
		const { store, provider } = await embeddedWorld(t);
		const { sandbox, principal, ports: made } = await sandboxOn(store, provider, 'h1');
		const version = async () =>
			(await store.db.selectFrom('sandbox').select('spec_version').where('id', '=', sandbox.id).executeTakeFirstOrThrow()).spec_version;
		const before = await version();
		assert.equal(made.length, 1);
		await store.transaction((tx) => provider.detach(tx, principal, sandbox.id, { network: 'default' }));
		assert.ok((await version()) > before);
	});
});

describe('names', () => {
	const names = { settle: 5, longest: 50, limit: 3 };

	test('the neighbours of a sandbox that comes or goes are told, once for many, and only of names that they hold', async (t) => {
		const { store, provider, changes } = await embeddedWorld(t, { ...smallDefault('10.0.0.0/24'), names });
		const principal = somebody();
		const versions = async () =>
			new Map((await store.db.selectFrom('sandbox').select(['id', 'spec_version']).execute()).map((row) => [row.id, row.spec_version]));
		const first = await sandboxOn(store, provider, 'h1', principal);
		const stranger = await sandboxOn(store, provider, 'h1');
		const told = () => changes.filter((change) => change.hosts.length === 0).flatMap((change) => change.sandboxes.map(({ id }) => id));
		await eventually('both are told', () => told().includes(first.sandbox.id) && told().includes(stranger.sandbox.id));
		const before = await versions();
		changes.length = 0;
		const others = await Promise.all(Array.from({ length: 4 }, () => sandboxOn(store, provider, 'h2', principal)));
		await eventually('the first is told', () => told().includes(first.sandbox.id));
		const after = await versions();
		assert.ok((after.get(first.sandbox.id) ?? 0) > (before.get(first.sandbox.id) ?? 0));
		assert.equal(after.get(stranger.sandbox.id), before.get(stranger.sandbox.id));
		changes.length = 0;
		// The last one is beyond the limit: nobody's file changes.
		const last = others.at(-1);
		await store.transaction((tx) => provider.release(tx, last?.sandbox.id ?? ''));
		await eventually('the release is told', () => changes.length > 0);
		await store.transaction((tx) => provider.release(tx, first.sandbox.id));
		await eventually('the neighbours are told', () => told().includes(others[0]?.sandbox.id ?? ''));
		const count = told().filter((id) => id === others[0]?.sandbox.id).length;
		assert.equal(count, 1);
	});
});

describe('published ports', () => {
	const wish = (hostPort: number, hostIp = '0.0.0.0', protocol: 'tcp' | 'udp' = 'tcp') => ({ protocol, hostIp, hostPort, sandboxPort: 80 });

	test('lead to the sandbox, are replaced as a whole and go with it', async (t) => {
		const { store, provider } = await embeddedWorld(t);
		const { sandbox, principal, ports: made } = await sandboxOn(store, provider, 'h1');
		const publish = (...wishes: ReturnType<typeof wish>[]) =>
			store.transaction((tx) => provider.publish(tx, principal, sandbox.id, wishes));
		const [first] = await publish(wish(8080), wish(8081));
		const told = (await provider.hostSpec(store.db, 'h1')).publishedPorts;
		assert.deepEqual(
			told.map((port) => [port.hostPort, port.address]),
			[8080, 8081].map((port) => [port, made[0]?.fixedIps[0]?.ipAddress]),
		);
		assert.equal((await publish(wish(8080)))[0]?.id, first?.id);
		assert.equal((await provider.hostSpec(store.db, 'h1')).publishedPorts.length, 1);
		await store.transaction((tx) => provider.release(tx, sandbox.id));
		assert.deepEqual((await provider.hostSpec(store.db, 'h1')).publishedPorts, []);
	});

	test('are given once for each address of a host, and all addresses stand for each', async (t) => {
		const { store, provider } = await embeddedWorld(t);
		const one = await sandboxOn(store, provider, 'h1');
		const two = await sandboxOn(store, provider, 'h1');
		const elsewhere = await sandboxOn(store, provider, 'h2');
		const publish = (who: typeof one, ...wishes: ReturnType<typeof wish>[]) =>
			store.transaction((tx) => provider.publish(tx, who.principal, who.sandbox.id, wishes));
		await publish(one, wish(8080), wish(8081, '127.0.0.1'));
		for (const taken of [wish(8080), wish(8080, '127.0.0.1'), wish(8081), wish(8081, '127.0.0.1')]) {
			await assert.rejects(publish(two, taken), { code: 'conflict' });
		}
		await publish(two, wish(8080, '0.0.0.0', 'udp'), wish(8081, '127.0.0.2'), wish(8080, '::'));
		await publish(elsewhere, wish(8080));
		await assert.rejects(
			store.transaction((tx) => provider.setHost(tx, elsewhere.sandbox.id, 'h1')),
			{ code: 'conflict' },
		);
		await store.transaction((tx) => provider.setHost(tx, elsewhere.sandbox.id, 'h3'));
		assert.equal((await provider.hostSpec(store.db, 'h3')).publishedPorts.length, 1);
		assert.equal((await provider.hostSpec(store.db, 'h2')).publishedPorts.length, 0);
	});

	test('are refused where a process of the host listens, until it has ended; what is published already stays', async (t) => {
		const listening = new Map<string, Listener[]>();
		const asked: string[] = [];
		const { store, provider } = await embeddedWorld(t, {
			listeners: async (host) => {
				asked.push(host);
				return listening.get(host) ?? [];
			},
		});
		const { sandbox, principal } = await sandboxOn(store, provider, 'h1');
		const publish = (...wishes: ReturnType<typeof wish>[]) =>
			store.transaction((tx) => provider.publish(tx, principal, sandbox.id, wishes));
		listening.set('h1', [{ protocol: 'tcp', address: '127.0.0.1', port: 8081 }]);
		listening.set('h2', [{ protocol: 'tcp', address: '0.0.0.0', port: 8080 }]);
		await publish(wish(8080), wish(8081, '0.0.0.0', 'udp'), wish(8081, '192.0.2.1'));
		const before = (await provider.hostSpec(store.db, 'h1')).publishedPorts;
		await assert.rejects(publish(wish(8082), wish(8081)), { code: 'conflict', message: /8081\/tcp of host h1 .* listens there/ });
		assert.deepEqual((await provider.hostSpec(store.db, 'h1')).publishedPorts, before);
		listening.set('h1', [{ protocol: 'tcp', address: '0.0.0.0', port: 8080 }]);
		await publish(wish(8080), wish(8081));
		assert.deepEqual([...new Set(asked)], ['h1']);
	});

	test('are refused at addresses that lead to no sandbox', async (t) => {
		const { store, provider } = await embeddedWorld(t);
		const { sandbox, principal } = await sandboxOn(store, provider, 'h1');
		for (const address of ['::1', '0:0::0:1', '::ffff:127.0.0.1']) {
			const refused = store.transaction((tx) => provider.publish(tx, principal, sandbox.id, [wish(8080, address)]));
			await assert.rejects(refused, { code: 'invalid-value', message: /Use 127\.0\.0\.1/ });
		}
	});

	test('the host keeps its own', async (t) => {
		const { store, provider } = await embeddedWorld(t);
		const { sandbox, principal } = await sandboxOn(store, provider, 'h1');
		const publish = (who: typeof principal, port: ReturnType<typeof wish>) =>
			store.transaction((tx) => provider.publish(tx, who, sandbox.id, [port]));
		await assert.rejects(publish(principal, wish(22)), { code: 'invalid-value' });
		await assert.rejects(publish(somebody('admin'), wish(9517)), { code: 'invalid-value' });
		await assert.rejects(publish(principal, wish(0)), { code: 'invalid-value' });
		await assert.rejects(publish(principal, wish(8080, 'everywhere')), { code: 'invalid-value' });
		await publish(somebody('admin'), wish(80));
	});

	test('need a network with a way out', async (t) => {
		const { store, provider } = await embeddedWorld(t);
		const principal = somebody();
		await assert.rejects(
			store.transaction(async (tx) => {
				await newNetwork(provider, tx, principal.projectId, 'mine', '10.1.0.0/24');
				const sandbox = await writeSandbox(tx, principal.projectId, 'h1');
				await provider.attach(tx, principal, sandbox, [{ network: 'mine' }], null);
				assert.deepEqual(await provider.nameservers(tx, sandbox.id), ['10.0.0.53']);
				await provider.publish(tx, principal, sandbox.id, [wish(8080)]);
			}),
			{ code: 'invalid-value' },
		);
	});
});
