import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { describe, test } from 'node:test';

const worker = path.join(import.meta.dirname, '../../support/image-worker.ts');

function run(database: string, failPoint: string) {
	const env = { ...process.env, ZUNBOX_FAIL_POINT: failPoint };
	return spawnSync(process.execPath, [worker, database], { env, encoding: 'utf8', timeout: 60_000 });
}

describe('a service that is killed while it works on an image', () => {
	for (const [point, before, after] of [
		['control.image.pull.before', '', 'Active\ngone\n'],
		['control.image.pull.done', '', 'Active\ngone\n'],
		['control.image.remove.before', 'Active\n', 'gone\n'],
		['control.image.remove.done', 'Active\n', 'gone\n'],
	] as const) {
		test(`at ${point} goes on with it when it starts again`, async (t) => {
			const folder = await mkdtemp(path.join(os.tmpdir(), 'zunbox-image-crash-'));
			t.after(() => rm(folder, { recursive: true, force: true }));
			const database = path.join(folder, 'test.db');
			const killed = run(database, point);
			assert.deepEqual([killed.signal, killed.stdout], ['SIGKILL', before], killed.stderr);
			const next = run(database, '');
			assert.deepEqual([next.status, next.stdout], [0, after], next.stderr);
		});
	}
});
