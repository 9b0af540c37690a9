/**
 * The process ends at each call of another service about volumes, before it had an effect and after it, and begins again:
 * nothing is made twice, left over or lost.
 */
import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { eventually } from '../../support/eventually.ts';
import type { Moment } from '../../support/servers/script.ts';
import { image, never, patience, ServerWorld } from '../../support/servers/server-world.ts';

/** No poll: its calls come when they like. */
const options = { pollInterval: 60_000, withVolumes: true };
const project = 'project-of-ann';

async function crashed(world: ServerWorld, n: number, moment: Moment, work: () => Promise<unknown>): Promise<boolean> {
	world.script.crashAt(n, moment);
	const { script } = world;
	await Promise.race([script.crashed, work().catch(() => null)]);
	script.spare();
	if (!script.isDead) return false;
	await world.stop();
	await world.start();
	return true;
}

async function idle(world: ServerWorld): Promise<void> {
	await eventually('nothing is left to do', async () => {
		const rows = await world.control.store.db.selectFrom('server').select('work').execute();
		return rows.every(({ work }) => work === 0);
	});
	await world.cloud.settled();
}

/** One by size and one that is there. */
function wish(kept: string) {
	const mounts = [
		{ type: 'volume' as const, size: 1, destination: '/made' },
		{ type: 'volume' as const, source: kept, destination: '/kept' },
	];
	return { name: 'web', image, command: ['sleep', '1000'], run: true, mounts };
}

async function onlyContainer(world: ServerWorld): Promise<string> {
	const row = await world.control.store.db.selectFrom('container').select('id').where('name', '=', 'web').executeTakeFirstOrThrow();
	return row.id;
}

/** It runs with both volumes, each there once. */
async function whole(world: ServerWorld, kept: string): Promise<void> {
	const { containers } = world.control.service;
	const view = await containers.wait(world.ann, await onlyContainer(world), 'Running', patience, never);
	assert.equal(view.status, 'Running', String(view.statusReason));
	await idle(world);
	const volumes = [...world.cloud.volumes.all.values()];
	assert.deepEqual(
		volumes.map(({ status }) => status),
		['in-use', 'in-use'],
	);
	assert.deepEqual([...world.volumes.mounted.keys()].sort(), volumes.map(({ volumeId }) => volumeId).sort());
	assert.ok(view.mounts.some(({ volumeId }) => volumeId === kept));
	assert.equal(world.cloud.left().servers, 1);
}

/** Only the one that was there is left, and nothing has it. */
async function free(world: ServerWorld, kept: string): Promise<void> {
	await idle(world);
	assert.deepEqual(
		[...world.cloud.volumes.all.values()].map(({ volumeId, status }) => [volumeId, status]),
		[[kept, 'available']],
	);
	assert.equal(world.volumes.mounted.size, 0);
	assert.deepEqual(await world.control.store.db.selectFrom('volume').selectAll().execute(), []);
	assert.deepEqual(await world.control.store.db.selectFrom('server_volume').selectAll().execute(), []);
}

async function remove(world: ServerWorld): Promise<void> {
	await world.control.service.containers.delete(world.ann, await onlyContainer(world), { force: true, stop: false, allProjects: false });
}

async function removed(world: ServerWorld, left: number): Promise<void> {
	const { sandboxes, containers } = world.control.service;
	await eventually('it is gone', async () => (await containers.list(world.ann, { limit: 10, filters: {} })).length === left);
	await eventually('and its sandbox', async () => (await sandboxes.list(world.ann, { limit: 10, filters: {} })).length === left);
}

/** Does it again and again, with a crash at one call later each time, until there is none. */
async function atEachCall(t: TestContext, once: (world: ServerWorld, kept: string, n: number) => Promise<boolean>): Promise<void> {
	for (let n = 1; n < 60; n += 1) {
		const world = await ServerWorld.make(t, options);
		const died = await once(world, world.cloud.volumes.make(project, 'kept'), n);
		await world.stop();
		if (died) continue;
		assert.ok(n > 5, `only ${n} calls were made`);
		return;
	}
	assert.fail('it was never done without a crash');
}

describe('a crash at each call', () => {
	for (const moment of ['before', 'after'] as const) {
		test(`${moment} its effect, while a sandbox with volumes is made`, async (t) => {
			await atEachCall(t, async (world, kept, n) => {
				const died = await crashed(world, n, moment, async () => {
					await world.control.service.containers.create(world.ann, wish(kept));
					await whole(world, kept);
				});
				await whole(world, kept);
				return died;
			});
		});

		test(`${moment} its effect, while a sandbox with volumes is removed`, async (t) => {
			await atEachCall(t, async (world, kept, n) => {
				await world.control.service.containers.create(world.ann, wish(kept));
				await whole(world, kept);
				const died = await crashed(world, n, moment, async () => {
					await remove(world);
					await removed(world, 0);
				});
				await removed(world, 0);
				await free(world, kept);
				return died;
			});
		});

		test(`${moment} its effect, while it is removed before it is made`, async (t) => {
			await atEachCall(t, async (world, kept, n) => {
				const died = await crashed(world, n, moment, async () => {
					await world.control.service.containers.create(world.ann, wish(kept));
					await whole(world, kept);
				});
				await remove(world);
				await removed(world, 0);
				await free(world, kept);
				return died;
			});
		});

		test(`${moment} its effect, while a container joins with volumes and goes`, async (t) => {
			await atEachCall(t, async (world, kept, n) => {
				const base = await world.run('base');
				await idle(world);
				const died = await crashed(world, n, moment, async () => {
					await world.control.service.containers.create(world.ann, { ...wish(kept), sandbox: base.sandboxId });
					await whole(world, kept);
					await remove(world);
					await removed(world, 1);
					await idle(world);
				});
				if (died && (await world.control.service.containers.list(world.ann, { limit: 10, filters: {} })).length > 1) {
					await remove(world);
				}
				await removed(world, 1);
				await idle(world);
				assert.equal(world.cloud.volumes.all.get(kept)?.status, 'available');
				await world.control.service.sandboxes.delete(world.ann, base.sandboxId, { force: true });
				await removed(world, 0);
				await free(world, kept);
				return died;
			});
		});
	}
});
