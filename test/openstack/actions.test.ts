/** Every action on a sandbox that is a server, and on containers in it; Nova knows what it must know. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { text } from '../../src/drivers/docker/engine/json.ts';
import { engineOk } from '../support/docker.ts';
import { eventually } from '../support/eventually.ts';
import type { Fields } from './cloud/account.ts';
import { addressesOf, inNetworkOf, novaSays, portsOf, serverOf } from './support/looks.ts';
import { makeNetwork, type TestNetwork } from './support/networks.ts';
import { CloudWorld } from './support/world.ts';

describe('actions', () => {
	let world: CloudWorld;
	let network: TestNetwork;
	let box: Fields;
	const endings: (() => unknown)[] = [];
	const command = ['sh', '-c', 'trap "exit 0" TERM; echo begun; while :; do sleep 0.1; done'];

	before(async () => {
		world = await CloudWorld.start();
		network = await makeNetwork({ after: (ending: () => unknown) => endings.push(ending) }, world.alpha.account, '10.96.0.0/24');
		box = await world.alpha.sandbox({ name: 'box', nets: [{ network: network.id }] });
	});
	after(async () => {
		await world.remove();
		for (const ending of endings) await ending();
	});

	const novaShows = (status: string) => novaSays(world.admin.account, box['uuid'], status);

	test('a sandbox is paused, unpaused, stopped and started by Nova, and keeps its address', async () => {
		const { alpha, admin } = world;
		await alpha.container({ name: 'kept', sandbox: 'box', command, restart_policy: { Name: 'always' } });
		const server = await serverOf(admin.account, box['uuid']);
		const [port] = await portsOf(admin.account, server['id']);
		const address = port === undefined ? '' : (addressesOf(port)[0] ?? '');
		await alpha.ok('POST /v1/sandboxes/box/pause');
		await alpha.settled('sandboxes', 'box', 'Paused');
		await novaShows('PAUSED');
		await alpha.ok('POST /v1/sandboxes/box/unpause');
		await alpha.settled('sandboxes', 'box', 'Running');
		await novaShows('ACTIVE');
		await alpha.ok('POST /v1/sandboxes/box/stop');
		await alpha.settled('sandboxes', 'box', 'Stopped');
		await novaShows('SHUTOFF');
		await alpha.ok('POST /v1/sandboxes/box/start');
		await alpha.settled('sandboxes', 'box', 'Running');
		await novaShows('ACTIVE');
		await alpha.settled('containers', 'kept', 'Running');
		assert.match(await inNetworkOf(world, box['uuid'], 'ip', '-4', 'address'), new RegExp(`inet ${address}/24`));
		await alpha.ok('DELETE /v1/containers/kept?stop=true');
		await alpha.gone('containers', 'kept');
	});

	test('a container in it: start, stop, reboot, pause, unpause, kill, rebuild', async () => {
		const { alpha } = world;
		const { uuid } = await alpha.container({ name: 'life', sandbox: 'box', command });
		const state = async () => text((await engineOk('GET', `/containers/zunbox-${uuid}/json`)).json(), 'State', 'Status');
		const started = async () => text((await engineOk('GET', `/containers/zunbox-${uuid}/json`)).json(), 'State', 'StartedAt');
		for (const [action, status, engine] of [
			['pause', 'Paused', 'paused'],
			['unpause', 'Running', 'running'],
			['stop', 'Stopped', 'exited'],
			['start', 'Running', 'running'],
			['kill', 'Stopped', 'exited'],
			['start', 'Running', 'running'],
		] as const) {
			await alpha.ok(`POST /v1/containers/life/${action}`);
			await alpha.settled('containers', 'life', status);
			assert.equal(await state(), engine);
		}
		for (const action of ['reboot', 'rebuild'] as const) {
			const before = await started();
			await alpha.ok(`POST /v1/containers/life/${action}`);
			await eventually(`${action} is done`, async () => (await started()) !== before, { timeout: 60_000 });
			await alpha.settled('containers', 'life', 'Running');
		}
		const history = await alpha.ok('GET /v1/containers/life/container_actions');
		assert.match(JSON.stringify(history), /reboot/);
	});

	test('what is asked of the host at once: logs, top, stats, execute, archives, update', async () => {
		const { alpha } = world;
		assert.match((await alpha.call('GET /v1/containers/life/logs')).text, /begun/);
		assert.match(JSON.stringify(await alpha.ok('GET /v1/containers/life/top')), /sleep/);
		assert.ok('CPU %' in (await alpha.ok('GET /v1/containers/life/stats')));
		assert.deepEqual(await alpha.execute('life', 'sh -c "echo out; exit 3"'), { output: 'out\n', code: 3 });
		const { data } = await alpha.ok('GET /v1/containers/life/get_archive?path=/etc/passwd');
		await alpha.ok('POST /v1/containers/life/put_archive', { path: '/tmp', data });
		assert.match((await alpha.execute('life', 'cat /tmp/passwd')).output, /root/);
		await alpha.ok('PATCH /v1/containers/life', { memory: '64' });
		await alpha.ok('PATCH /v1/containers/life', { name: 'renamed' });
		assert.equal((await alpha.ok('GET /v1/containers/renamed'))['status'], 'Running');
		await alpha.ok('DELETE /v1/containers/renamed?stop=true');
		await alpha.gone('containers', 'renamed');
	});

	test('at the end all of it goes', async () => {
		const { alpha } = world;
		await alpha.ok('DELETE /v1/sandboxes/box?force=true');
		await alpha.gone('sandboxes', 'box');
		await world.nothingIsLeft();
	});
});
