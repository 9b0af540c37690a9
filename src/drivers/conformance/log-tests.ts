import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { allBytes, allBytesFormat, failsWith, type Suite } from './suite.ts';

export function logTests(suite: Suite): void {
	describe('logs', () => {
		test('every byte as it was written, stdout and stderr apart', async (t) => {
			const sandboxId = await suite.startSandbox(t);
			const script = `printf '${allBytesFormat}'; echo apart >&2; printf 'no newline at the end'`;
			const id = await suite.startContainer(sandboxId, ['sh', '-c', script]);
			await suite.untilEnded(sandboxId, id);
			const stdout = Buffer.concat([allBytes, Buffer.from('no newline at the end')]);
			assert.deepEqual(await suite.logs(id), { stdout, stderr: Buffer.from('apart\n') });
			assert.deepEqual(await suite.logs(id, { stderr: false }), { stdout, stderr: Buffer.alloc(0) });
			assert.deepEqual(await suite.logs(id, { stdout: false }), { stdout: Buffer.alloc(0), stderr: Buffer.from('apart\n') });
		});

		test('long lines and many lines are whole', async (t) => {
			const sandboxId = await suite.startSandbox(t);
			const id = await suite.startContainer(sandboxId, ['sh', '-c', 'head -c 100000 /dev/zero; echo; seq 1 20000']);
			await suite.untilEnded(sandboxId, id);
			const lines = Array.from({ length: 20_000 }, (_, index) => `${index + 1}\n`).join('');
			const { stdout } = await suite.logs(id);
			assert(stdout.equals(Buffer.concat([Buffer.alloc(100_000), Buffer.from(`\n${lines}`)])));
		});

		test('the last lines', async (t) => {
			const sandboxId = await suite.startSandbox(t);
			const id = await suite.startContainer(sandboxId, ['seq', '1', '100']);
			await suite.untilEnded(sandboxId, id);
			assert.equal((await suite.logs(id, { tail: 3 })).stdout.toString(), '98\n99\n100\n');
			assert.equal((await suite.logs(id, { tail: 0 })).stdout.toString(), '');
			assert.equal((await suite.logs(id, { tail: 1000 })).stdout.toString().split('\n').length, 101);
		});

		test('timestamps, and only what is newer than a time', async (t) => {
			const sandboxId = await suite.startSandbox(t);
			const id = await suite.startContainer(sandboxId, ['sh', '-c', 'echo early; sleep 2; echo late']);
			await suite.untilEnded(sandboxId, id);
			const stamped = (await suite.logs(id, { timestamps: true })).stdout.toString().trimEnd().split('\n');
			assert.equal(stamped.length, 2);
			const times = stamped.map((line) => {
				assert.match(line, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z (early|late)$/);
				return Date.parse(line.split(' ')[0] ?? '');
			});
			const [early = 0, late = 0] = times;
			assert(late - early >= 1900, `${late - early} ms apart`);
			const since = Math.floor(late / 1000);
			assert.equal((await suite.logs(id, { since })).stdout.toString(), 'late\n');
			assert.equal((await suite.logs(id, { since: Math.floor(early / 1000) })).stdout.toString(), 'early\nlate\n');
		});

		test('followed until the container ends', async (t) => {
			const sandboxId = await suite.startSandbox(t);
			const id = await suite.startScript(sandboxId, 'echo ready; sleep 1; echo one; echo two >&2; exit 4');
			const following = suite.logs(id, { follow: true });
			assert.deepEqual(await following, { stdout: Buffer.from('ready\none\n'), stderr: Buffer.from('two\n') });
			assert.equal((await suite.untilEnded(sandboxId, id)).exitCode, 4);
			const again = await suite.logs(id, { follow: true });
			assert.equal(again.stdout.toString(), 'ready\none\n');
		});

		test('of a container that has not started are empty', async (t) => {
			const sandboxId = await suite.startSandbox(t);
			const id = await suite.createContainer(sandboxId, ['true']);
			assert.deepEqual(await suite.logs(id), { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) });
		});

		test('of a removed container are gone', async (t) => {
			const sandboxId = await suite.startSandbox(t);
			const id = await suite.startContainer(sandboxId, ['echo', 'x']);
			await suite.driver.containers.remove(id, suite.signal());
			await failsWith(suite.logs(id), 'not-found');
		});
	});
}
