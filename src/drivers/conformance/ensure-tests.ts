import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, test } from 'node:test';
import { failsWith, idle, noLimits, type Suite, sandboxSettings } from './suite.ts';

/** Every call made twice, at once, or on what never was. */
export function ensureTests(suite: Suite): void {
	describe('made twice, the effect of one', () => {
		test('of a sandbox', async (t) => {
			const settings = sandboxSettings();
			t.after(() => suite.sweep(settings.id));
			const { sandboxes } = suite.driver;
			const count = async (): Promise<number> =>
				(await suite.driver.list(suite.signal())).sandboxes.filter(({ id }) => id === settings.id).length;
			for (const round of [1, 2]) {
				await sandboxes.create(settings, suite.signal());
				assert.equal(await count(), 1, `round ${round}`);
			}
			await sandboxes.start(settings.id, suite.signal());
			const first = (await suite.driver.observe(settings.id, suite.signal())).sandbox;
			await sandboxes.start(settings.id, suite.signal());
			assert.deepEqual((await suite.driver.observe(settings.id, suite.signal())).sandbox, first);
			await sandboxes.create(settings, suite.signal());
			assert.deepEqual((await suite.driver.observe(settings.id, suite.signal())).sandbox, first);
			await sandboxes.stop(settings.id, suite.signal());
			await sandboxes.stop(settings.id, suite.signal());
			await sandboxes.remove(settings.id, suite.signal());
			await sandboxes.remove(settings.id, suite.signal());
			assert.equal(await count(), 0);
		});

		test('of a container', async (t) => {
			const sandboxId = await suite.startSandbox(t);
			const settings = suite.containerSettings(sandboxId);
			const { containers } = suite.driver;
			await containers.create(settings, suite.signal());
			const created = await suite.look(sandboxId, settings.id);
			await containers.create(settings, suite.signal());
			assert.deepEqual(await suite.look(sandboxId, settings.id), created);
			await containers.start(settings.id, suite.signal());
			const started = await suite.look(sandboxId, settings.id);
			await containers.start(settings.id, suite.signal());
			await containers.create(settings, suite.signal());
			assert.deepEqual(await suite.look(sandboxId, settings.id), started);
			await containers.stop(settings.id, 0, suite.signal());
			const stopped = await suite.look(sandboxId, settings.id);
			await containers.stop(settings.id, 0, suite.signal());
			assert.deepEqual(await suite.look(sandboxId, settings.id), stopped);
			await containers.remove(settings.id, suite.signal());
			await containers.remove(settings.id, suite.signal());
			assert.deepEqual((await suite.driver.observe(sandboxId, suite.signal())).containers, []);
		});
	});

	describe('what never was', () => {
		test('is removed', async () => {
			await suite.driver.containers.remove(randomUUID(), suite.signal());
			await suite.driver.sandboxes.remove(randomUUID(), suite.signal());
		});

		test('is not observed', async () => {
			assert.deepEqual(await suite.driver.observe(randomUUID(), suite.signal()), { sandbox: null, containers: [] });
		});

		test('is not started, stopped, killed or read', async () => {
			const id = randomUUID();
			const { containers, sandboxes } = suite.driver;
			await failsWith(sandboxes.start(id, suite.signal()), 'not-found');
			await failsWith(containers.start(id, suite.signal()), 'not-found');
			await failsWith(containers.kill(id, 'SIGTERM', suite.signal()), 'not-found');
			await failsWith(suite.logs(id), 'not-found');
			await failsWith(containers.stats(id, suite.signal()), 'not-found');
			if (suite.driver.capabilities.exec) await failsWith(suite.exec(id, ['true']), 'not-found');
			if (suite.driver.capabilities.updateLimits) await failsWith(containers.update(id, noLimits, suite.signal()), 'not-found');
			// Stopping it may also succeed: it does not run.
			for (const stop of [() => containers.stop(id, 0, suite.signal()), () => sandboxes.stop(id, suite.signal())]) {
				const outcome = await stop().then(
					() => 'stopped',
					(error: unknown) => (error instanceof Error && 'code' in error ? error.code : error),
				);
				assert(outcome === 'stopped' || outcome === 'not-found', `stop: ${outcome}`);
			}
		});
	});

	describe('two calls at once on one object', () => {
		const both = (call: () => Promise<void>): Promise<unknown> => Promise.all([call(), call()]);

		test('create, start, stop and remove of a sandbox', async (t) => {
			const settings = sandboxSettings();
			t.after(() => suite.sweep(settings.id));
			const { sandboxes } = suite.driver;
			await both(() => sandboxes.create(settings, suite.signal()));
			const { sandboxes: made } = await suite.driver.list(suite.signal());
			assert.equal(made.filter(({ id }) => id === settings.id).length, 1);
			await both(() => sandboxes.start(settings.id, suite.signal()));
			assert.equal((await suite.driver.observe(settings.id, suite.signal())).sandbox?.status, 'running');
			await both(() => sandboxes.stop(settings.id, suite.signal()));
			assert.equal((await suite.driver.observe(settings.id, suite.signal())).sandbox?.status, 'stopped');
			await both(() => sandboxes.remove(settings.id, suite.signal()));
			assert.equal((await suite.driver.observe(settings.id, suite.signal())).sandbox, null);
		});

		test('create, start, stop and remove of a container', async (t) => {
			const sandboxId = await suite.startSandbox(t);
			const settings = suite.containerSettings(sandboxId);
			const { containers } = suite.driver;
			await both(() => containers.create(settings, suite.signal()));
			assert.equal((await suite.driver.observe(sandboxId, suite.signal())).containers.length, 1);
			await both(() => containers.start(settings.id, suite.signal()));
			assert.equal((await suite.look(sandboxId, settings.id)).status, 'running');
			await both(() => containers.stop(settings.id, 0, suite.signal()));
			assert.equal((await suite.look(sandboxId, settings.id)).status, 'stopped');
			await both(() => containers.remove(settings.id, suite.signal()));
			assert.deepEqual((await suite.driver.observe(sandboxId, suite.signal())).containers, []);
		});

		test('stop and remove: it is gone', async (t) => {
			const sandboxId = await suite.startSandbox(t);
			const id = await suite.startContainer(sandboxId, idle);
			const { containers } = suite.driver;
			const stopping = containers.stop(id, 5, suite.signal()).catch((error: unknown) => {
				// The removal was faster.
				assert(error instanceof Error && 'code' in error && error.code === 'not-found', String(error));
			});
			await Promise.all([stopping, containers.remove(id, suite.signal())]);
			assert.deepEqual((await suite.driver.observe(sandboxId, suite.signal())).containers, []);
		});
	});
}
