import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { failsWith, idle, type Suite, sandboxSettings } from './suite.ts';

/** From making to removing, and what is seen on the way. */
export function lifeCycleTests(suite: Suite): void {
	describe('life cycle', () => {
		test('facts of the host', async () => {
			const facts = await suite.driver.facts(suite.signal());
			assert(facts.cpus > 0 && facts.memoryMib > 0 && facts.diskGib > 0);
			assert(facts.hostname !== '' && facts.architecture !== '' && facts.driver !== '' && facts.kernelVersion !== '');
			assert(facts.runtimes.includes(facts.defaultRuntime) || facts.runtimes.length === 0);
			assert.deepEqual(facts.labels, {});
		});

		test('a sandbox is made stopped, starts, stops, starts again and is removed', async (t) => {
			const before = Date.now();
			const id = await suite.createSandbox(t);
			const status = async (): Promise<string | undefined> => (await suite.driver.observe(id, suite.signal())).sandbox?.status;
			assert.equal(await status(), 'created');
			await suite.driver.sandboxes.start(id, suite.signal());
			const { sandbox } = await suite.driver.observe(id, suite.signal());
			assert.equal(sandbox?.id, id);
			assert.equal(sandbox?.status, 'running');
			assert(isAbout(sandbox?.startedAt, before, Date.now()));
			await suite.driver.sandboxes.stop(id, suite.signal());
			assert.equal(await status(), 'stopped');
			await suite.driver.sandboxes.start(id, suite.signal());
			assert.equal(await status(), 'running');
			await suite.driver.sandboxes.remove(id, suite.signal());
			assert.deepEqual(await suite.driver.observe(id, suite.signal()), { sandbox: null, containers: [] });
		});

		test('a container is made, starts, stops, starts again and is removed', async (t) => {
			const before = Date.now();
			const sandboxId = await suite.startSandbox(t);
			const id = await suite.createContainer(sandboxId, idle, { revision: 7 });
			const created = await suite.look(sandboxId, id);
			assert.equal(created.status, 'created');
			assert.equal(created.sandboxId, sandboxId);
			assert.equal(created.revision, 7);
			assert.notEqual(created.runtimeId, '');
			assert.equal(created.startedAt, null);
			assert.equal(created.joinsCurrentSandbox, true);
			await suite.driver.containers.start(id, suite.signal());
			const running = await suite.look(sandboxId, id);
			assert.equal(running.status, 'running');
			assert.equal(running.exitCode, null);
			assert(isAbout(running.startedAt, before, Date.now()));
			await suite.driver.containers.stop(id, 0, suite.signal());
			const stopped = await suite.look(sandboxId, id);
			assert.equal(stopped.status, 'stopped');
			assert(isAbout(stopped.finishedAt, before, Date.now()));
			await suite.driver.containers.start(id, suite.signal());
			const again = await suite.look(sandboxId, id);
			assert.equal(again.status, 'running');
			assert.equal(again.runtimeId, created.runtimeId);
			await suite.driver.containers.remove(id, suite.signal());
			assert.deepEqual((await suite.driver.observe(sandboxId, suite.signal())).containers, []);
		});

		for (const exitCode of [0, 3, 255]) {
			test(`a program that ends with ${exitCode} is seen to have`, async (t) => {
				const before = Date.now();
				const sandboxId = await suite.startSandbox(t);
				const id = await suite.startContainer(sandboxId, ['sh', '-c', `exit ${exitCode}`]);
				const ended = await suite.untilEnded(sandboxId, id);
				assert.equal(ended.exitCode, exitCode);
				assert.equal(ended.oomKilled, false);
				assert(isAbout(ended.startedAt, before, Date.now()) && isAbout(ended.finishedAt, before, Date.now()));
			});
		}

		test('what the image says is filled in, and what was asked for is seen', async (t) => {
			const sandboxId = await suite.startSandbox(t);
			const image = await suite.driver.images.inspect(suite.image, suite.signal());
			const plain = await suite.look(sandboxId, await suite.createContainer(sandboxId, null));
			assert.deepEqual(plain.command, image?.command);
			assert.deepEqual(plain.entrypoint, image?.entrypoint);
			const fields = { entrypoint: ['sh', '-c'], workdir: '/tmp', exposedPorts: ['8080/tcp', '53/udp'] };
			const own = await suite.look(sandboxId, await suite.createContainer(sandboxId, ['exit 0'], fields));
			assert.deepEqual(own.entrypoint, ['sh', '-c']);
			assert.deepEqual(own.command, ['exit 0']);
			assert.equal(own.workdir, '/tmp');
			assert.deepEqual([...own.ports].sort(), [53, 8080]);
		});

		test('the program sees its environment, working directory and arguments as they are', async (t) => {
			const sandboxId = await suite.startSandbox(t);
			const odd = `a b  "c" 'd' $e \\f ünï=`;
			const script = `pwd; printf '%s\\n' "$ODD"`;
			const id = await suite.startContainer(sandboxId, ['sh', '-c', script], { workdir: '/tmp', environment: { ODD: odd } });
			await suite.untilEnded(sandboxId, id);
			assert.equal((await suite.logs(id)).stdout.toString(), `/tmp\n${odd}\n`);
			const echo = await suite.startContainer(sandboxId, ['echo', odd, '', '$HOME', '*']);
			await suite.untilEnded(sandboxId, echo);
			assert.equal((await suite.logs(echo)).stdout.toString(), `${odd}  $HOME *\n`);
		});

		test('a program that is not in the image: the start fails and says why', async (t) => {
			const sandboxId = await suite.startSandbox(t);
			const id = await suite.createContainer(sandboxId, ['no-such-program']);
			await failsWith(suite.driver.containers.start(id, suite.signal()), 'failed', 'invalid');
			const state = await suite.look(sandboxId, id);
			assert.match(String(state.error), /no-such-program/);
			assert.notEqual(state.status, 'running');
			await suite.driver.containers.remove(id, suite.signal());
		});

		test('an image or a sandbox that is not there: nothing is made', async (t) => {
			const sandboxId = await suite.startSandbox(t);
			const image = `zunbox/no-such-image:${randomUUID()}`;
			await failsWith(suite.createContainer(sandboxId, idle, { image }), 'image-not-found');
			assert.deepEqual((await suite.driver.observe(sandboxId, suite.signal())).containers, []);
			await failsWith(suite.createContainer(randomUUID(), idle), 'not-found');
		});

		test('a container does not start in a sandbox that is stopped', async (t) => {
			const sandboxId = await suite.startSandbox(t);
			const id = await suite.createContainer(sandboxId, idle);
			await suite.driver.sandboxes.stop(sandboxId, suite.signal());
			await failsWith(suite.driver.containers.start(id, suite.signal()), 'conflict', 'not-running');
			await suite.driver.sandboxes.start(sandboxId, suite.signal());
			await suite.driver.containers.start(id, suite.signal());
			assert.equal((await suite.look(sandboxId, id)).status, 'running');
		});

		for (const pid of [true, false]) {
			test(`with the sandbox end its containers, ${pid ? 'with' : 'without'} a shared PID namespace`, async (t) => {
				const sandboxId = await suite.startSandbox(t, { pid });
				const id = await suite.startContainer(sandboxId, idle, { pid });
				await suite.driver.sandboxes.stop(sandboxId, suite.signal());
				assert.notEqual((await suite.untilEnded(sandboxId, id)).exitCode, null);
				await suite.driver.sandboxes.start(sandboxId, suite.signal());
				await suite.driver.containers.start(id, suite.signal());
				assert.equal((await suite.look(sandboxId, id)).status, 'running');
			});
		}

		test('containers come and go while others run on', async (t) => {
			const sandboxId = await suite.startSandbox(t);
			const steady = await suite.startContainer(sandboxId, idle);
			const { startedAt } = await suite.look(sandboxId, steady);
			const killed = await suite.startContainer(sandboxId, idle);
			await suite.driver.containers.kill(killed, 'SIGKILL', suite.signal());
			await suite.untilEnded(sandboxId, killed);
			await suite.driver.containers.remove(await suite.startContainer(sandboxId, idle), suite.signal());
			const state = await suite.look(sandboxId, steady);
			assert.equal(state.status, 'running');
			assert.equal(state.startedAt, startedAt);
		});

		test('files for names and addresses, and mounts', async (t) => {
			const folder = await temporaryFolder(t);
			const hostsFile = path.join(folder, 'hosts');
			await writeFile(hostsFile, '192.0.2.7 neighbour\n');
			await writeFile(path.join(folder, 'file'), 'from the host\n');
			const sandboxId = await suite.startSandbox(t, { hostsFile, hostname: 'the-sandbox' });
			if (suite.driver.capabilities.archive === false) return t.skip('without archives the driver has no files of its own');
			const mounts = [
				{ source: folder, destination: '/data', readOnly: false },
				{ source: folder, destination: '/fixed', readOnly: true },
			];
			const script = 'cat /etc/hosts /fixed/file; hostname; echo new > /data/made; echo no > /fixed/file || echo refused';
			const id = await suite.startContainer(sandboxId, ['sh', '-c', script], { mounts });
			await suite.untilEnded(sandboxId, id);
			assert.equal((await suite.logs(id)).stdout.toString(), '192.0.2.7 neighbour\nfrom the host\nthe-sandbox\nrefused\n');
			assert.equal(await readFile(path.join(folder, 'made'), 'utf8'), 'new\n');
			assert.equal(await readFile(path.join(folder, 'file'), 'utf8'), 'from the host\n');
		});

		test('paused and unpaused, each twice', async (t) => {
			if (suite.cannot(t, 'pause')) return;
			const sandboxId = await suite.startSandbox(t);
			const id = await suite.startContainer(sandboxId, idle);
			// An engine may hear late of what it did itself, and show an earlier state for a moment.
			const shows = async (wanted: string, round: number, status: () => Promise<string | undefined>): Promise<void> =>
				await suite.until(`${wanted} in round ${round}`, async () => (await status()) === wanted);
			const container = async (): Promise<string | undefined> => (await suite.look(sandboxId, id)).status;
			for (const round of [1, 2]) {
				await suite.driver.containers.pause(id, suite.signal());
				await shows('paused', round, container);
			}
			for (const round of [1, 2]) {
				await suite.driver.containers.unpause(id, suite.signal());
				await shows('running', round, container);
			}
			const sandbox = async (): Promise<string | undefined> => (await suite.driver.observe(sandboxId, suite.signal())).sandbox?.status;
			for (const round of [1, 2]) {
				await suite.driver.sandboxes.pause(sandboxId, suite.signal());
				await shows('paused', round, sandbox);
			}
			for (const round of [1, 2]) {
				await suite.driver.sandboxes.unpause(sandboxId, suite.signal());
				await shows('running', round, sandbox);
			}
		});

		test('a paused container stands still, and goes on where it was', async (t) => {
			if (suite.cannot(t, 'pause')) return;
			const sandboxId = await suite.startSandbox(t);
			const id = await suite.startScript(sandboxId, 'echo ready; while :; do echo on; sleep 0.1; done');
			await suite.driver.containers.pause(id, suite.signal());
			const length = async (): Promise<number> => (await suite.logs(id)).stdout.length;
			// What was on its way when it froze may still arrive.
			await sleep(300);
			const frozen = await length();
			await sleep(500);
			assert.equal(await length(), frozen);
			await suite.driver.containers.unpause(id, suite.signal());
			await suite.until('it goes on', async () => (await length()) > frozen);
		});

		test('a paused container stops, and a paused one is removed', async (t) => {
			if (suite.cannot(t, 'pause')) return;
			const sandboxId = await suite.startSandbox(t);
			const stopped = await suite.startContainer(sandboxId, idle);
			await suite.driver.containers.pause(stopped, suite.signal());
			await suite.driver.containers.stop(stopped, 1, suite.signal());
			assert.equal((await suite.look(sandboxId, stopped)).status, 'stopped');
			const removed = await suite.startContainer(sandboxId, idle);
			await suite.driver.containers.pause(removed, suite.signal());
			await suite.driver.containers.remove(removed, suite.signal());
			assert.equal((await suite.driver.observe(sandboxId, suite.signal())).containers.length, 1);
		});

		test('pausing what does not run fails', async (t) => {
			if (suite.cannot(t, 'pause')) return;
			const sandboxId = await suite.startSandbox(t);
			const id = await suite.createContainer(sandboxId, idle);
			await failsWith(suite.driver.containers.pause(id, suite.signal()), 'not-running');
		});

		test('health is what the check finds', async (t) => {
			if (suite.cannot(t, 'healthcheck')) return;
			const sandboxId = await suite.startSandbox(t);
			const healthcheck = { test: 'test -f /tmp/well', interval: 1, timeout: 10, retries: 1 };
			const id = await suite.startContainer(sandboxId, idle, { healthcheck });
			const health = async (): Promise<string | null> => (await suite.look(sandboxId, id)).health;
			await suite.until('it is unhealthy', async () => (await health()) === 'unhealthy');
			await suite.ask(id, ['touch', '/tmp/well']);
			await suite.until('it is healthy', async () => (await health()) === 'healthy');
			const unchecked = await suite.startContainer(sandboxId, idle);
			assert.equal((await suite.look(sandboxId, unchecked)).health, null);
		});

		test('a container of a holder that is gone is told from one of the holder that stands', async (t) => {
			const settings = sandboxSettings();
			t.after(() => suite.sweep(settings.id));
			const build = async (): Promise<void> => {
				await suite.driver.sandboxes.create(settings, suite.signal());
				await suite.driver.sandboxes.start(settings.id, suite.signal());
			};
			await build();
			const old = await suite.startContainer(settings.id, idle);
			try {
				await suite.driver.sandboxes.remove(settings.id, suite.signal());
			} catch {
				return t.skip('the driver keeps a holder that has containers');
			}
			await build();
			const fresh = await suite.startContainer(settings.id, idle);
			assert.equal((await suite.look(settings.id, fresh)).joinsCurrentSandbox, true);
			const left = (await suite.driver.observe(settings.id, suite.signal())).containers.find(({ id }) => id === old);
			assert.notEqual(left?.joinsCurrentSandbox, true);
			assert.notEqual(left?.status, 'running');
		});
	});
}

async function temporaryFolder(t: TestContext): Promise<string> {
	const folder = await mkdtemp(path.join(os.tmpdir(), 'conformance-'));
	t.after(() => rm(folder, { recursive: true, force: true }));
	return folder;
}

/** Engines and this process may round clocks differently. */
function isAbout(time: number | null | undefined, from: number, to: number): boolean {
	return typeof time === 'number' && time >= from - 2000 && time <= to + 2000;
}
