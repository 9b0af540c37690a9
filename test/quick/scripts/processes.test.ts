import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { endMarked, markOf, readMark, writeMark } from '../../openstack/cloud/processes.ts';

function sleeper(t: TestContext): { readonly pid: number; readonly file: string; readonly ended: Promise<unknown> } {
	const folder = mkdtempSync(path.join(tmpdir(), 'zunbox-processes-'));
	const child = spawn('sleep', ['60'], { detached: true, stdio: 'ignore' });
	t.after(() => {
		child.kill('SIGKILL');
		rmSync(folder, { recursive: true, force: true });
	});
	assert.ok(child.pid !== undefined);
	return { pid: child.pid, file: path.join(folder, 'sleeper.pid'), ended: once(child, 'exit') };
}

describe('processes that a file tells of', () => {
	test('one that runs is known, and ended with its file', async (t) => {
		const { pid, file, ended } = sleeper(t);
		writeMark(file, pid);
		assert.deepEqual(readMark(file), markOf(pid));
		await endMarked(file, 'SIGTERM');
		assert.deepEqual(await ended, [null, 'SIGTERM']);
		assert.equal(readMark(file), null);
		assert.equal(existsSync(file), false);
	});

	test('another process with the same number is not it, and is left alone', async (t) => {
		const { pid, file } = sleeper(t);
		writeFileSync(file, JSON.stringify({ pid, started: '1' }));
		assert.equal(readMark(file), null);
		await endMarked(file, 'SIGKILL');
		assert.ok(markOf(pid) !== null);
	});

	test('a file that is missing or broken tells of none', async (t) => {
		const { file } = sleeper(t);
		assert.equal(readMark(file), null);
		writeFileSync(file, '{');
		assert.equal(readMark(file), null);
		await endMarked(file, 'SIGTERM');
	});
});
