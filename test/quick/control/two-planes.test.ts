import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { hostFacts, startControl } from '../../support/control.ts';

const worker = path.join(import.meta.dirname, '../../support/placing-worker.ts');
/** Of a host with 8 cores, a thousand times overcommitted, each sandbox of the worker takes a fortieth. */
const room = 40;

test('two control planes over one database place at once and never more than a host has room for', { timeout: 60_000 }, async (t) => {
	const folder = await mkdtemp(path.join(os.tmpdir(), 'zunbox-planes-'));
	t.after(() => rm(folder, { recursive: true }));
	const database = path.join(folder, 'zunbox.db');
	const control = await startControl({ path: database });
	t.after(() => control.close());
	await control.link.register(hostFacts('h1'));
	const run = async () => Number((await promisify(execFile)(process.execPath, [worker, database, String(room)])).stdout);
	const [one, other] = await Promise.all([run(), run()]);
	assert.equal(one + other, room, `${one} and ${other}`);
	const claims = await control.store.db.selectFrom('claim').select('cpu').where('host', '=', 'h1').execute();
	assert.deepEqual(
		claims.map(({ cpu }) => cpu),
		Array(room).fill(200),
	);
});
