import assert from 'node:assert/strict';
import { readFile, stat } from 'node:fs/promises';
import { describe, test } from 'node:test';
import { idle, type Suite } from './suite.ts';

/** Namespaces, limits and reaping: for drivers whose containers are real processes. */
export function kernelTests(suite: Suite): void {
	const namespaceOf = (id: string, kind: string): Promise<string> => suite.ask(id, ['readlink', `/proc/self/ns/${kind}`]);

	describe('namespaces', () => {
		test('the network is shared: localhost in one sandbox, nobody in another', async (t) => {
			if (suite.simulated(t) || suite.cannot(t, 'exec')) return;
			const sandboxId = await suite.startSandbox(t);
			const server = await suite.startContainer(sandboxId, [
				'sh',
				'-c',
				'echo served > /tmp/index.html; exec httpd -f -p 127.0.0.1:8099 -h /tmp',
			]);
			const client = await suite.startContainer(sandboxId, idle);
			const fetch = ['wget', '-q', '-O', '-', 'http://127.0.0.1:8099/'];
			await suite.until('it is served', async () => Buffer.from((await suite.exec(client, fetch)).stdout).toString() === 'served\n');
			const stranger = await suite.startContainer(await suite.startSandbox(t), idle);
			assert.notEqual((await suite.exec(stranger, fetch)).exitCode, 0);
			assert.equal(await namespaceOf(client, 'net'), await namespaceOf(server, 'net'));
			assert.notEqual(await namespaceOf(client, 'net'), await namespaceOf(stranger, 'net'));
		});

		for (const shared of [true, false]) {
			test(`IPC and PID are ${shared ? '' : 'not '}shared, as it was asked`, async (t) => {
				if (suite.simulated(t) || suite.cannot(t, 'exec')) return;
				const sandboxId = await suite.startSandbox(t, { ipc: shared, pid: shared });
				const fields = { ipc: shared, pid: shared };
				const one = await suite.startContainer(sandboxId, idle, fields);
				const two = await suite.startContainer(sandboxId, ['sleep', '2000'], fields);
				assert.equal(await namespaceOf(one, 'net'), await namespaceOf(two, 'net'));
				for (const kind of ['ipc', 'pid']) assert.equal((await namespaceOf(one, kind)) === (await namespaceOf(two, kind)), shared, kind);
				const processes = await suite.ask(one, ['ps', '-o', 'args']);
				assert.equal(processes.includes('sleep 2000'), shared);
				await suite.ask(one, ['sh', '-c', 'echo seen > /dev/shm/mark']);
				assert.equal((await suite.exec(two, ['cat', '/dev/shm/mark'])).exitCode === 0, shared);
			});
		}

		test('the path of the network namespace is that of the containers, and null when stopped', async (t) => {
			if (suite.cannot(t, 'networkNamespace')) return;
			const sandboxId = await suite.createSandbox(t);
			const path = (): Promise<string | null> => suite.driver.sandboxes.networkNamespacePath(sandboxId, suite.signal());
			assert.equal(await path(), null);
			await suite.driver.sandboxes.start(sandboxId, suite.signal());
			const found = await path();
			assert(found !== null);
			if (suite.driver.capabilities.exec) {
				const id = await suite.startContainer(sandboxId, idle);
				assert.equal(await namespaceOf(id, 'net'), `net:[${(await stat(found)).ino}]`);
			}
			await suite.driver.sandboxes.stop(sandboxId, suite.signal());
			assert.equal(await path(), null);
		});

		test('a fresh sandbox has loopback and no other link', async (t) => {
			if (suite.cannot(t, 'networkNamespace') || suite.cannot(t, 'exec')) return;
			const id = await suite.startContainer(await suite.startSandbox(t), idle);
			assert.deepEqual((await suite.ask(id, ['ls', '/sys/class/net'])).split(/\s+/), ['lo']);
			assert.match(await suite.ask(id, ['ip', 'addr', 'show', 'dev', 'lo']), /127\.0\.0\.1\/8/);
		});

		test('a container’s own hostname needs no sandbox of its own', async (t) => {
			if (suite.simulated(t) || suite.cannot(t, 'exec')) return;
			const sandboxId = await suite.startSandbox(t, { hostname: 'of-the-sandbox' });
			const plain = await suite.startContainer(sandboxId, idle);
			assert.equal(await suite.ask(plain, ['hostname']), 'of-the-sandbox');
		});
	});

	describe('processes', () => {
		test('orphans are reaped: no zombie stays', async (t) => {
			if (suite.simulated(t) || suite.cannot(t, 'exec')) return;
			const sandboxId = await suite.startSandbox(t);
			const id = await suite.startContainer(sandboxId, idle);
			await suite.ask(id, ['sh', '-c', 'for i in 1 2 3 4 5 6 7 8 9 10; do sh -c "sleep 0.5 & exit 0"; done']);
			const processes = (): Promise<string> => suite.ask(id, ['ps', '-o', 'stat,args']);
			let seen = '';
			await suite
				.until('all orphans are gone', async () => {
					seen = await processes();
					return !/^Z|sleep 0\.5/m.test(seen);
				})
				.catch((error: unknown) => assert.fail(`${error}\n${seen}`));
		});

		test('when the first process ends, so do the others of its container, and only those', async (t) => {
			if (suite.simulated(t) || suite.cannot(t, 'exec')) return;
			const sandboxId = await suite.startSandbox(t);
			const steady = await suite.startContainer(sandboxId, idle);
			const id = await suite.startScript(sandboxId, 'sleep 3333 & echo ready; sleep 1000');
			await suite.driver.containers.kill(id, 'SIGKILL', suite.signal());
			await suite.untilEnded(sandboxId, id);
			await suite.until('the other process is gone', async () => !(await suite.ask(steady, ['ps', '-o', 'args'])).includes('sleep 3333'));
			assert.equal((await suite.look(sandboxId, steady)).status, 'running');
		});

		test('an exec that is timed out or aborted leaves no process', async (t) => {
			if (suite.simulated(t) || suite.cannot(t, 'exec')) return;
			const id = await suite.startContainer(await suite.startSandbox(t), idle);
			await assert.rejects(suite.exec(id, ['sleep', '4444'], { timeout: 500 }));
			const request = { command: ['sleep', '5555'], timeout: 100_000, maxOutput: 1 };
			await assert.rejects(suite.driver.containers.exec(id, request, AbortSignal.timeout(500)));
			await suite.until('they are gone', async () => !/sleep (4444|5555)/.test(await suite.ask(id, ['ps', '-o', 'args'])));
		});

		test('privileged or not', async (t) => {
			if (suite.simulated(t) || suite.cannot(t, 'privileged') || suite.cannot(t, 'exec')) return;
			const sandboxId = await suite.startSandbox(t);
			if (await lacksCapabilities()) return t.skip('this machine does not have all capabilities itself');
			const mount = ['mount', '-t', 'tmpfs', 'none', '/tmp'];
			const plain = await suite.startContainer(sandboxId, idle);
			assert.notEqual((await suite.exec(plain, mount)).exitCode, 0);
			const privileged = await suite.startContainer(sandboxId, idle, { privileged: true });
			assert.equal((await suite.exec(privileged, mount)).exitCode, 0);
		});

		test('exec as another user', async (t) => {
			if (suite.simulated(t) || suite.cannot(t, 'exec')) return;
			const id = await suite.startContainer(await suite.startSandbox(t), idle);
			const result = await suite.exec(id, ['id', '-u'], { user: '1000' });
			assert.equal(Buffer.from(result.stdout).toString(), '1000\n');
		});
	});

	describe('limits', () => {
		test('memory: a program that takes more is ended, the others are not', async (t) => {
			if (suite.simulated(t)) return;
			const sandboxId = await suite.startSandbox(t);
			const steady = await suite.startContainer(sandboxId, idle);
			const id = await suite.startContainer(sandboxId, ['tail', '/dev/zero'], { memory: 32 });
			const state = await suite.untilEnded(sandboxId, id);
			assert.equal(state.exitCode, 137);
			assert.equal(state.oomKilled, true);
			assert.equal((await suite.look(sandboxId, steady)).status, 'running');
		});

		test('processes: no more than were allowed', async (t) => {
			if (suite.simulated(t)) return;
			const sandboxId = await suite.startSandbox(t);
			const script = 'i=0; while [ $i -lt 40 ]; do sleep 1000 & i=$((i+1)); done; echo all';
			const id = await suite.startContainer(sandboxId, ['sh', '-c', script], { pids: 16 });
			await suite.untilEnded(sandboxId, id);
			const { stdout, stderr } = await suite.logs(id);
			assert.match(stderr.toString(), /fork/);
			assert.equal(stdout.toString(), '');
		});

		test('cores: the quota is set', async (t) => {
			if (suite.simulated(t)) return;
			const sandboxId = await suite.startSandbox(t);
			const script =
				'cat /sys/fs/cgroup/cpu.max 2>/dev/null || cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us /sys/fs/cgroup/cpu/cpu.cfs_period_us';
			const id = await suite.startContainer(sandboxId, ['sh', '-c', script], { cpu: 0.5 });
			await suite.untilEnded(sandboxId, id);
			const [quota = 0, period = 0] = (await suite.logs(id)).stdout.toString().trim().split(/\s+/).map(Number);
			assert.equal(quota / period, 0.5);
		});
	});
}

/** Whether this process is held to fewer capabilities than its kernel has, as in a container: then so is the engine. */
async function lacksCapabilities(): Promise<boolean> {
	const bounding = /^CapBnd:\s*([0-9a-f]+)$/m.exec(await readFile('/proc/self/status', 'utf8'))?.[1] ?? '0';
	const last = Number(await readFile('/proc/sys/kernel/cap_last_cap', 'utf8'));
	return BigInt(`0x${bounding}`) !== 2n ** BigInt(last + 1) - 1n;
}
