/** Services of the cloud go away in the middle of creates and deletes, and come back: what was asked for is reached. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { DaemonName } from './cloud/daemons.ts';
import { makeNetwork, type TestNetwork } from './support/networks.ts';
import { settledOrFailed } from './support/outcome.ts';
import { CloudWorld } from './support/world.ts';

const services: readonly DaemonName[] = ['nova-api', 'neutron', 'keystone'];

describe('a service of the cloud that goes away', () => {
	let world: CloudWorld;
	let network: TestNetwork;
	const endings: (() => unknown)[] = [];

	before(async () => {
		world = await CloudWorld.start();
		network = await makeNetwork({ after: (ending: () => unknown) => endings.push(ending) }, world.alpha.account, '10.91.0.0/24');
	});
	after(async () => {
		await world.remove();
		for (const ending of endings) await ending();
	});

	for (const name of services) {
		test(`${name} is killed after creates and after deletes were taken`, async () => {
			const { alpha, daemons } = world;
			const nets = [{ network: network.id }];
			const made = [];
			for (let index = 0; index < 3; index += 1) made.push(await alpha.ok('POST /v1/sandboxes', { name: `box-${index}`, nets }));
			try {
				await daemons.stop(name, 'SIGKILL');
				// Long enough for what is tried meanwhile to fail.
				await delay(3000);
			} finally {
				daemons.start(name);
			}
			const outcomes = await Promise.all(made.map(({ uuid }) => settledOrFailed(alpha, uuid)));
			// What Nova itself gives up is in Error and says so; the rest runs.
			assert.equal(outcomes.length, made.length);

			for (const { uuid } of made) assert.equal((await alpha.call(`DELETE /v1/sandboxes/${uuid}?force=true`)).status, 204);
			try {
				await daemons.stop(name, 'SIGKILL');
				await delay(3000);
			} finally {
				daemons.start(name);
			}
			for (const { uuid } of made) await alpha.gone('sandboxes', uuid, 180_000);
			await world.nothingIsLeft();
		});
	}

	test('a create while Nova or Neutron is away is refused, clearly, and makes nothing', async () => {
		const { alpha, daemons } = world;
		for (const name of ['nova-api', 'neutron'] as const) {
			await daemons.stop(name);
			try {
				const answer = await alpha.call('POST /v1/sandboxes', { nets: [{ network: network.id }] });
				assert.equal(answer.status, 503, answer.text);
				assert.match(answer.text, name === 'neutron' ? /network service/ : /compute service/);
			} finally {
				daemons.start(name);
			}
		}
		assert.deepEqual(await alpha.list('sandboxes'), []);
		await world.daemonsAreUp();
		await world.nothingIsLeft();
	});

	test('lists and shows are answered while Nova and Neutron are away', async () => {
		const { alpha, daemons } = world;
		const box = await alpha.sandbox({ name: 'seen', nets: [{ network: network.id }] });
		const container = await alpha.container({ name: 'inside', sandbox: 'seen', command: ['sleep', '1000'] });
		await Promise.all([daemons.stop('nova-api'), daemons.stop('neutron')]);
		try {
			assert.equal((await alpha.ok('GET /v1/sandboxes/seen'))['status'], 'Running');
			assert.deepEqual(
				(await alpha.list('containers')).map((shown) => shown['uuid']),
				[container['uuid']],
			);
			assert.equal((await alpha.execute('inside', 'echo still here')).output.trim(), 'still here');
			const before = await alpha.ok('GET /v1/containers/inside');
			assert.deepEqual(before['addresses'], container['addresses']);
		} finally {
			daemons.start('nova-api');
			daemons.start('neutron');
		}
		await world.daemonsAreUp();
		await alpha.ok(`DELETE /v1/sandboxes/${box['uuid']}?force=true`);
		await alpha.gone('sandboxes', box['uuid']);
		await world.nothingIsLeft();
	});
});
