/**
 * The process ends at each call of another service, before it had an effect and after it, and begins again: the state that
 * was asked for is reached, and nothing is made twice or left over.
 */
import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { eventually } from '../../support/eventually.ts';
import type { Moment } from '../../support/servers/script.ts';
import { image, never, patience, ServerWorld } from '../../support/servers/server-world.ts';

const nothing = { servers: 0, ports: 0, groups: 0 };
/** No poll: its calls come when they like. */
const quiet = { pollInterval: 60_000 };

async function crashed(world: ServerWorld, n: number, moment: Moment, work: () => Promise<unknown>): Promise<boolean> {
	world.script.crashAt(n, moment);
	const { script } = world;
	await Promise.race([script.crashed, work().catch(() => null)]);
	script.spare();
	return script.isDead;
}

async function restarted(world: ServerWorld): Promise<void> {
	await world.stop();
	await world.start();
}

/** Two ports and a group, so that each kind of step is passed. */
async function made(world: ServerWorld): Promise<string> {
	const { containers } = world.control.service;
	const { id } = await containers.create(world.ann, {
		name: 'web',
		image,
		command: ['sleep', '1000'],
		run: true,
		nets: [{ network: 'net-a' }, { network: 'net-b' }],
		exposedPorts: { '80/tcp': {} },
	});
	return id;
}

async function whole(world: ServerWorld, id: string): Promise<void> {
	const view = await world.control.service.containers.wait(world.ann, id, 'Running', patience, never);
	assert.equal(view.status, 'Running', String(view.statusReason));
	await idle(world);
	assert.deepEqual(world.cloud.left(), { servers: 1, ports: 2, groups: 1 });
	assert.equal(world.engine.list('test').containers.length, 1);
}

async function idle(world: ServerWorld): Promise<void> {
	await eventually('nothing is left to do', async () => {
		const rows = await world.control.store.db.selectFrom('server').select('work').execute();
		return rows.every(({ work }) => work === 0);
	});
	await world.cloud.settled();
}

async function removed(world: ServerWorld): Promise<void> {
	const { sandboxes } = world.control.service;
	await eventually('it is gone', async () => (await sandboxes.list(world.ann, { limit: 10, filters: {} })).length === 0);
	await world.cloud.settled();
	assert.deepEqual(world.cloud.left(), nothing);
	await eventually('and so is what its host had', () => world.engine.list('test').sandboxes.length === 0);
}

async function making(t: TestContext, moment: Moment): Promise<void> {
	for (let n = 1; n < 40; n += 1) {
		const world = await ServerWorld.make(t, quiet);
		const left = new AbortController();
		const died = await crashed(world, n, moment, async () => {
			const id = await made(world);
			await world.control.service.containers.wait(world.ann, id, 'Running', patience, left.signal);
			await idle(world);
		});
		// What waits in the process that is gone waits for nobody.
		left.abort();
		if (died) await restarted(world);
		const [row] = await world.control.store.db.selectFrom('container').select('id').execute();
		await whole(world, row?.id ?? '');
		await world.stop();
		if (!died) {
			assert.ok(n > 5, `only ${n} calls were made`);
			return;
		}
	}
	assert.fail('it was never made without a crash');
}

async function removing(t: TestContext, moment: Moment): Promise<void> {
	for (let n = 1; n < 40; n += 1) {
		const world = await ServerWorld.make(t, quiet);
		const id = await made(world);
		await whole(world, id);
		const died = await crashed(world, n, moment, async () => {
			await world.control.service.containers.delete(world.ann, id, { force: true, stop: false, allProjects: false });
			await removed(world);
		});
		if (died) await restarted(world);
		await removed(world);
		await world.stop();
		if (!died) {
			assert.ok(n > 3, `only ${n} calls were made`);
			return;
		}
	}
	assert.fail('it was never removed without a crash');
}

describe('a crash at each call of another service', () => {
	for (const moment of ['before', 'after'] as const) {
		test(`${moment} its effect, while a sandbox is made`, async (t) => await making(t, moment));
		test(`${moment} its effect, while it is removed`, async (t) => await removing(t, moment));

		test(`${moment} its effect, while networks are attached, detached and changed`, async (t) => {
			for (let n = 1; n < 40; n += 1) {
				const world = await ServerWorld.make(t, quiet);
				const web = await world.run('web');
				const change = async () => {
					const { containers } = world.control.service;
					await containers.networkAttach(world.ann, web.id, { network: 'net-b' });
					await containers.addSecurityGroup(world.ann, web.id, 'group-web');
					await idle(world);
					await containers.networkDetach(world.ann, web.id, { network: 'net-a' });
					await idle(world);
				};
				const died = await crashed(world, n, moment, change);
				if (died) await restarted(world);
				await idle(world);
				const kinds = (await world.control.service.containers.operations(world.ann, web.id)).filter(({ state }) => state !== 'done');
				assert.deepEqual(kinds, []);
				const asked = await world.control.service.containers.operations(world.ann, web.id);
				const detached = asked.some(({ kind }) => kind === 'network_detach');
				assert.equal(world.cloud.ports.size, detached ? 1 : 2);
				assert.equal(world.cloud.serverOf(web.sandboxId)?.portIds.length, detached ? 1 : 2);
				await world.stop();
				if (!died) return;
			}
			assert.fail('it was never done without a crash');
		});

		test(`${moment} its effect, while it is stopped and started`, async (t) => {
			for (let n = 1; n < 40; n += 1) {
				const world = await ServerWorld.make(t, quiet);
				const web = await world.run('web');
				const change = async () => {
					await world.control.service.sandboxes.stop(world.ann, web.sandboxId, { timeout: 0 });
					await idle(world);
				};
				const died = await crashed(world, n, moment, change);
				if (died) await restarted(world);
				await idle(world);
				assert.equal(world.cloud.serverOf(web.sandboxId)?.state, 'stopped');
				await eventually(
					'it is Stopped',
					async () => (await world.control.service.sandboxes.show(world.ann, web.sandboxId)).status === 'Stopped',
				);
				await world.control.service.sandboxes.start(world.ann, web.sandboxId);
				const view = await world.control.service.containers.wait(world.ann, web.id, 'Running', patience, never);
				assert.equal(view.status, 'Running', `${n}: ${view.statusReason}`);
				await world.stop();
				if (!died) return;
			}
			assert.fail('it was never done without a crash');
		});
	}
});
