import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, type TestContext, test } from 'node:test';

const root = path.resolve(import.meta.dirname, '../../..');

/** A folder laid out as an installation, with the real launcher and a program that tells what it was given. */
function installation(t: TestContext, main: 'src/main.ts' | 'dist/main.js'): string {
	const folder = mkdtempSync(path.join(tmpdir(), 'zunbox launcher '));
	t.after(() => rmSync(folder, { recursive: true, force: true }));
	for (const name of ['bin', path.dirname(main), 'node_modules/node/bin']) mkdirSync(path.join(folder, name), { recursive: true });
	copyFileSync(path.join(root, 'bin/zunbox'), path.join(folder, 'bin/zunbox'));
	chmodSync(path.join(folder, 'bin/zunbox'), 0o755);
	symlinkSync(process.execPath, path.join(folder, 'node_modules/node/bin/node'));
	writeFileSync(path.join(folder, 'package.json'), '{"type":"module"}');
	writeFileSync(
		path.join(folder, main),
		"console.log(JSON.stringify({ file: import.meta.filename, args: process.argv.slice(2), flags: process.execArgv })); process.exit(process.argv[2] === 'fail' ? 7 : 0);",
	);
	return folder;
}

function call(program: string, ...args: string[]): { file: string; args: string[]; flags: string[] } {
	return JSON.parse(execFileSync(program, args, { cwd: tmpdir(), encoding: 'utf8', timeout: 20_000 }));
}

describe('bin/zunbox', () => {
	test('runs the sources of a checkout, also by a link from elsewhere, with its arguments as they are', (t) => {
		const folder = installation(t, 'src/main.ts');
		const link = path.join(folder, 'a link');
		symlinkSync(path.join(folder, 'bin/zunbox'), link);
		for (const program of [path.join(folder, 'bin/zunbox'), link]) {
			const seen = call(program, 'run', 'two words', '--flag=$HOME', '');
			assert.equal(path.relative(folder, seen.file), 'src/main.ts');
			assert.deepEqual(seen.args, ['run', 'two words', '--flag=$HOME', '']);
		}
	});

	test('runs what is compiled where there are no sources', (t) => {
		const folder = installation(t, 'dist/main.js');
		assert.equal(path.relative(folder, call(path.join(folder, 'bin/zunbox')).file), 'dist/main.js');
	});

	test('bounds the heap, by default and as told', (t) => {
		const program = path.join(installation(t, 'src/main.ts'), 'bin/zunbox');
		assert.ok(call(program).flags.includes('--max-old-space-size=512'));
		const output = execFileSync(program, { encoding: 'utf8', env: { ...process.env, ZUNBOX_MAX_HEAP: '100' }, timeout: 20_000 });
		assert.match(output, /--max-old-space-size=100/);
	});

	test("gives the program's exit status, and a clear word where there is no program", (t) => {
		const folder = installation(t, 'src/main.ts');
		assert.equal(spawnSync(path.join(folder, 'bin/zunbox'), ['fail'], { timeout: 20_000 }).status, 7);
		rmSync(path.join(folder, 'src'), { recursive: true });
		const { status, stderr } = spawnSync(path.join(folder, 'bin/zunbox'), { encoding: 'utf8', timeout: 20_000 });
		assert.equal(status, 1);
		assert.match(stderr, /installation is not complete/);
	});

	test('without Node.js 24 says what to install', (t) => {
		const folder = installation(t, 'dist/main.js');
		rmSync(path.join(folder, 'node_modules'), { recursive: true });
		const old = path.join(folder, 'old');
		mkdirSync(old);
		writeFileSync(path.join(old, 'node'), '#!/bin/sh\necho 20\n', { mode: 0o755 });
		const { status, stderr } = spawnSync(path.join(folder, 'bin/zunbox'), {
			encoding: 'utf8',
			timeout: 20_000,
			env: { ...process.env, PATH: `${old}:/bin:/usr/bin` },
		});
		assert.equal(status, 1);
		assert.match(stderr, /needs Node\.js 24/);
	});
});
