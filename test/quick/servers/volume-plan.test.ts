/** What the provisioner does next about volumes: made before the server, attached after it, gone after it, and in nobody's way. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { nextStep } from '../../../src/control/servers/plan.ts';
import type { ServerSight } from '../../../src/control/servers/sight.ts';
import { serverSight } from '../../../src/control/servers/sight.ts';
import type { ServerVolumeSight } from '../../../src/store/servers.ts';
import { ServerWorld } from '../../support/servers/server-world.ts';

function volume(change: Partial<ServerVolumeSight> = {}): ServerVolumeSight {
	return {
		id: 'v',
		sandbox_id: 's',
		project_id: 'p',
		volume_id: 'at-cinder',
		name: '',
		size: 1,
		made: 0,
		keep: 0,
		own: 0,
		asked: 0,
		ready: 1,
		attached: 0,
		tries: 0,
		leaving: 0,
		created_at: 0,
		device: null,
		...change,
	};
}

const unmade = { made: 1, volume_id: null, ready: 0 };
const leaving = volume({ id: 'old', leaving: 1 });

function kinds(sight: ServerSight, volumes: readonly ServerVolumeSight[], change: Partial<ServerSight> = {}): string | null {
	return nextStep({ ...sight, ...change, volumes })?.kind ?? null;
}

describe('volumes in the plan', () => {
	test('of a sandbox that is made, that runs, and that goes', async (t) => {
		const world = await ServerWorld.make(t);
		const web = await world.run('web');
		const sight = await serverSight(world.control.store.db, web.sandboxId);
		assert.ok(sight);
		const standing = { ...sight, networkOperations: [], operation: null };
		const making = { ...standing, server: { ...sight.server, stage: 'making', server_id: null, asked: 0 } };
		assert.equal(kinds(making, [volume(unmade)]), 'make-volume');
		assert.equal(kinds(making, [volume({ ready: 0 })]), 'follow-volume');
		assert.equal(kinds(making, [volume({ leaving: 1 })]), 'remove-volume');
		assert.equal(kinds(making, [volume()]), 'make-server');

		assert.equal(kinds(standing, [volume({ attached: 1, tries: 2, device: '/dev/x' })]), null);
		assert.equal(kinds(standing, [volume({ device: '/dev/x' }), volume({ id: 'w', ...unmade })]), 'make-volume');
		assert.equal(kinds(standing, [volume({ device: '/dev/x' }), volume({ id: 'w' })]), 'attach-volume');
		// What the compute service may have is detached first, and what is awaited does not wait for what goes.
		assert.equal(kinds(standing, [{ ...leaving, attached: 1 }]), 'detach-volume');
		assert.equal(kinds(standing, [leaving]), 'remove-volume');
		assert.equal(kinds(standing, [leaving, volume()]), 'attach-volume');
		assert.equal(kinds(standing, [volume({ attached: 1, leaving: 1, device: '/dev/x' })]), 'detach-volume');

		const going = { ...standing, sandbox: { ...sight.sandbox, desired_status: 'Deleted' } };
		assert.equal(kinds(going, [volume({ attached: 1, device: '/dev/x' })]), 'remove-server');
		const left = { server: { ...sight.server, state: 'gone' }, sandbox: { ...going.sandbox, host: null } };
		assert.equal(kinds(going, [volume()], left), 'remove-port');
		assert.equal(kinds(going, [volume()], { ...left, ports: [] }), 'remove-volume');
		assert.equal(kinds(going, [], { ...left, ports: [] }), 'finish');
	});
});
