import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { readOutcomes, recordOutcome } from './outcome.ts';
import type { Suite, TestFiles } from './suites.ts';

/** Runs a suite and records its outcomes. Its processes are a group of their own, which is ended when its time is up. */
export async function runSuite(suite: Suite, journal: string, aborted: AbortSignal): Promise<void> {
	const limit = AbortSignal.timeout(suite.limit * 60_000);
	const signal = AbortSignal.any([limit, aborted]);
	if (isTestFiles(suite.runs)) {
		const failuresBefore = countFailures(journal);
		const code = await runToEnd(testCommand(suite.name, suite.runs), signal, {
			ZUNBOX_TEST_JOURNAL: journal,
			ZUNBOX_TEST_SUITE: suite.name,
		});
		if (limit.aborted && existsSync(`${journal}.running`)) {
			console.log(
				`${suite.name} was ended after ${suite.limit} minutes; these were running:\n${readFileSync(`${journal}.running`, 'utf8')}`,
			);
		}
		/* A runner that breaks or is killed has recorded no failure for it. */
		if (code !== 0 && countFailures(journal) === failuresBefore) {
			const name = limit.aborted ? `not ended within ${suite.limit} minutes` : `the test runner ended with ${code}`;
			recordOutcome(journal, { suite: suite.name, file: '', name, result: 'failed' });
		} else if (limit.aborted) {
			recordOutcome(journal, { suite: suite.name, file: '', name: `not ended within ${suite.limit} minutes`, result: 'failed' });
		}
		return;
	}
	for (const check of suite.runs) {
		const code = await runToEnd(check.command, signal, {});
		const name = limit.aborted ? `${check.name}: not ended within ${suite.limit} minutes` : check.name;
		recordOutcome(journal, { suite: suite.name, file: '', name, result: code === 0 ? 'passed' : 'failed' });
	}
}

/** Whether there is anything to run: a suite whose folder does not exist yet is passed over. */
export function hasTests(suite: Suite): boolean {
	return !isTestFiles(suite.runs) || globSync(pattern(suite.name)).length > 0;
}

function isTestFiles(runs: Suite['runs']): runs is TestFiles {
	return 'concurrency' in runs;
}

function pattern(name: string): string {
	return `test/${name}/**/*.test.ts`;
}

function testCommand(name: string, files: TestFiles): readonly [string, ...string[]] {
	const command: readonly [string, ...string[]] = [
		process.execPath,
		'--disable-warning=ExperimentalWarning',
		'--import=./test/support/fixed-seed.ts',
		'--test',
		`--test-concurrency=${files.concurrency}`,
		`--test-timeout=${files.fileLimit * 60_000}`,
		'--test-reporter=./scripts/testing/reporter.ts',
		'--test-reporter-destination=stdout',
		pattern(name),
	];
	return files.within === undefined ? command : [...files.within, ...command];
}

function countFailures(journal: string): number {
	return readOutcomes(journal).filter((outcome) => outcome.result === 'failed').length;
}

/** Exit code of the command; 124 when it had to be ended. */
async function runToEnd(
	[program, ...args]: readonly [string, ...string[]],
	signal: AbortSignal,
	environment: Record<string, string>,
): Promise<number> {
	if (signal.aborted) return 124;
	const child = spawn(program, args, { stdio: ['ignore', 'inherit', 'inherit'], detached: true, env: { ...process.env, ...environment } });
	const stop = () => endGroup(child, 'SIGTERM');
	signal.addEventListener('abort', stop, { once: true });
	/* What ignores SIGTERM is killed. */
	const kill = () => setTimeout(() => endGroup(child, 'SIGKILL'), 10_000).unref();
	signal.addEventListener('abort', kill, { once: true });
	try {
		const [code] = await once(child, 'exit');
		/* What the command has left running in its group ends with it. */
		endGroup(child, 'SIGKILL');
		return signal.aborted ? 124 : (code ?? 1);
	} finally {
		signal.removeEventListener('abort', stop);
		signal.removeEventListener('abort', kill);
	}
}

function endGroup(child: ChildProcess, signal: NodeJS.Signals): void {
	if (child.pid === undefined) return;
	try {
		process.kill(-child.pid, signal);
	} catch {
		/* The group is gone. */
	}
}
