import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, type TestContext, test } from 'node:test';

const setUp = path.resolve(import.meta.dirname, '../../../scripts/set-up.sh');
/** Programs of the base system that the script itself uses. */
const tools = ['id', 'sort', 'tr', 'grep', 'find', 'paste', 'tail', 'mktemp', 'rm', 'cat', 'date', 'sleep'];

/** A folder to be the checkout, and a folder of programs that holds the base system's and what a test puts there. */
function machine(t: TestContext): { root: string; programs: string } {
	const folder = mkdtempSync(path.join(tmpdir(), 'zunbox-set-up-'));
	t.after(() => rmSync(folder, { recursive: true, force: true }));
	const [root, programs] = [path.join(folder, 'root'), path.join(folder, 'bin')];
	mkdirSync(path.join(root, 'node_modules/node/bin'), { recursive: true });
	mkdirSync(programs);
	for (const tool of tools) symlinkSync(path.join('/usr/bin', tool), path.join(programs, tool));
	return { root, programs };
}

function script(folder: string, name: string, body: string): void {
	writeFileSync(path.join(folder, name), `#!/bin/sh\n${body}\n`, { mode: 0o755 });
}

function run({ root, programs }: { root: string; programs: string }, commands: string) {
	const { status, stdout, stderr } = spawnSync('/bin/sh', ['-euc', `root='${root}'; . '${setUp}'; ${commands}`], {
		encoding: 'utf8',
		timeout: 20_000,
		env: { PATH: programs },
	});
	return { status, stdout, stderr };
}

describe('missing system packages', () => {
	test('one line says what to install where there is no apt', (t) => {
		const { status, stderr } = run(machine(t), 'ensure_system_packages no-such-program=its-package sort=coreutils');
		assert.equal(status, 1);
		assert.match(stderr, /^zunbox: .*\bits-package\b.*\n$/);
		assert.doesNotMatch(stderr, /coreutils/);
	});

	test('one line says what to install where the user is not root', (t) => {
		const here = machine(t);
		rmSync(path.join(here.programs, 'id'));
		script(here.programs, 'id', 'echo 1000');
		script(here.programs, 'apt-get', 'echo called >&2');
		const { status, stderr } = run(here, 'ensure_system_packages no-such-program=its-package');
		assert.equal(status, 1);
		assert.match(stderr, /^zunbox: .*apt-get install its-package.*\n$/);
	});

	test('are installed, after a look at the package lists only when that is needed', (t) => {
		const here = machine(t);
		rmSync(path.join(here.programs, 'id'));
		script(here.programs, 'id', 'echo 0');
		/* Knows no package before `update`. */
		script(
			here.programs,
			'apt-get',
			`case "$*" in
			*update*) : >${here.root}/updated ;;
			*install*) [ -f ${here.root}/updated ] && echo '#!/bin/sh' >${here.programs}/new-program && ${process.execPath} -e 'fs.chmodSync("${here.programs}/new-program", 0o755)' ;;
			esac`,
		);
		const { status, stdout, stderr } = run(
			here,
			'ensure_system_packages new-program=its-package; ensure_system_packages new-program=its-package',
		);
		assert.equal(stderr, '');
		assert.equal(status, 0);
		assert.deepEqual(stdout.trimEnd().split('\n'), [
			'zunbox: installing from apt: its-package',
			"zunbox: reading apt's package lists (apt-get update)",
		]);
	});
});

describe('npm packages', () => {
	function checkout(t: TestContext, ages: { lock: number; record: number }): { root: string; programs: string } {
		const here = machine(t);
		script(path.join(here.root, 'node_modules/node/bin'), 'node', 'exit 0');
		script(here.programs, 'npm', 'echo npm "$@"');
		for (const [name, age] of [
			['package-lock.json', ages.lock],
			['node_modules/.package-lock.json', ages.record],
		] as const) {
			writeFileSync(path.join(here.root, name), '{}');
			utimesSync(path.join(here.root, name), 1_000_000 - age, 1_000_000 - age);
		}
		return here;
	}

	test('are left alone when they are not older than package-lock.json', (t) => {
		for (const ages of [
			{ lock: 10, record: 5 },
			{ lock: 5, record: 5 },
		]) {
			assert.deepEqual(run(checkout(t, ages), 'ensure_npm_packages'), { status: 0, stdout: '', stderr: '' });
		}
	});

	test('are installed when package-lock.json is newer', (t) => {
		assert.match(run(checkout(t, { lock: 5, record: 10 }), 'ensure_npm_packages').stdout, /^npm ci /m);
	});

	test('Node.js is fetched by hand when npm ran no install script', (t) => {
		const here = checkout(t, { lock: 10, record: 5 });
		const node = path.join(here.root, 'node_modules/node/bin/node');
		rmSync(node);
		script(
			here.programs,
			'node',
			`[ "$1" = installArchSpecificPackage.js ] && echo '#!/bin/sh' >${node} && ${process.execPath} -e 'fs.chmodSync("${node}", 0o755)'`,
		);
		const { status, stdout } = run(here, 'ensure_npm_packages');
		assert.equal(status, 0);
		assert.match(stdout, /fetching Node\.js 24/);
	});
});
