import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { formatIp, ipSortKey, parseIp } from '../../../src/model/ip.ts';
import type { FixedIp, Subnet } from '../../../src/model/network.ts';
import { AddressAllocator, claimAddress, lowestFree } from '../../../src/providers/network/embedded/ipam.ts';
import { networks, subnets } from '../../../src/store/networks.ts';
import { insertPort } from '../../../src/store/ports.ts';
import type { Store, StoreTransaction } from '../../../src/store/store.ts';
import { embeddedWorld, smallDefault } from './world.ts';

/** Thrown to undo what a run of a property wrote. */
class Undo extends Error {}

async function undone(store: Store, work: (tx: StoreTransaction) => Promise<void>): Promise<void> {
	await assert.rejects(
		store.transaction(async (tx) => {
			await work(tx);
			throw new Undo();
		}),
		Undo,
	);
}

let serial = 0;

async function occupy(tx: StoreTransaction, subnet: Subnet, fixedIps: readonly FixedIp[]): Promise<void> {
	serial += 1;
	await insertPort(tx, {
		id: `port-${serial}`,
		name: '',
		projectId: 'p',
		networkId: subnet.networkId,
		description: '',
		macAddress: `mac-${serial}`,
		fixedIps,
		securityGroupIds: [],
		portSecurityEnabled: true,
		allowedAddressPairs: [],
		adminStateUp: true,
		status: 'DOWN',
		sandboxId: null,
		position: 0,
		preserveOnDelete: true,
		host: null,
		createdAt: 0,
		updatedAt: 0,
	});
}

async function onlySubnet(store: Store): Promise<Subnet> {
	const [network] = await networks(store.db, {});
	const [subnet] = await subnets(store.db, { networkIds: [network?.id ?? ''] });
	assert.ok(subnet !== undefined);
	return subnet;
}

const address = (subnet: Subnet, value: bigint): FixedIp => ({
	subnetId: subnet.id,
	ipAddress: formatIp({ version: subnet.ipVersion, value }),
});
const numberOf = (text: string) => parseIp(text)?.value ?? -1n;

