import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, test } from 'node:test';
import type { DriverEvent } from '../driver.ts';
import { failsWith, idle, type Suite, sandboxSettings } from './suite.ts';

/** What a driver sees: all that is its own, at any time, and nothing else. */
export function visibilityTests(suite: Suite): void {
	describe('observing', () => {
		test('one sandbox and all of them agree', async (t) => {
			const ids = [await suite.startSandbox(t), await suite.createSandbox(t)];
			const [first = ''] = ids;
			await suite.startContainer(first, idle);
			await suite.createContainer(first, idle);
			await suite.untilEnded(first, await suite.startContainer(first, ['sh', '-c', 'exit 3']));
			const all = await suite.driver.list(suite.signal());
			for (const id of ids) {
				const one = await suite.driver.observe(id, suite.signal());
				assert.deepEqual(
					all.sandboxes.find((sandbox) => sandbox.id === id),
					one.sandbox,
				);
				assert.deepEqual(byId(all.containers.filter(({ sandboxId }) => sandboxId === id)), byId(one.containers));
			}
			assert.equal((await suite.driver.observe(first, suite.signal())).containers.length, 3);
		});

		test('another driver of the same owner, as after a crash, sees and controls the same', async (t) => {
			const sandboxId = await suite.startSandbox(t);
			const id = await suite.startContainer(sandboxId, idle);
			const other = await suite.openAnother(suite.owner);
			t.after(() => other.close());
			assert.deepEqual(await other.observe(sandboxId, suite.signal()), await suite.driver.observe(sandboxId, suite.signal()));
			await other.containers.stop(id, 0, suite.signal());
			assert.equal((await suite.look(sandboxId, id)).status, 'stopped');
			await suite.driver.containers.start(id, suite.signal());
			assert.equal((await other.observe(sandboxId, suite.signal())).containers[0]?.status, 'running');
		});

		test('closing a driver lets all run on', async (t) => {
			const sandboxId = await suite.startSandbox(t);
			const other = await suite.openAnother(suite.owner);
			const settings = suite.containerSettings(sandboxId);
			await other.containers.create(settings, suite.signal());
			await other.containers.start(settings.id, suite.signal());
			await other.close();
			assert.equal((await suite.look(sandboxId, settings.id)).status, 'running');
		});

		test('a stranger’s sandbox and container are invisible and untouched', async (t) => {
			const stranger = await suite.openAnother(`stranger-${randomUUID()}`);
			const sandbox = sandboxSettings();
			const container = suite.containerSettings(sandbox.id);
			t.after(async () => {
				await stranger.containers.remove(container.id, suite.signal());
				await stranger.sandboxes.remove(sandbox.id, suite.signal());
				await stranger.close();
			});
			await stranger.sandboxes.create(sandbox, suite.signal());
			await stranger.sandboxes.start(sandbox.id, suite.signal());
			await stranger.containers.create(container, suite.signal());
			await stranger.containers.start(container.id, suite.signal());
			const { driver } = suite;
			const all = await driver.list(suite.signal());
			assert(!all.sandboxes.some(({ id }) => id === sandbox.id) && !all.containers.some(({ id }) => id === container.id));
			assert.deepEqual(await driver.observe(sandbox.id, suite.signal()), { sandbox: null, containers: [] });
			await failsWith(driver.containers.kill(container.id, 'SIGKILL', suite.signal()), 'not-found');
			await failsWith(suite.logs(container.id), 'not-found');
			await driver.containers.stop(container.id, 0, suite.signal()).catch(() => undefined);
			await driver.containers.remove(container.id, suite.signal());
			await driver.sandboxes.stop(sandbox.id, suite.signal()).catch(() => undefined);
			await driver.sandboxes.remove(sandbox.id, suite.signal());
			const seen = await stranger.observe(sandbox.id, suite.signal());
			assert.equal(seen.sandbox?.status, 'running');
			assert.deepEqual(
				seen.containers.map(({ status }) => status),
				['running'],
			);
		});

		test('a removed sandbox leaves nothing', async (t) => {
			const sandboxId = await suite.startSandbox(t);
			await suite.startContainer(sandboxId, idle);
			await suite.createContainer(sandboxId, idle);
			await suite.sweep(sandboxId);
			const all = await suite.driver.list(suite.signal());
			assert(!all.sandboxes.some(({ id }) => id === sandboxId) && !all.containers.some((container) => container.sandboxId === sandboxId));
		});
	});

	describe('events', () => {
		test('what happens is seen, and the stream ends with its signal', async (t) => {
			const stop = new AbortController();
			t.after(() => stop.abort());
			const events: DriverEvent[] = [];
			const watching = (async () => {
				for await (const event of suite.driver.events(stop.signal)) events.push(event);
			})();
			const sandboxId = await suite.createSandbox(t);
			// The stream may take a moment to open: what is done until it has been seen is done again.
			await suite.until('the sandbox’s events come', async () => {
				await suite.driver.sandboxes.start(sandboxId, suite.signal());
				if (events.some((event) => event.kind === 'sandbox' && event.sandboxId === sandboxId && event.containerId === null)) return true;
				await suite.driver.sandboxes.stop(sandboxId, suite.signal());
				return false;
			});
			const id = await suite.startContainer(sandboxId, idle);
			await suite.driver.containers.kill(id, 'SIGKILL', suite.signal());
			await suite.untilEnded(sandboxId, id);
			await suite.driver.containers.remove(id, suite.signal());
			for (const action of ['start', 'die', 'destroy']) {
				await suite.until(`${action} is seen`, async () => events.some((event) => event.containerId === id && event.action === action));
			}
			for (const event of events.filter(({ containerId }) => containerId === id)) {
				assert.equal(event.sandboxId, sandboxId);
				assert.equal(event.kind, 'container');
			}
			stop.abort();
			await watching.catch((error: unknown) => assert(stop.signal.aborted, String(error)));
		});
	});

	describe('abort', () => {
		test('a call whose signal is aborted already ends at once', async (t) => {
			const sandboxId = await suite.createSandbox(t);
			await assert.rejects(suite.driver.sandboxes.start(sandboxId, AbortSignal.abort()));
			await assert.rejects(suite.driver.list(AbortSignal.abort()));
			assert.equal((await suite.driver.observe(sandboxId, suite.signal())).sandbox?.status, 'created');
		});

		test('a command, a stop and a log that are waited for end soon', async (t) => {
			const sandboxId = await suite.startSandbox(t);
			const id = await suite.startScript(sandboxId, `trap '' TERM; echo ready; while :; do sleep 0.1; done`);
			const calls: ((signal: AbortSignal) => Promise<unknown>)[] = [
				(signal) => suite.driver.containers.stop(id, 1000, signal),
				async (signal) => {
					const request = { stdout: true, stderr: true, timestamps: false, tail: null, since: null, follow: true };
					for await (const _ of suite.driver.containers.logs(id, request, signal));
					signal.throwIfAborted();
				},
			];
			if (suite.driver.capabilities.exec) {
				const request = { command: ['sleep', '1000'], timeout: 1_000_000, maxOutput: 1 };
				calls.push((signal) => suite.driver.containers.exec(id, request, signal));
			}
			for (const call of calls) {
				const began = Date.now();
				await assert.rejects(call(AbortSignal.timeout(300)));
				assert(Date.now() - began < 15_000, 'soon after its signal');
			}
			assert.equal((await suite.look(sandboxId, id)).status, 'running');
		});
	});
}

function byId<T extends { readonly id: string }>(things: readonly T[]): T[] {
	return [...things].sort((a, b) => (a.id < b.id ? -1 : 1));
}
