import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { failsWith, idle, type Suite } from './suite.ts';

const wait = 'while :; do sleep 0.1; done';

export function signalTests(suite: Suite): void {
	describe('signals', () => {
		test('stop: TERM is handled and the exit code is the program’s', async (t) => {
			const sandboxId = await suite.startSandbox(t);
			const id = await suite.startScript(sandboxId, `trap 'echo bye; exit 7' TERM; echo ready; ${wait}`);
			await suite.driver.containers.stop(id, suite.deadline / 1000, suite.signal());
			const state = await suite.look(sandboxId, id);
			assert.equal(state.status, 'stopped');
			assert.equal(state.exitCode, 7);
			assert.equal((await suite.logs(id)).stdout.toString(), 'ready\nbye\n');
		});

		test('stop: a program that does not handle TERM ends by it', async (t) => {
			const sandboxId = await suite.startSandbox(t);
			const id = await suite.startContainer(sandboxId, idle);
			await suite.driver.containers.stop(id, suite.deadline / 1000, suite.signal());
			assert.equal((await suite.look(sandboxId, id)).exitCode, 143);
		});

		test('stop: after its time a program that ignores TERM is killed', async (t) => {
			const sandboxId = await suite.startSandbox(t);
			const id = await suite.startScript(sandboxId, `trap '' TERM; echo ready; ${wait}`);
			await suite.driver.containers.stop(id, 1, suite.signal());
			const state = await suite.look(sandboxId, id);
			assert.equal(state.status, 'stopped');
			assert.equal(state.exitCode, 137);
		});

		test('HUP reaches the first process, which runs on', async (t) => {
			const sandboxId = await suite.startSandbox(t);
			const id = await suite.startScript(sandboxId, `trap 'echo hung up' HUP; echo ready; ${wait}`);
			await suite.driver.containers.kill(id, 'SIGHUP', suite.signal());
			await suite.untilLogged(id, 'hung up');
			assert.equal((await suite.look(sandboxId, id)).status, 'running');
		});

		test('KILL ends it with 137', async (t) => {
			const sandboxId = await suite.startSandbox(t);
			const id = await suite.startContainer(sandboxId, idle);
			await suite.driver.containers.kill(id, 'SIGKILL', suite.signal());
			const state = await suite.untilEnded(sandboxId, id);
			assert.equal(state.exitCode, 137);
			assert.equal(state.oomKilled, false);
		});

		test('what does not run gets no signal', async (t) => {
			const sandboxId = await suite.startSandbox(t);
			const created = await suite.createContainer(sandboxId, idle);
			await failsWith(suite.driver.containers.kill(created, 'SIGTERM', suite.signal()), 'not-running');
			const ended = await suite.startContainer(sandboxId, ['true']);
			await suite.untilEnded(sandboxId, ended);
			await failsWith(suite.driver.containers.kill(ended, 'SIGTERM', suite.signal()), 'not-running');
		});

		test('a signal that does not exist is refused', async (t) => {
			const sandboxId = await suite.startSandbox(t);
			const id = await suite.startContainer(sandboxId, idle);
			await failsWith(suite.driver.containers.kill(id, 'SIGNOTHING', suite.signal()), 'invalid');
			assert.equal((await suite.look(sandboxId, id)).status, 'running');
		});
	});
}
