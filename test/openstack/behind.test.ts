/** What is done to a server, or to what it is made of, without the service: it is seen, and followed or repaired. */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { engineOk } from '../support/docker.ts';
import { eventually } from '../support/eventually.ts';
import { addressesOf, engineContainers, holderId, inNetworkOf, novaSays, portsOf, serverOf } from './support/looks.ts';
import { makeNetwork, type TestNetwork } from './support/networks.ts';
import { CloudWorld } from './support/world.ts';

/** ms within which the service shows what was done elsewhere, and a margin for a machine that is busy. */
const seen = 10_000 + 20_000;

describe('behind our back', () => {
	let world: CloudWorld;
	let network: TestNetwork;
	const endings: (() => unknown)[] = [];

	before(async () => {
		world = await CloudWorld.start();
		network = await makeNetwork({ after: (ending: () => unknown) => endings.push(ending) }, world.alpha.account, '10.93.0.0/24');
	});
	afterEach(() => world.clear());
	after(async () => {
		await world.remove();
		for (const ending of endings) await ending();
	});

	/** A sandbox with two containers, and its server's id. */
	async function box() {
		const { alpha, admin } = world;
		const made = await alpha.sandbox({ name: 'box', nets: [{ network: network.id }] });
		const command = ['sleep', '1000'];
		await Promise.all([
			alpha.container({ name: 'kept', sandbox: 'box', command, restart_policy: { Name: 'always' } }),
			alpha.container({ name: 'once', sandbox: 'box', command }),
		]);
		const server = await serverOf(admin.account, made['uuid']);
		return { id: made['uuid'], serverId: String(server['id']) };
	}

	async function act(serverId: string, body: object): Promise<void> {
		await world.alpha.account.ok('nova', `POST /servers/${serverId}/action`, body);
	}

	test('a server is stopped and started with Nova’s own tools', async () => {
		const { alpha } = world;
		const { id, serverId } = await box();
		await alpha.ok('POST /v1/containers/once/stop');
		await alpha.settled('containers', 'once', 'Stopped');
		await alpha.openstack('server', 'stop', serverId);
		await alpha.settled('sandboxes', id, 'Stopped', seen);
		await alpha.settled('containers', 'kept', 'Stopped', seen);
		await alpha.openstack('server', 'start', serverId);
		await alpha.settled('sandboxes', id, 'Running', seen);
		await alpha.settled('containers', 'kept', 'Running', seen);
		await alpha.settled('containers', 'once', 'Stopped', seen);
	});

	test('a server is paused, unpaused and rebooted', async () => {
		const { alpha, admin } = world;
		const { id, serverId } = await box();
		await act(serverId, { pause: null });
		await alpha.settled('sandboxes', id, 'Paused', seen);
		await novaSays(admin.account, id, 'PAUSED');
		await act(serverId, { unpause: null });
		await alpha.settled('sandboxes', id, 'Running', seen);
		await novaSays(admin.account, id, 'ACTIVE');
		await alpha.settled('containers', 'once', 'Running', seen);
		await act(serverId, { reboot: { type: 'HARD' } });
		await novaSays(admin.account, id, 'ACTIVE');
		await alpha.settled('sandboxes', id, 'Running', seen);
		await alpha.settled('containers', 'kept', 'Running', seen);
		const [port] = await portsOf(admin.account, serverId);
		assert.ok(port !== undefined);
		const address = addressesOf(port)[0] ?? '';
		await eventually('it has its address', async () => (await inNetworkOf(world, id, 'ip', '-4', 'address')).includes(`${address}/`));
	});

	test('a server is deleted with Nova’s own tools', async () => {
		const { alpha } = world;
		const { id, serverId } = await box();
		await alpha.openstack('server', 'delete', '--wait', serverId);
		const shown = await eventually(
			'it is told',
			async () => {
				const looked = await alpha.ok(`GET /v1/sandboxes/${id}`);
				if (looked['status'] !== 'Error') throw new Error(JSON.stringify(looked));
				return looked;
			},
			{ timeout: seen, interval: 200 },
		);
		assert.match(String(shown['status_reason']), /deleted/i);
		assert.deepEqual(await engineContainers(world, id), []);
	});

	test('what holds a sandbox is removed from the engine: it is built anew, with its port and address', async () => {
		const { alpha, admin } = world;
		const { id, serverId } = await box();
		const [port] = await portsOf(admin.account, serverId);
		assert.ok(port !== undefined);
		const before = await holderId(world, id);
		await engineOk('DELETE', `/containers/${before}?force=1`);
		await eventually('it is there again', async () => (await holderId(world, id)) !== before, { timeout: 60_000 });
		await alpha.settled('sandboxes', id, 'Running');
		await alpha.settled('containers', 'kept', 'Running');
		const address = addressesOf(port)[0] ?? '';
		await eventually('it has its address', async () => (await inNetworkOf(world, id, 'ip', '-4', 'address')).includes(`${address}/`));
		assert.deepEqual(
			(await portsOf(admin.account, serverId)).map((one) => [one['id'], addressesOf(one)[0]]),
			[[port['id'], address]],
		);
		await eventually('its port is wired', async () => (await portsOf(admin.account, serverId))[0]?.['status'] === 'ACTIVE', {
			timeout: 60_000,
		});
	});

	test('a port is deleted with Neutron’s own tools', async () => {
		const { alpha, admin } = world;
		const { id, serverId } = await box();
		const [port] = await portsOf(admin.account, serverId);
		await alpha.account.ok('neutron', `DELETE /v2.0/ports/${port?.['id']}`);
		await eventually('its link is gone', async () => !/inet 10\.93\./.test(await inNetworkOf(world, id, 'ip', '-4', 'address')), {
			timeout: 60_000,
			interval: 300,
		});
		await alpha.settled('sandboxes', id, 'Running');
	});
});
