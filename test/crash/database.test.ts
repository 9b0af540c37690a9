/** What was committed stays, whenever the process is killed; a backup under load is whole; a first start can be killed. */
import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Store } from '../../src/store/store.ts';
import { CrashClient } from '../support/crash-client.ts';
import { CrashService } from '../support/crash-service.ts';
import { eventually } from '../support/eventually.ts';

const writer = path.join(import.meta.dirname, '../support/crash-writer.ts');
const program = path.join(import.meta.dirname, '../../bin/zunbox');

function folderOf(t: TestContext): string {
	const folder = mkdtempSync(path.join(tmpdir(), 'zunbox-database-'));
	t.after(() => rmSync(folder, { recursive: true, force: true }));
	return folder;
}

/** A process that commits without a pause, and the number that it said last. */
function startWriter(t: TestContext, database: string, size: number): { readonly child: ChildProcess; readonly last: () => number } {
	const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', writer, database, String(size)], {
		stdio: ['ignore', 'pipe', 'inherit'],
	});
	t.after(() => child.kill('SIGKILL'));
	let said = '';
	child.stdout.on('data', (chunk: Buffer) => {
		said = (said + chunk).slice(-100);
	});
	return { child, last: () => Number(said.split('\n').at(-2) ?? -1) };
}

test('the settings keep a committed transaction through a loss of power', async (t) => {
	const file = path.join(folderOf(t), 'zunbox.db');
	const store = await Store.open({ path: file });
	t.after(() => store.close());
	// 2 = FULL. It holds for the connection, so it is asked of the one that writes.
	const setting = async (name: string): Promise<unknown> =>
		await store.transaction(async (tx) => {
			const { sql } = await import('kysely');
			const { rows } = await sql`pragma ${sql.raw(name)}`.execute(tx);
			return Object.values(rows[0] ?? {})[0];
		});
	assert.equal(await setting('journal_mode'), 'wal');
	assert.equal(await setting('synchronous'), 2);
	assert.equal(await setting('foreign_keys'), 1);
});

test('each transaction that was committed is there after a kill, and no half of one', async (t) => {
	const file = path.join(folderOf(t), 'zunbox.db');
	for (let round = 0; round < 8; round += 1) {
		const { child, last } = startWriter(t, file, 2000);
		await eventually('it writes', () => last() > 20);
		await delay(round * 40);
		const ended = once(child, 'close');
		child.kill('SIGKILL');
		await ended;
		const store = await Store.open({ path: file });
		const rows = await store.db.selectFrom('meta').selectAll().where('key', 'like', 'row-%').execute();
		const count = await store.db.selectFrom('meta').select('value').where('key', '=', 'count').executeTakeFirstOrThrow();
		await store.close();
		const numbers = new Set(rows.map(({ key }) => Number(key.slice('row-'.length))));
		for (let n = 0; n <= last(); n += 1) assert.ok(numbers.has(n), `row ${n} of ${last()} is lost`);
		if (round === 0) assert.equal(Math.max(...numbers), Number(count.value), 'half a transaction');
		assert.ok(Number(count.value) >= last());
	}
});

test('a backup ends and is whole while others write without a pause', { timeout: 120_000 }, async (t) => {
	const folder = folderOf(t);
	const file = path.join(folder, 'zunbox.db');
	const filler = await Store.open({ path: file });
	// As large as years of events, so that one step of copying is not enough.
	await filler.transaction(async (tx) => {
		for (let n = 0; n < 400; n += 1) {
			await tx
				.insertInto('meta')
				.values({ key: `filler-${n}`, value: 'y'.repeat(100_000) })
				.execute();
		}
	});
	await filler.close();
	const { child, last } = startWriter(t, file, 500);
	await eventually('it writes', () => last() > 20);
	const copy = path.join(folder, 'copy');
	const before = last();
	const environment = { ...process.env, ZUNBOX_DATA_DIRECTORY: folder };
	await promisify(execFile)(program, ['db', 'backup', copy], { env: environment, timeout: 60_000 });
	assert.equal(child.exitCode, null, 'the writer goes on');
	const after = last();
	await eventually('it goes on writing', () => last() > after);
	const database = new DatabaseSync(copy, { readOnly: true });
	const integrity = database.prepare('PRAGMA integrity_check').get();
	const count = Number(database.prepare("SELECT value FROM meta WHERE key = 'count'").get()?.['value']);
	const rows = Number(database.prepare("SELECT count(*) AS n FROM meta WHERE key LIKE 'row-%'").get()?.['n']);
	database.close();
	assert.equal(integrity?.['integrity_check'], 'ok');
	assert.equal(rows, count + 1, 'a state between two commits');
	assert.ok(count >= before, 'what was committed before it began is in it');
	assert.equal(statSync(copy).mode & 0o077, 0, 'nobody else may read it');
});

test('a first start that is killed anywhere is followed by one that lets its administrator in', { timeout: 180_000 }, async (t) => {
	const learning = new CrashService();
	t.after(() => learning.remove());
	const log = path.join(learning.folder, 'passes');
	await learning.start({ ZUNBOX_FAIL_POINT_LOG: log });
	await new CrashClient(learning).login();
	await learning.end();
	const points = [...new Set(readFileSync(log, 'utf8').trim().split('\n'))];
	const wanted = points.filter((point) => point.startsWith('identity.') || point.startsWith('store.'));
	assert.ok(wanted.length >= 4, points.join());
	for (const point of wanted) {
		const service = new CrashService();
		t.after(() => service.remove());
		await assert.rejects(service.start({ ZUNBOX_FAIL_POINT: point }), point);
		await service.died();
		await service.start();
		const client = new CrashClient(service);
		await client.login();
		assert.deepEqual((await client.ok('GET /v1/sandboxes'))['sandboxes'], []);
		await service.end('SIGTERM');
	}
});
