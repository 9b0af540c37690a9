import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import { hostFacts, startControl } from '../../support/control.ts';

const worker = path.join(import.meta.dirname, '../../support/placing-worker.ts');
/** Of a host with 8 cores, a thousand times overcommitted, each sandbox of the worker takes a fortieth. */
const room = 40;

/** A worker that is ready to begin; `begin` ends with the number of its sandboxes that found a host. */
async function startWorker(t: TestContext, database: string): Promise<{ readonly begin: () => Promise<number> }> {
	const child: ChildProcess = spawn(process.execPath, [worker, database, String(room)], { stdio: ['pipe', 'pipe', 'inherit'] });
	t.after(() => child.kill('SIGKILL'));
	const { stdin, stdout } = child;
	assert.ok(stdin !== null && stdout !== null);
	const lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
	assert.equal((await lines.next()).value, 'ready');
	const begin = async () => {
		stdin.write('begin\n');
		const ended = once(child, 'exit');
		const placed = Number((await lines.next()).value);
		assert.deepEqual(await ended, [0, null]);
		return placed;
	};
	return { begin };
}

test('two control planes over one database place at once and never more than a host has room for', { timeout: 60_000 }, async (t) => {
	const folder = await mkdtemp(path.join(os.tmpdir(), 'zunbox-planes-'));
	t.after(() => rm(folder, { recursive: true }));
	const database = path.join(folder, 'zunbox.db');
	const control = await startControl({ path: database });
	t.after(() => control.close());
	await control.link.register(hostFacts('h1'));
	const workers = await Promise.all([startWorker(t, database), startWorker(t, database)]);
	const placed = await Promise.all(workers.map(({ begin }) => begin()));
	t.diagnostic(`placed: ${placed.join(' and ')}`);
	assert.equal(
		placed.reduce((sum, one) => sum + one, 0),
		room,
	);
	const claims = await control.store.db.selectFrom('claim').select('cpu').where('host', '=', 'h1').execute();
	assert.deepEqual(
		claims.map(({ cpu }) => cpu),
		Array(room).fill(200),
	);
});
