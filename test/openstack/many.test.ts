/** Twenty sandboxes at once. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { addressesOf, portsOf, serverOf } from './support/looks.ts';
import { makeNetwork, type TestNetwork } from './support/networks.ts';
import { CloudWorld } from './support/world.ts';

const count = 20;

describe('many sandboxes at once', () => {
	let world: CloudWorld;
	let network: TestNetwork;
	const endings: (() => unknown)[] = [];

	before(async () => {
		world = await CloudWorld.start();
		network = await makeNetwork({ after: (ending: () => unknown) => endings.push(ending) }, world.alpha.account, '10.95.0.0/24');
	});
	after(async () => {
		await world.remove();
		for (const ending of endings) await ending();
	});

	test(`${count} are made and deleted together, each once`, async (t) => {
		const { alpha, admin } = world;
		const began = performance.now();
		const names = Array.from({ length: count }, (_, index) => `box-${index}`);
		const made = await Promise.all(names.map((name) => alpha.ok('POST /v1/sandboxes', { name, nets: [{ network: network.id }] })));
		await Promise.all(made.map(({ uuid }) => alpha.settled('sandboxes', uuid, 'Running', 300_000)));
		t.diagnostic(`all ran after ${Math.round((performance.now() - began) / 1000)} s`);
		const addresses = await Promise.all(
			made.map(async ({ uuid }) => {
				// Fails where one was made twice.
				const server = await serverOf(admin.account, uuid);
				const ports = await portsOf(admin.account, server['id']);
				assert.deepEqual(
					ports.map((port) => port['status']),
					['ACTIVE'],
				);
				return ports.flatMap(addressesOf);
			}),
		);
		assert.equal(new Set(addresses.flat()).size, count);
		await Promise.all(made.map(({ uuid }) => alpha.ok(`DELETE /v1/sandboxes/${uuid}?force=true`)));
		await Promise.all(made.map(({ uuid }) => alpha.gone('sandboxes', uuid, 300_000)));
		await world.nothingIsLeft();
	});
});
