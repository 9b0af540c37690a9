/** Volumes that a compute service connects to a sandbox's host with its own tools. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, test } from 'node:test';
import { eventually } from '../../support/eventually.ts';
import { ServerWorld } from '../../support/servers/server-world.ts';

describe('volumes of sandboxes that are servers', () => {
	test('a volume that was attached with other tools can be mounted, and is let go before its device is', async (t) => {
		const world = await ServerWorld.make(t);
		const { sandboxes } = world.control.service;
		const web = await world.run('web');
		const serverId = world.cloud.serverOf(web.sandboxId)?.id ?? '';
		const driver = world.cloud.drivers.get('host-1');
		assert.ok(driver);
		const volumeId = randomUUID();
		await driver({ kind: 'attach-volume', serverId, volume: { volumeId, device: '/dev/loop77', readOnly: false } });
		assert.deepEqual((await sandboxes.show(world.ann, web.sandboxId)).volumes, [{ volumeId, readOnly: false }]);
		const spec = await world.control.link.sandbox('host-1', web.sandboxId);
		assert.deepEqual(
			spec?.volumes.map(({ id, provider, device, detached }) => [id, provider, device, detached]),
			[[volumeId, 'cinder', '/dev/loop77', false]],
		);
		const second = await world.run('second', {
			sandbox: web.sandboxId,
			mounts: [{ type: 'volume', source: volumeId, destination: '/data' }],
		});
		assert.equal(second.status, 'Running', String(second.statusReason));
		await assert.rejects(driver({ kind: 'detach-volume', serverId, volumeId }), {
			code: 'conflict',
			message: /mounted by container second/,
		});
		await world.control.service.containers.delete(world.ann, second.id, { force: true, stop: false, allProjects: false });
		await eventually('its container is gone', async () => (await sandboxes.containers(world.ann, web.sandboxId)).length === 1);
		await driver({ kind: 'detach-volume', serverId, volumeId });
		assert.deepEqual((await sandboxes.show(world.ann, web.sandboxId)).volumes, []);
		await eventually(
			'control has forgotten it',
			async () => (await world.control.store.db.selectFrom('volume').selectAll().execute()).length === 0,
		);
	});
});
