import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { closingLine, failureLines, type Outcome, readOutcomes } from '../../../scripts/testing/outcome.ts';

const reporter = path.resolve(import.meta.dirname, '../../../scripts/testing/reporter.ts');

function folderOf(t: TestContext): string {
	const folder = mkdtempSync(path.join(tmpdir(), 'zunbox-runner-'));
	t.after(() => rmSync(folder, { recursive: true, force: true }));
	return folder;
}

/** Runs test files with the project's reporter; each file is a name and its source. */
function run(t: TestContext, files: Readonly<Record<string, string>>): { outcomes: readonly Outcome[]; text: string; code: number | null } {
	const folder = folderOf(t);
	const journal = path.join(folder, 'journal');
	writeFileSync(journal, '');
	const imports = "import { after, describe, test } from 'node:test';\n";
	for (const [name, source] of Object.entries(files)) writeFileSync(path.join(folder, name), imports + source);
	const { NODE_TEST_CONTEXT: _, ...environment } = process.env;
	const { stdout, status } = spawnSync(
		process.execPath,
		['--test', '--test-concurrency=1', `--test-reporter=${reporter}`, '--test-reporter-destination=stdout', ...Object.keys(files)],
		{
			cwd: folder,
			encoding: 'utf8',
			timeout: 60_000,
			env: { ...environment, ZUNBOX_TEST_JOURNAL: journal, ZUNBOX_TEST_SUITE: 'some' },
		},
	);
	return { outcomes: readOutcomes(journal), text: stdout, code: status };
}

describe('the reporter', () => {
	test('counts tests and not the groups around them', (t) => {
		const { outcomes, code } = run(t, {
			'a.test.mjs': `
				test('one', () => {});
				describe('group', () => { test('two', () => {}); test('three', { skip: 'not here' }, () => {}); });
			`,
			'b.test.mjs': "test('four', async (t) => { await t.test('inner', () => {}); });",
		});
		assert.equal(code, 0);
		assert.equal(closingLine(outcomes), '4 passed, 0 failed, 1 skipped');
		assert.deepEqual(
			outcomes.map(({ file, name }) => `${file} ${name}`),
			['a.test.mjs one', 'a.test.mjs group › two', 'a.test.mjs group › three', 'b.test.mjs four › inner', 'b.test.mjs four'],
		);
	});

	test('shows why a test failed and what its file printed', (t) => {
		const { outcomes, text, code } = run(t, {
			'a.test.mjs': "describe('group', () => { test('two', () => { console.log('said before'); throw new Error('the reason'); }); });",
		});
		assert.equal(code, 1);
		assert.deepEqual(failureLines(outcomes), ['failed: some · a.test.mjs · group › two']);
		assert.match(text, /the reason/);
		assert.match(text, /said before/);
	});

	test('a file that cannot be loaded and a hook that throws are failures', (t) => {
		const { outcomes } = run(t, {
			'a.test.mjs': "throw new Error('at load');",
			'b.test.mjs': "describe('group', () => { after(() => { throw new Error('in a hook'); }); test('fine', () => {}); });",
		});
		assert.equal(closingLine(outcomes), '1 passed, 2 failed');
	});
});

test('outcomes that were cut off in writing are left out', (t) => {
	const journal = path.join(folderOf(t), 'journal');
	writeFileSync(journal, '{"suite":"a","file":"f","name":"n","result":"passed"}\n{"suite":"a","fi');
	assert.equal(closingLine(readOutcomes(journal)), '1 passed, 0 failed');
});