describe('address allocation', () => {
	test('the lowest free address is found, whatever is taken', async (t) => {
		const { store } = await embeddedWorld(t, smallDefault('10.0.0.0/26'));
		const subnet = await onlySubnet(store);
		const base = numberOf('10.0.0.0');
		await fc.assert(
			fc.asyncProperty(
				fc.uniqueArray(fc.integer({ min: 1, max: 62 })),
				fc.integer({ min: 1, max: 62 }),
				fc.nat(61),
				async (taken, first, length) => {
					const last = Math.min(62, first + length);
					await undone(store, async (tx) => {
						if (taken.length > 0)
							await occupy(
								tx,
								subnet,
								taken.map((offset) => address(subnet, base + BigInt(offset))),
							);
						const found = await lowestFree(tx, subnet.id, { first: base + BigInt(first), last: base + BigInt(last) });
						const expected = Array.from({ length: last - first + 1 }, (_, index) => first + index).find(
							(offset) => !taken.includes(offset),
						);
						assert.equal(found, expected === undefined ? null : base + BigInt(expected));
					});
				},
			),
			{ numRuns: 60 },
		);
	});

	test('against a model: no address twice, none outside the pools, and none left means none left', async (t) => {
		const { store } = await embeddedWorld(t, smallDefault('10.0.0.0/28'));
		const subnet = await onlySubnet(store);
		await fc.assert(
			fc.asyncProperty(fc.array(fc.option(fc.nat(20), { nil: null }), { maxLength: 60 }), async (steps) => {
				const allocator = new AddressAllocator();
				const held: string[] = [];
				let lastFreed: string | null = null;
				await undone(store, async (tx) => {
					for (const step of steps) {
						if (step === null || held.length === 0) {
							const given = await allocator.allocate(tx, [subnet]);
							if (given === null) {
								assert.equal(held.length, 13);
								continue;
							}
							assert.ok(!held.includes(given.ipAddress));
							assert.ok(numberOf(given.ipAddress) > numberOf('10.0.0.1') && numberOf(given.ipAddress) < numberOf('10.0.0.15'));
							if (held.length < 12) assert.notEqual(given.ipAddress, lastFreed);
							held.push(given.ipAddress);
							await occupy(tx, subnet, [given]);
						} else {
							const [freed] = held.splice(step % held.length, 1);
							lastFreed = freed ?? null;
							await tx
								.deleteFrom('port_ip')
								.where('sort_key', '=', ipSortKey(numberOf(freed ?? '')))
								.execute();
						}
					}
				});
			}),
			{ numRuns: 60 },
		);
	});

	test('a subnet of 65,533 addresses is filled to the last one, and the one that is freed is found', async (t) => {
		const { store } = await embeddedWorld(t, smallDefault('10.0.0.0/16'));
		const subnet = await onlySubnet(store);
		const base = numberOf('10.0.0.0');
		await store.transaction(async (tx) => {
			for (let from = 2; from < 65_534; from += 5000) {
				const offsets = Array.from({ length: Math.min(5000, 65_534 - from) }, (_, index) => from + index);
				await occupy(
					tx,
					subnet,
					offsets.map((offset) => address(subnet, base + BigInt(offset))),
				);
			}
			const allocator = new AddressAllocator();
			const last = await allocator.allocate(tx, [subnet]);
			assert.equal(last?.ipAddress, '10.0.255.254');
			await occupy(tx, subnet, [address(subnet, base + 65_534n)]);
			assert.equal(await allocator.allocate(tx, [subnet]), null);
			await tx
				.deleteFrom('port_ip')
				.where('sort_key', '=', ipSortKey(base + 30_000n))
				.execute();
			assert.equal((await allocator.allocate(tx, [subnet]))?.ipAddress, '10.0.117.48');
		});
	});

	test('a second subnet serves when the first is full', async (t) => {
		const { store, provider } = await embeddedWorld(t, smallDefault('10.0.0.0/30'));
		await store.transaction(async (tx) => {
			const [network] = await networks(tx, {});
			assert.ok(network !== undefined);
			const common = { projectId: 'p', name: '', description: '', dnsNameservers: [], hostRoutes: [], enableDhcp: true };
			await provider.networks.createSubnet(tx, network, { ...common, cidr: '10.1.0.0/30' });
			const both = await subnets(tx, { networkIds: [network.id] });
			const allocator = new AddressAllocator();
			for (const expected of ['10.0.0.2', '10.1.0.2', null]) {
				const given = await allocator.allocate(tx, both);
				assert.equal(given?.ipAddress ?? null, expected);
				const owner = both.find((subnet) => subnet.id === given?.subnetId);
				if (given !== null && owner !== undefined) await occupy(tx, owner, [given]);
			}
		});
	});

	for (const [text, type] of [
		['10.0.1.1', 'InvalidIpForNetwork'],
		['10.0.0.0', 'InvalidIpForSubnet'],
		['10.0.0.255', 'InvalidIpForSubnet'],
		['10.0.0.1', 'InvalidIpForSubnet'],
		['10.0.0.9', 'IpAddressInUse'],
		['fd00::1', 'InvalidIpForNetwork'],
		['nonsense', 'InvalidInput'],
	] as const) {
		test(`choosing ${text} is refused as ${type}`, async (t) => {
			const { store } = await embeddedWorld(t, smallDefault('10.0.0.0/24'));
			const subnet = await onlySubnet(store);
			await store.transaction(async (tx) => {
				await occupy(tx, subnet, [{ subnetId: subnet.id, ipAddress: '10.0.0.9' }]);
				await assert.rejects(claimAddress(tx, [subnet], text), { type });
			});
		});
	}
});
