import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { DriverSession } from '../driver.ts';
import { allBytes, failsWith, idle, type Suite } from './suite.ts';

export function sessionTests(suite: Suite): void {
	describe('interactive exec', () => {
		test('input goes in, output comes out, and the end of input ends it', async (t) => {
			if (suite.cannot(t, 'exec')) return;
			const id = await suite.startContainer(await suite.startSandbox(t), idle);
			const session = await suite.driver.containers.execInteractive(id, { command: ['cat'], tty: false }, suite.signal());
			await session.write(allBytes);
			await session.end();
			assert.deepEqual(await collect(session), { stdout: Buffer.from(allBytes), stderr: Buffer.alloc(0) });
			assert.equal(await session.exitCode(), 0);
			session.close();
		});

		test('exit code and both streams', async (t) => {
			if (suite.cannot(t, 'exec')) return;
			const id = await suite.startContainer(await suite.startSandbox(t), idle);
			const command = ['sh', '-c', 'read NAME; echo "hello $NAME"; echo apart >&2; exit 5'];
			const session = await suite.driver.containers.execInteractive(id, { command, tty: false }, suite.signal());
			await session.write(Buffer.from('you\n'));
			assert.deepEqual(await collect(session), { stdout: Buffer.from('hello you\n'), stderr: Buffer.from('apart\n') });
			assert.equal(await session.exitCode(), 5);
			session.close();
		});

		test('a megabyte there and back', async (t) => {
			if (suite.cannot(t, 'exec')) return;
			const id = await suite.startContainer(await suite.startSandbox(t), idle);
			const session = await suite.driver.containers.execInteractive(id, { command: ['cat'], tty: false }, suite.signal());
			const chunk = Buffer.alloc(65_536, 'zunbox ');
			const writing = (async () => {
				for (let round = 0; round < 16; round += 1) await session.write(chunk);
				await session.end();
			})();
			const { stdout } = await collect(session);
			await writing;
			assert(stdout.equals(Buffer.concat(Array.from({ length: 16 }, () => chunk))));
			assert.equal(await session.exitCode(), 0);
			session.close();
		});

		test('a terminal and its size', async (t) => {
			if (suite.cannot(t, 'exec')) return;
			const id = await suite.startContainer(await suite.startSandbox(t), idle);
			const request = { command: ['sh'], tty: true, size: { width: 100, height: 40 } };
			const session = await suite.driver.containers.execInteractive(id, request, suite.signal());
			const reader = session.output[Symbol.asyncIterator]();
			let seen = '';
			const until = async (pattern: RegExp): Promise<void> => {
				while (!pattern.test(seen)) {
					const { value, done } = await reader.next();
					assert(done !== true, `${pattern} before the end of ${JSON.stringify(seen)}`);
					seen += Buffer.from(value.bytes).toString();
				}
			};
			await session.write(Buffer.from('stty size\r'));
			await until(/40 100\r\n/);
			await session.resize({ width: 120, height: 50 });
			await session.write(Buffer.from('stty size\r'));
			await until(/50 120\r\n/);
			await session.write(Buffer.from('exit 4\r'));
			while ((await reader.next()).done !== true);
			assert.equal(await session.exitCode(), 4);
			session.close();
		});
	});

	for (const how of ['closing it', 'aborting its signal']) {
		test(`interactive exec: ${how} ends the command and what it started`, async (t) => {
			if (suite.cannot(t, 'exec')) return;
			const id = await suite.startContainer(await suite.startSandbox(t), idle);
			const processes = async (): Promise<number> => (await suite.driver.containers.stats(id, suite.signal())).pids;
			const before = await processes();
			const abort = new AbortController();
			// It does not heed the end of its terminal.
			const command = ['sh', '-c', 'trap "" HUP; echo started; sleep 1000; sleep 1000'];
			const session = await suite.driver.containers.execInteractive(id, { command, tty: true }, abort.signal);
			const reader = session.output[Symbol.asyncIterator]();
			assert.match(Buffer.from((await reader.next()).value?.bytes ?? []).toString(), /started/);
			assert((await processes()) > before);
			if (how === 'closing it') session.close();
			else abort.abort();
			await suite.until('only what ran before runs', async () => (await processes()) === before);
		});
	}

	describe('attach', () => {
		test('input reaches the first process, and its end is seen', async (t) => {
			if (suite.cannot(t, 'attach')) return;
			const sandboxId = await suite.startSandbox(t);
			const id = await suite.startContainer(sandboxId, ['sh', '-c', 'cat; echo apart >&2; exit 6'], { interactive: true });
			const session = await suite.driver.containers.attach(id, suite.signal());
			await session.write(Buffer.from('hello\n'));
			await session.end();
			assert.deepEqual(await collect(session), { stdout: Buffer.from('hello\n'), stderr: Buffer.from('apart\n') });
			assert.equal((await suite.untilEnded(sandboxId, id)).exitCode, 6);
			assert.equal((await suite.logs(id)).stdout.toString(), 'hello\n');
			session.close();
		});

		test('closing it lets the container run on', async (t) => {
			if (suite.cannot(t, 'attach')) return;
			const sandboxId = await suite.startSandbox(t);
			const id = await suite.startContainer(sandboxId, idle);
			const session = await suite.driver.containers.attach(id, suite.signal());
			session.close();
			for await (const _ of session.output);
			assert.equal((await suite.look(sandboxId, id)).status, 'running');
		});

		test('a terminal, its size, and typing into it', async (t) => {
			if (suite.cannot(t, 'attach')) return;
			const sandboxId = await suite.startSandbox(t);
			const id = await suite.startContainer(sandboxId, ['sh'], { interactive: true, tty: true });
			const session = await suite.driver.containers.attach(id, suite.signal());
			await suite.driver.containers.resize(id, { width: 90, height: 33 }, suite.signal());
			await session.write(Buffer.from('stty size; exit 2\r'));
			const { stdout } = await collect(session);
			assert.match(stdout.toString(), /33 90\r\n/);
			assert.equal((await suite.untilEnded(sandboxId, id)).exitCode, 2);
			session.close();
		});

		test('to what does not run fails', async (t) => {
			if (suite.cannot(t, 'attach')) return;
			const id = await suite.createContainer(await suite.startSandbox(t), idle);
			const attaching = suite.driver.containers.attach(id, suite.signal());
			await failsWith(attaching, 'not-running').finally(() => attaching.then((session) => session.close()).catch(() => undefined));
		});
	});
}

async function collect(session: DriverSession): Promise<{ stdout: Buffer; stderr: Buffer }> {
	const parts = { stdout: [] as Uint8Array[], stderr: [] as Uint8Array[] };
	for await (const { stream, bytes } of session.output) parts[stream].push(bytes);
	return { stdout: Buffer.concat(parts.stdout), stderr: Buffer.concat(parts.stderr) };
}
