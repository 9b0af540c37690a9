import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { allBytes, allBytesFormat, failsWith, idle, type Suite } from './suite.ts';

export function execTests(suite: Suite): void {
	describe('exec', () => {
		test('every byte, stdout and stderr apart and in order, and the exit code', async (t) => {
			if (suite.cannot(t, 'exec')) return;
			const sandboxId = await suite.startSandbox(t);
			const id = await suite.startContainer(sandboxId, idle);
			const result = await suite.exec(id, [
				'sh',
				'-c',
				`printf '${allBytesFormat}'; sleep 0.3; echo apart >&2; sleep 0.3; echo end; exit 9`,
			]);
			assert.deepEqual(Buffer.from(result.stdout), Buffer.concat([allBytes, Buffer.from('end\n')]));
			assert.deepEqual(Buffer.from(result.stderr), Buffer.from('apart\n'));
			assert.deepEqual(Buffer.from(result.output), Buffer.concat([allBytes, Buffer.from('apart\nend\n')]));
			assert.equal(result.exitCode, 9);
			assert.equal(result.truncated, false);
		});

		test('arguments are not read by a shell; environment and working directory', async (t) => {
			if (suite.cannot(t, 'exec')) return;
			const sandboxId = await suite.startSandbox(t);
			const id = await suite.startContainer(sandboxId, idle, { environment: { KEPT: 'yes' } });
			const plain = await suite.exec(id, ['echo', '$HOME;', 'a  b', '*']);
			assert.equal(Buffer.from(plain.stdout).toString(), '$HOME; a  b *\n');
			const fields = { environment: { ADDED: 'x y' }, workdir: '/tmp' };
			const result = await suite.exec(id, ['sh', '-c', 'echo "$KEPT $ADDED"; pwd'], fields);
			assert.equal(Buffer.from(result.stdout).toString(), 'yes x y\n/tmp\n');
		});

		test('large output is whole, and no more is kept than is wanted', async (t) => {
			if (suite.cannot(t, 'exec')) return;
			const sandboxId = await suite.startSandbox(t);
			const id = await suite.startContainer(sandboxId, idle);
			const whole = await suite.exec(id, ['head', '-c', '1000000', '/dev/zero']);
			assert(Buffer.from(whole.stdout).equals(Buffer.alloc(1_000_000)));
			assert.equal(whole.truncated, false);
			const cut = await suite.exec(id, ['sh', '-c', 'head -c 1000000 /dev/zero; exit 6'], { maxOutput: 1000 });
			assert.equal(cut.output.length, 1000);
			assert.equal(cut.truncated, true);
			assert.equal(cut.exitCode, 6);
		});

		test('a command that takes too long: timeout, and the container runs on', async (t) => {
			if (suite.cannot(t, 'exec')) return;
			const sandboxId = await suite.startSandbox(t);
			const id = await suite.startContainer(sandboxId, idle);
			await failsWith(suite.exec(id, ['sleep', '1000'], { timeout: 500 }), 'timeout');
			assert.equal((await suite.look(sandboxId, id)).status, 'running');
			assert.equal(await suite.ask(id, ['echo', 'still']), 'still');
		});

		test('a command that is not there', async (t) => {
			if (suite.cannot(t, 'exec')) return;
			const sandboxId = await suite.startSandbox(t);
			const id = await suite.startContainer(sandboxId, idle);
			const outcome = await suite.exec(id, ['no-such-program']).then(
				({ exitCode }) => exitCode,
				(error: unknown) => (error instanceof Error && 'code' in error ? error.code : error),
			);
			assert(
				[126, 127, 'failed', 'invalid'].some((allowed) => allowed === outcome),
				`outcome: ${outcome}`,
			);
		});

		test('many at once', async (t) => {
			if (suite.cannot(t, 'exec')) return;
			const sandboxId = await suite.startSandbox(t);
			const id = await suite.startContainer(sandboxId, idle);
			const numbers = Array.from({ length: 8 }, (_, index) => String(index));
			const answers = await Promise.all(numbers.map((number) => suite.exec(id, ['sh', '-c', `echo ${number}; exit ${number}`])));
			assert.deepEqual(
				answers.map(({ stdout, exitCode }) => [Buffer.from(stdout).toString().trim(), String(exitCode)]),
				numbers.map((number) => [number, number]),
			);
		});

		test('in what does not run fails', async (t) => {
			if (suite.cannot(t, 'exec')) return;
			const sandboxId = await suite.startSandbox(t);
			const id = await suite.createContainer(sandboxId, idle);
			await failsWith(suite.exec(id, ['true']), 'not-running');
			await failsWith(suite.driver.containers.execInteractive(id, { command: ['true'], tty: false }, suite.signal()), 'not-running');
		});

		test('processes and use are shown', async (t) => {
			const sandboxId = await suite.startSandbox(t);
			const id = await suite.startContainer(sandboxId, idle);
			const { titles, processes } = await suite.driver.containers.top(id, null, suite.signal());
			assert(titles.length > 0 && processes.every((row) => row.length === titles.length));
			assert(processes.some((row) => row.join(' ').includes('sleep 1000')));
			const stats = await suite.driver.containers.stats(id, suite.signal());
			assert(stats.cpuPercent >= 0 && stats.memoryUsed > 0 && stats.memoryLimit > 0 && stats.pids >= 1);
		});

		test('limits change while it runs', async (t) => {
			if (suite.cannot(t, 'updateLimits')) return;
			const sandboxId = await suite.startSandbox(t);
			const id = await suite.startContainer(sandboxId, idle, { memory: 64 });
			const limit = async (): Promise<number> => (await suite.driver.containers.stats(id, suite.signal())).memoryLimit / 1024 / 1024;
			assert.equal(await limit(), 64);
			await suite.driver.containers.update(id, { cpu: 0.5, memory: 128, disk: null, pids: null }, suite.signal());
			assert.equal(await limit(), 128);
			await suite.driver.sandboxes.update(sandboxId, { cpu: 1, memory: 256 }, suite.signal());
			await suite.driver.sandboxes.update(sandboxId, { cpu: null, memory: null }, suite.signal());
			assert.equal((await suite.look(sandboxId, id)).status, 'running');
		});
	});
}
