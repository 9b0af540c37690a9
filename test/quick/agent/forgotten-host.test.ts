import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { Agent } from '../../../src/agent/agent.ts';
import { NoNetworking } from '../../../src/agent/network/no-networking.ts';
import { NoVolumes } from '../../../src/agent/volumes/no-volumes.ts';
import { Hosts } from '../../../src/control/hosts.ts';
import { createDriver, FakeEngine } from '../../../src/drivers/fake/index.ts';
import { startControl } from '../../support/control.ts';
import { eventually } from '../../support/eventually.ts';

test('a host that was forgotten while its agent runs comes back by itself', async (t) => {
	const control = await startControl();
	const stateDirectory = await mkdtemp(path.join(os.tmpdir(), 'zunbox-agent-'));
	const driver = await createDriver({ owner: 'test', stateDirectory, settings: { engine: new FakeEngine() } });
	const agent = new Agent({
		link: control.bus.controlLink(control.link),
		driver,
		networking: new NoNetworking(),
		volumes: new NoVolumes(),
		stateDirectory,
		options: { hostname: 'host-1', heartbeatInterval: 20 },
	});
	t.after(async () => {
		await agent.stop();
		await driver.close();
		await control.close();
		await rm(stateDirectory, { recursive: true, force: true });
	});
	await agent.start();
	const hosts = new Hosts(control.deps, 60_000);
	const before = await hosts.show('host-1');
	await hosts.forget('host-1');
	const after = await eventually('it is registered again', () => hosts.show('host-1'));
	assert.notEqual(after.id, before.id);
	await eventually('its heart beats', async () => (await hosts.show('host-1')).reportCount > 1);
});
